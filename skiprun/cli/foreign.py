"""Options of `skiprun evaluate` for a weight file of another program, which has no config beside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skiprun.cli.options import overrides, user_path
from skiprun.cli.terminal import say
from skiprun.errors import InputError, OptionError
from skiprun.system.progress import ProgressCallback

if TYPE_CHECKING:
    from skiprun.experiment import ForeignWeights, Parts

RunOrFile = Annotated[
    Path,
    typer.Argument(
        metavar="RUN|FILE", parser=user_path, help="A run, or a file of another program's weights."
    ),
]


@dataclass(frozen=True)
class ForeignOptions:
    """What a FILE of weights does not say itself."""

    model: Annotated[
        str | None,
        typer.Option("--model", metavar="NAME", help="Of a FILE: its architecture, or NAME:option=value."),
    ] = None
    data: Annotated[
        str | None, typer.Option("--data", metavar="NAME", help="Of a FILE: a dataset to score it on.")
    ] = None
    mean: Annotated[
        str | None,
        typer.Option("--mean", metavar="M,...", help="Of a FILE: the mean it was trained with, white is 1."),
    ] = None
    std: Annotated[
        str | None, typer.Option("--std", metavar="S,...", help="Of a FILE: the deviation likewise.")
    ] = None
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Of a FILE: a key, as data.image_size=32."),
    ] = None

    @property
    def given(self) -> list[str]:
        """The options that were given, as they are typed."""
        return [f"--{name.rstrip('_')}" for name, value in vars(self).items() if value]

    def weights(self, file: Path, root: Path | None, device: str | None) -> ForeignWeights:
        """Return the file with all that is said of it, where its data and the computation are included."""
        from skiprun.experiment import ForeignWeights

        assert self.model and self.data, "see is_foreign"
        return ForeignWeights(
            file,
            self.model,
            self.data,
            root=root,
            mean=parse_floats(self.mean, "--mean"),
            std=parse_floats(self.std, "--std"),
            overrides=overrides(self.set_, device),
        )


def is_foreign(run: Path, of_file: ForeignOptions, other_data: bool) -> bool:
    """Tell whether a file of weights is meant.

    Args:
        run: what is to be scored.
        of_file: what only a file of weights needs.
        other_data: what only a run is asked.

    Raises:
        InputError: options of both, or not all that a file needs.
    """
    if not of_file.given and not run.is_file():
        return False
    if not (of_file.model and of_file.data):
        no_run = f", and takes no {of_file.given[0]}" if of_file.given else ""
        raise InputError(
            f"{run}: a file of weights needs --model and --data, as --model resnet20 --data digits; a run "
            f"has them in its config.yaml{no_run}."
        )
    if other_data:
        raise InputError(
            f"--other-data is for a RUN; {run} is scored as a file of weights, on the data that is named."
        )
    return True


def rebuild_foreign(
    weights: ForeignWeights, runs: Path, loading: ProgressCallback | None
) -> tuple[Parts, dict[str, object]]:
    """Return what is to be scored, and what JSON says of it; the notes are said."""
    from skiprun.experiment import rebuild_file

    parts = rebuild_file(weights, runs, loading)
    for note in parts.notes:
        say(note)
    return parts, {
        "weights": str(weights.file),
        "model": weights.model,
        "data": weights.data,
        "set": weights.overrides,
        "mean": parts.loaders.mean,
        "std": parts.loaders.std,
        "notes": parts.notes,
    }


def parse_floats(text: str | None, option: str) -> list[float] | None:
    """Read a list such as 0.49,0.48,0.45."""
    try:
        return None if text is None else [float(part) for part in text.split(",")]
    except ValueError:
        raise OptionError(option, f"found '{text}'; write numbers with commas, as 0.49,0.48,0.45") from None
