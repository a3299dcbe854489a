"""What is generated of the documentation: `python -m docs` writes it from the registries and what was measured."""
