"""The operating system: files, locks, caches, cores, processes, and the repair of torchvision."""
