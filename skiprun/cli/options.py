"""Options that several commands share."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand


def user_path(text: str | Path) -> Path:
    """Return a path with ~ read as the user's home, as a shell leaves it in --runs=~/runs and variables."""
    return Path(text).expanduser()


RunsFolder = Annotated[
    Path,
    typer.Option(
        "--runs", metavar="DIR", parser=user_path, help="Folder of all runs.", envvar="SKIPRUN_RUNS"
    ),
]
Root = Annotated[
    Path | None,
    typer.Option("--root", metavar="DIR", parser=user_path, help="Where the data is now: data.root."),
]
OtherData = Annotated[
    bool, typer.Option("--other-data", help="Use other data than RUN was trained on, and say so.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print results and errors only.")]
Set = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a key, as optim.lr=0.05.")
]
Jobs = Annotated[
    int | None, typer.Option(min=1, help="Runs at once; default: one a GPU, or one a core if small.")
]
Device = Annotated[str | None, typer.Option("--device", metavar="auto|cpu|cuda", help="Where to compute.")]
Ray = Annotated[
    str | None,
    typer.Option(
        "--ray",
        metavar="[ADDRESS]",
        help="Train on a Ray cluster: HOST:PORT, auto, or by itself one of this machine's own.",
    ),
]
Folds = Annotated[
    int | None,
    typer.Option(
        min=2, max=100, metavar="K", help="Cross-validate: K runs, which test every image once in all."
    ),
]
PrintCommands = Annotated[
    bool,
    typer.Option(
        "--print-commands", help="Print a command line for each run that is missing, and train nothing."
    ),
]
RunArgument = Annotated[
    Path, typer.Argument(metavar="RUN", parser=user_path, help="A run directory, or its name below runs/.")
]

RUNS = Path("runs")
ADDRESS = r"local|auto|(ray://)?[\w.\-\[\]:]+:\d+"  # and no architecture with its options


class WithRay(TyperCommand):
    """A command whose --ray may stand without an address, also before a name."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put `local` behind a --ray that no address follows."""
        filled = list(args)
        if "--ray" in args and not re.fullmatch(ADDRESS, "".join(args[args.index("--ray") + 1 :][:1])):
            filled.insert(args.index("--ray") + 1, "local")
        return super().parse_args(ctx, filled)


def apart(given: list[str] | None, set_: list[str] | None) -> tuple[list[str], list[str]]:
    """Part names from bare KEY=VALUE, as Hydra and Ultralytics have them; return names, and all overrides."""
    bare = [text for text in given or [] if re.match(r"[a-z_]+(\.\w+)*=", text) and not Path(text).exists()]
    return [text for text in given or [] if text not in bare], [*(set_ or []), *bare]


def overrides(given: list[str] | None, device: str | None = None, root: Path | None = None) -> list[str]:
    """Return the overrides of a command line, with what has an option of its own."""
    from skiprun.config_file import Override

    placed = [Override("--root", f"data.root={json.dumps(str(root))}")] if root else []
    computed = [Override("--device", f"compute.device={device}")] if device is not None else []
    return [*(given or []), *computed, *placed]
