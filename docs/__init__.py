"""The pages; `docs.generate` writes those that are made from registries and measurements."""
