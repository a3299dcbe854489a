"""What every entry of a registry keeps, the package's own and a user's: for `skiprun check` and the tests."""

from skiprun.experiment.contracts import claims, connections, datasets, models, probes, studies, symptoms
from skiprun.experiment.contracts.contract import (
    CONTRACTS,
    Contract,
    ContractResult,
    Subject,
    Unkept,
    contracts_of,
)

__all__ = [
    "CONTRACTS",
    "Contract",
    "ContractResult",
    "Subject",
    "Unkept",
    "claims",
    "connections",
    "contracts_of",
    "datasets",
    "models",
    "probes",
    "studies",
    "symptoms",
]
