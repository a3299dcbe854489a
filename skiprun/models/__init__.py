"""Networks by name, each built around a connection.

One file a family, registered with the facts that `skiprun models` lists. A builder takes `num_classes`, `in_channels`,
a `connection` factory if the family has sites, and the family's options by keyword.
"""

from skiprun.models.build import SMALLER_NETWORK, build_from_config, build_model, check_from_config
from skiprun.models.cost import Cost, cost

__all__ = ["SMALLER_NETWORK", "Cost", "build_from_config", "build_model", "check_from_config", "cost"]
