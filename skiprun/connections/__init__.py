"""The experimental variable: how the shortcut `x` and the branch output `fx` are joined.

One file each. The module is also the one site where instruments hook in: its forward sees both `x` and `fx`.
"""

from skiprun.connections.base import Connection, Site, sites

__all__ = ["Connection", "Site", "sites"]
