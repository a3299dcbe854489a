"""Symptoms of a run, one a file: the rule, its sentence, and what to try."""
