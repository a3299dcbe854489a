"""`skiprun studies`, and what all commands that study networks share."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Literal, TypedDict

import typer

from skiprun.cli.groups import ListByDefault
from skiprun.cli.listings import show_entries
from skiprun.cli.options import RUNS, Device, Json, OtherData, Quiet, Root, RunsFolder
from skiprun.cli.progress import loading
from skiprun.cli.terminal import emit, results, set_quiet
from skiprun.errors import OptionError
from skiprun.results.study_documents import Document, Row

if TYPE_CHECKING:
    from skiprun.experiment.study_runner.study import StudyRequest

log = logging.getLogger(__name__)

app = typer.Typer(
    cls=ListByDefault,
    help="List studies; `studies run STUDY` runs any one.",
    epilog="Example: skiprun studies --json",
    rich_markup_mode=None,
)

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


class StudyShown(TypedDict):
    """What is printed of a study: the document of each network, and the files of its figures."""

    study: str
    networks: list[Document]
    figures: list[str]


def show(*requests: StudyRequest, runs: Path, json: bool, quiet: bool, fresh: bool = False) -> None:
    """Study networks, write the figures, and print tables and verdicts, or one JSON document."""
    from skiprun import reports

    silent = quiet or json
    set_quiet(silent)
    found = [study_and_draw(each, runs, silent, fresh) for each in requests]
    if json:
        emit(found[0] if len(found) == 1 else found)
        return
    for each in found:
        results.print(reports.study_table(each["networks"]))
        for file in each["figures"]:
            log.info(f"Figure: {file}")


def study_and_draw(request: StudyRequest, runs: Path, silent: bool, fresh: bool) -> StudyShown:
    """Make one study and write its figures: beside the run if it is one, else below studies/ of all runs."""
    from skiprun import reports
    from skiprun.experiment.study_runner.study import run_study

    spare = runs / "studies" / reports.slug([request.study, *(target.label for target in request.targets)])
    progress_for, prepared = (_uncounted, None) if silent else (Counted, loading)
    with stopping():
        documents = run_study(request, progress_for, prepared, fresh, spare)
        files = write_figures(request, documents, runs, spare)
    return {"study": request.study, "networks": documents, "figures": [str(file) for file in files]}


def write_figures(
    request: StudyRequest, documents: Sequence[Document], runs: Path, spare: Path
) -> list[Path]:
    """Write and return the figures of a study, and its document where it belongs to no single run."""
    from skiprun import reports
    from skiprun.experiment.study_runner.keeping import folder_for, warn_instead
    from skiprun.system.files import write_json

    alone = documents[0]["run"] if len(documents) == 1 else None
    labels = [document["label"] for document in documents if request.targets]
    together = runs / "studies" / reports.slug([request.study, *labels])
    folder = folder_for(Path(alone), spare) if alone else together
    files: list[Path] = []
    if folder:  # else it was logged before the study
        with warn_instead():
            files = reports.write_study(documents, folder)
            if not alone:
                write_json(folder / f"{request.study}.json", documents)
    return files


class Counted:
    """Progress of one study: how many of its rows are known."""

    def __init__(self, label: str, done: int) -> None:
        self.label, self.done = label, done

    def __call__(self, _row: Row, total: int) -> None:
        """Count a row, and show how many there are of `total`."""
        self.done += 1
        loading(self.done, total, self.label)


def _uncounted(_label: str, _done: int) -> Callable[[Row, int], None]:
    return lambda *_: None


@contextmanager
def stopping() -> Iterator[None]:
    """Let both signals end a study and its processes in the same orderly way, with 130 or 143."""

    def end(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        log.info(
            "Stopped; the network is as it was. The same command starts again, or continues a landscape."
        )
        raise
    finally:
        signal.signal(signal.SIGTERM, before)


def numbers(text: str | None, option: str) -> list[int]:
    """Read a list such as 20,56,110."""
    try:
        return [int(part) for part in words(text)]
    except ValueError:
        raise OptionError(option, f"found '{text}'; write whole numbers with commas, as 20,56,110") from None


def words(text: str | None) -> list[str]:
    """Read a list such as none,add."""
    return [part.strip() for part in (text or "").split(",") if part.strip()]


@app.command("list", epilog="Example: skiprun studies --json")
def list_studies(json: Json = False) -> None:
    """List the studies with their papers."""
    from skiprun.registry import STUDIES

    show_entries(STUDIES, ["paper"], json)


@app.command(epilog="Example: skiprun studies run lesion smoke --option draws=5")
def run(
    study: Annotated[str, typer.Argument(metavar="STUDY", help="A name of `skiprun studies`.")],
    names: Names = None,
    option: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="An option of the study.")
    ] = None,
    split: ScoredSplit = None,
    images: Images = None,
    batches: Batches = None,
    batch_size: BatchSize = None,
    weights: Weights = "best",
    root: Root = None,
    other_data: OtherData = False,
    device: Device = None,
    runs: RunsFolder = RUNS,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Run any study of the registry, on networks that are not trained too."""
    from skiprun.experiment.study_runner.sample_selection import SampleSelection
    from skiprun.experiment.study_runner.study import StudyRequest
    from skiprun.experiment.study_runner.study_targets import DataPlace, find_targets

    look = SampleSelection(split, images, batches, batch_size, weights, device)
    request = StudyRequest(
        study, find_targets(names or [], runs, place=DataPlace(root, other_data)), look, pairs(option or [])
    )
    show(request, runs=runs, json=json, quiet=quiet)


def pairs(given: Sequence[str]) -> dict[str, object]:
    """Read options such as draws=5 or depths=[2,10]; values are read as YAML."""
    import yaml

    for text in given:
        if "=" not in text:
            raise OptionError("--option", f"found '{text}'; write KEY=VALUE, as draws=5")
    return {text.split("=", 1)[0]: yaml.safe_load(text.split("=", 1)[1]) for text in given}
