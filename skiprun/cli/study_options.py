"""Options that the commands of studies share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import typer

from skiprun.errors import OptionError

Names = Annotated[
    list[str] | None, typer.Argument(metavar="NAME...", help="Architectures, YAML files or runs.")
]
RunNames = Annotated[
    list[str], typer.Argument(metavar="RUN...", help="Run directories, or their names below runs/.")
]
SplitName = Literal["train", "val", "test"]
Split = Annotated[SplitName, typer.Option(metavar="train|val|test", help="Which part of the data.")]
ScoredSplit = Annotated[
    SplitName | None,
    typer.Option(
        "--split", metavar="train|val|test", help="Default: test, but val of a run that is not finished."
    ),
]
Images = Annotated[int | None, typer.Option(min=1, help="Score this many images at most.")]
Batches = Annotated[int | None, typer.Option(min=1, help="Batches to look at.")]
BatchSize = Annotated[int | None, typer.Option(min=2, max=4096, help="Images a batch.")]
Weights = Annotated[
    Literal["best", "last", "initial"],
    typer.Option(metavar="best|last|initial", help="Which weights of a run."),
]
Fresh = Annotated[bool, typer.Option("--fresh", help="Forget what an earlier try left.")]


@dataclass(frozen=True)
class LookOptions:
    """How much a study looks at, see `SampleSelection`."""

    split: ScoredSplit = None
    images: Images = None
    batches: Batches = None
    batch_size: BatchSize = None
    weights: Weights = "best"


def numbers(text: str | None, option: str) -> list[int]:
    """Read a list such as 20,56,110."""
    try:
        return [int(part) for part in words(text)]
    except ValueError:
        raise OptionError(option, f"found '{text}'; write whole numbers with commas, as 20,56,110") from None


def words(text: str | None) -> list[str]:
    """Read a list such as none,add."""
    return [part.strip() for part in (text or "").split(",") if part.strip()]
