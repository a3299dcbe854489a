"""Architectures and their blocks as rows of tables."""

from __future__ import annotations

from skiprun.models.complexity.rows import BlockRow, ModelRow


def batch_bytes(row: ModelRow, batch: int) -> int | None:
    """Return what the activations of a batch take; None where they could not be counted."""
    return row["activation_bytes"] and batch * row["activation_bytes"]


def model_row(row: ModelRow, batch: int) -> list[object]:
    """Return the cells of one architecture."""
    channels, height, width = row["input"]
    size = height if channels == 3 and height == width else f"{channels}x{height}x{width}"
    memory = (held := batch_bytes(row, batch)) and f"{held / 2**30:6.2f}"
    facts = [row["name"], row["family"], row["connection"], row["layers"], row["parameters"]]
    return [*facts, macs_text(row["macs"]), memory, size, str(row["year"])]


def rows_by_first(pairs: list[tuple[str, str]], between: str) -> list[list[str]]:
    """Return a row for each first word, with all of its second words, each once."""
    found: dict[str, dict[str, None]] = {}
    for first, second in pairs:
        found.setdefault(first, {})[second] = None
    return [[first, between.join(seconds)] for first, seconds in found.items()]


def macs_text(number: int | None) -> str | None:
    """Return a number of multiply-adds in millions, or in thousands of millions; a small one as it is."""
    if number is None or number < 1e5:
        return number if number is None else f"{number:6,}"
    return f"{number / 1e6:6.1f} M" if number < 1e9 else f"{number / 1e9:6.2f} G"


def sites_text(row: BlockRow) -> str | None:
    """Return the sites of a block with their connection, as `model.connections` has them."""
    return f"{','.join(map(str, row['sites']))}: {row['connection']}" if row["sites"] else None


def block_cell(column: str, value: object) -> object:
    """Return a shape as 16x32x32, multiply-adds in millions, a factor with two digits, the rest as it is."""
    if isinstance(value, list):
        return "x".join(map(str, value))
    if column.endswith("macs") and isinstance(value, int):
        return macs_text(value)
    return f"{value:.2f}" if isinstance(value, float) else value
