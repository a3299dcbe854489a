"""What may be claimed from results: rule and sentence."""
