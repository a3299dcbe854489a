"""Replace the connection at chosen sites: one for all, and others by site number."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import nn

from skiprun.connections import Connection, Site
from skiprun.connections.base import ConnectionFactory
from skiprun.errors import OptionError
from skiprun.infos import ModelInfo
from skiprun.models.options import convert_options
from skiprun.registry import CONNECTIONS, Entry

ModelEntry = Entry[Callable[..., nn.Module], ModelInfo]


def connections_that_fit(entry: ModelEntry) -> list[str]:
    """Return the connections that an architecture takes, sorted; by default those that keep the channels."""
    if entry.info.connection is None:
        return []
    return sorted(each.name for each in CONNECTIONS if entry.info.fits(each.target))


def choose_connections(
    entry: ModelEntry,
    connection: str,
    options: Mapping[str, object] | None = None,
    by_site: Mapping[str, str] | None = None,
) -> ConnectionFactory:
    """Return the maker of an architecture's connections.

    Args:
        entry: the architecture.
        connection: a name for all sites.
        options: options of that connection.
        by_site: other names for some sites, such as {"3,5-9": "none"}.

    Raises:
        OptionError: a connection, an option or a site that is not there or does not fit.
    """
    usual = fitting_connection(entry, connection, "connection")
    own = entry.info.connection_options if connection == entry.info.connection else {}
    given = {**own, **convert_options(f"connection '{connection}'", usual, options or {})}
    others = {
        index: fitting_connection(entry, other, "connections")
        for spec, other in (by_site or {}).items()
        for index in site_numbers(spec)
    }

    def make(site: Site) -> Connection:
        if others and max(others) >= site.total:
            raise OptionError(
                "connections", f"found site {max(others)}; {entry.name} has the sites 0 to {site.total - 1}"
            )
        return others[site.index](site) if site.index in others else usual(site, **given)

    return make


def fitting_connection(entry: ModelEntry, name: str, key: str) -> type[Connection]:
    """Return a connection by name, or refuse it with those that fit the architecture."""
    chosen = CONNECTIONS[name].target
    fits = connections_that_fit(entry)
    if name not in fits:
        raise OptionError(key, f"'{name}' does not fit {entry.name}. These fit: {', '.join(fits)}")
    return chosen


def site_numbers(spec: str) -> list[int]:
    """Return the site numbers of a text such as '3,5-9'."""
    numbers: list[int] = []
    for part in spec.replace(" ", "").split(","):
        first, dash, last = part.partition("-")
        last = last if dash else first
        if not (first.isdecimal() and last.isdecimal() and int(first) <= int(last)):
            raise OptionError(
                "connections", f"found '{spec}'; sites are numbers and ranges, such as \"3,5-9\""
            )
        numbers.extend(range(int(first), int(last) + 1))
    return numbers
