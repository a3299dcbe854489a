"""Fully connected networks of four kinds, by connection and norm, measured by depth beside theory."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from skiprun.studies.base import Facts, Report, Row

KINDS = (("none", True), ("none", False), ("add", False), ("add", True))  # connection, with batch norm


def label(connection: str, normed: bool) -> str:
    """Return how a kind of network is called in rows."""
    return f"{connection}, {'batch norm' if normed else 'no norm'}"


def measure_kinds(
    key: str,
    depths: Sequence[int],
    measure: Callable[[str, bool], Sequence[float]],
    expected: Callable[[str, bool, int], float],
    report: Report,
) -> tuple[list[Row], Facts]:
    """Return one row a kind and depth, and the facts.

    Args:
        key: of what is measured.
        depths: numbers of layers.
        measure: returns a value for each depth of networks with a connection, and batch norm or not.
        expected: returns what theory expects, at a depth.
        report: told of each row.
    """
    rows: list[Row] = []
    for kind in KINDS:
        for depth, value in zip(depths, measure(*kind), strict=True):
            row = {"network": label(*kind), "depth": depth, key: value}
            rows.append(row | {"theory": expected(*kind, depth)})
            report(rows[-1], len(KINDS) * len(depths))
    return rows, {f"{row['network']}, depth {row['depth']}": row[key] for row in rows}
