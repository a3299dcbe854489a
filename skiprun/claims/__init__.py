"""What may be claimed from results: one file a claim, its rule and its sentence together."""
