"""Run studies on finished runs or fresh architectures, and keep their results."""
