"""The pages that `python -m docs.generate` writes, from registries and measurements."""
