"""Do again what was published: train and study what claims ask for, judge it, and keep the ledger."""

from skiprun.experiment.reproduction.reproduce import reproduce, reproduce_commands, run_claims

__all__ = ["reproduce", "reproduce_commands", "run_claims"]
