"""The generated part of the documentation: `python -m docs` writes it from registries and measurements."""
