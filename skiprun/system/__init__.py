"""What the machine gives and takes: files, locks, caches, cores, processes, and the repair of torchvision."""
