"""Names as short as they can be told apart, for where there is little room."""

from __future__ import annotations

from collections.abc import Sequence


def short_names(names: Sequence[str]) -> list[str]:
    """Return names without the words with which all begin, as 'digits-' of digits-plain20, digits-plain56."""
    words, rests = {name.partition("-")[0] for name in names}, [name.partition("-")[2] for name in names]
    return short_names(rests) if len(names) > 1 == len(words) and all(rests) else list(names)
