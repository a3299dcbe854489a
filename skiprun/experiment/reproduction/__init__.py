"""Do again what was published: train and study what claims ask for, judge it, and keep the ledger."""

from skiprun.experiment.reproduction.reproduce import FOLDER, reproduce

__all__ = ["FOLDER", "reproduce"]
