"""The notebook of the examples: its cells name what exists, and run from top to bottom."""

from __future__ import annotations

import inspect
from pathlib import Path
from unittest.mock import create_autospec

import nbformat
import pytest
from nbclient import NotebookClient

import skiprun
from skiprun.claims.comparison import Comparison, compare_runs
from skiprun.reports import write_comparison
from tests.support import ROOT
from tests.support.fake_runs import write_trio

FILE = ROOT / "examples" / "compare.ipynb"
QUICK = 'seeds=1, overrides=["schedule.epochs=0.2", "model.width=4", "log.tensorboard=false"]'


def cells(kind: str = "code") -> list[nbformat.NotebookNode]:
    return [cell for cell in nbformat.read(FILE, as_version=4).cells if cell.cell_type == kind]


@pytest.fixture
def comparison(tmp_path: Path) -> Comparison:
    """A comparison of runs that nobody trained, with its page."""
    compared = compare_runs(write_trio(tmp_path))
    return Comparison(
        **{**vars(compared), "report": write_comparison(compared, tmp_path / "comparisons" / "trio")}
    )


def test_its_cells_name_what_exists(comparison: Comparison, monkeypatch: pytest.MonkeyPatch) -> None:
    compare = create_autospec(skiprun.compare, return_value=comparison)
    monkeypatch.setattr(skiprun, "compare", compare, raising=False)
    load_run = create_autospec(skiprun.load_run, return_value=comparison.groups[0].runs[0].run)
    monkeypatch.setattr(skiprun, "load_run", load_run, raising=False)
    monkeypatch.setattr(skiprun, "study", create_autospec(skiprun.study), raising=False)
    names: dict[str, object] = {}
    for cell in cells():
        exec(cell.source, names)
    inspect.signature(compare).bind(*compare.call_args.args, **compare.call_args.kwargs)
    assert compare.call_args.kwargs["seeds"] == 3


def test_its_outputs_are_stored_and_small() -> None:
    assert FILE.stat().st_size < 300_000
    assert all(cell.outputs for cell in cells()[1:])
    assert not any(output.output_type == "error" for cell in cells() for output in cell.outputs)
    shown = [output.data["text/html"] for cell in cells() for output in cell.outputs if "data" in output]
    assert "Degradation was seen" in shown[0] and "Cured by &#x27;add&#x27;" in shown[0]
    assert all(page.count("<table>") == 1 and page.count("<svg") >= 2 for page in shown)


@pytest.mark.slow
def test_it_runs_from_top_to_bottom(tmp_path: Path) -> None:
    notebook = nbformat.read(FILE, as_version=4)
    first = next(cell for cell in notebook.cells if "seeds=3" in cell.source)
    first.source = first.source.replace("seeds=3", QUICK)
    folder = tmp_path / "examples"
    folder.mkdir()
    NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": folder}}
    ).execute()
    assert (tmp_path / "runs" / "digits-resnet56" / "seed-0" / "summary.json").exists()
    (shown,) = [cell for cell in notebook.cells if cell.source == "comparison"]
    page = shown.outputs[0].data["text/html"]
    assert "<table>" in page and page.count("<svg") == 3 and "digits-plain56" in page
