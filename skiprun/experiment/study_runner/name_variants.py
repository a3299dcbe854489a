"""Names of architectures that differ in depth, connection and norm."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from skiprun.errors import InputError

FAMILY = "resnet_cifar"
AXES = ("depth", "connection", "norm")


def name_variants(
    names: Sequence[str],
    depths: Sequence[int] = (),
    connections: Sequence[str] = (),
    norms: Sequence[str] = (),
) -> list[str]:
    """Return each name with every combination of depth, connection and norm: plain56 -> plain56:norm=none.

    Raises:
        InputError: there is nothing to combine or to name.
    """
    axes = [
        [f"{key}={each}" for each in given]
        for key, given in zip(AXES, (depths, connections, norms), strict=True)
    ]
    varied = [axis for axis in axes if axis]
    if not names and not varied:
        raise InputError(
            "Name an architecture, a YAML file or a run, such as resnet56; or give --depths 20,56."
        )
    if not varied:
        return list(names)
    options = [",".join(each) for each in itertools.product(*varied)]
    return [_with(name, each) for name in names or [FAMILY] for each in options]


def _with(name: str, options: str) -> str:
    return f"{name},{options}" if ":" in name else f"{name}:{options}"
