"""The notebooks of the lessons: filled with their solutions they run, and every check passes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from skiprun.lessons.exercises import EXERCISES, find_exercise
from skiprun.lessons.notebooks import FOLDER, Lesson, lessons
from tests.support import ROOT
from tests.support.command_line import run_here

LESSONS = sorted((ROOT / "examples" / "lessons").glob("*.ipynb"))
TRAINED = (
    'seeds=1, overrides=["schedule.epochs=1", "schedule.warmup=0", "model.width=4", "log.tensorboard=false"]'
)
QUICK = {"2_degradation": TRAINED, "3_gradient_flow": "seeds=1, batches=1", "5_unet_skips": TRAINED}


def exercise_of(cell: nbformat.NotebookNode) -> str | None:
    """Return the exercise that a cell is to be filled in for."""
    kind, _, number = cell.id.partition("-")
    return number.replace("-", ".") if kind == "exercise" else None


def lesson(file: Path) -> Lesson:
    return next(each for each in lessons() if each.file.name == file.name)


def solved(file: Path) -> nbformat.NotebookNode:
    """Return a lesson with its solutions, and with what it trains made short."""
    notebook = nbformat.from_dict(lesson(file).notebook(solved=True))
    for cell in notebook.cells:
        cell.source = re.sub(r"seeds=\d", QUICK.get(file.stem, ""), "".join(cell.source))
    return notebook


def printed(notebook: nbformat.NotebookNode) -> str:
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return "".join(output.get("text", "") for output in outputs)


@pytest.mark.parametrize("file", LESSONS, ids=lambda file: file.stem)
def test_every_exercise_is_asked_checked_and_solved_once(file: Path) -> None:
    cells = nbformat.read(file, as_version=4).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    asked = [number for cell in code if (number := exercise_of(cell))]
    checked = [
        number for cell in code for number in re.findall(r'^check\("([\d.]+)"', cell.source, re.MULTILINE)
    ]
    find_exercise("1.1")
    assert asked == checked == [*lesson(file).solutions]
    assert asked == [number for number in sorted(EXERCISES) if number.startswith(file.stem[0] + ".")]
    assert not any(cell.outputs for cell in code)
    assert file.stat().st_size < 10_000


def test_the_package_has_every_lesson() -> None:
    assert [each.file.resolve() for each in lessons()] == LESSONS
    assert [each.name for each in sorted(FOLDER.glob("*.ipynb"))] == [file.name for file in LESSONS]


@pytest.mark.parametrize("stem", ["1_residual_block", "4_projection"])  # the others train or measure
def test_solutions_pass_their_checks(stem: str, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {}
    for cell in solved(ROOT / "examples" / "lessons" / f"{stem}.ipynb").cells:
        if cell.cell_type == "code":
            exec(cell.source, names)
    said = re.findall(r"^\d\.\d (\w+)$", capsys.readouterr().out, re.MULTILINE)
    assert said == ["PASS"] * len(lesson(Path(f"{stem}.ipynb")).solutions)


@pytest.mark.slow
@pytest.mark.parametrize("file", LESSONS, ids=lambda file: file.stem)
def test_a_lesson_runs_from_top_to_bottom(file: Path, tmp_path: Path) -> None:
    notebook = solved(file)
    NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    ).execute()
    assert re.findall(r"^\d\.\d (\w+)$", printed(notebook), re.MULTILINE) == ["PASS"] * len(
        lesson(file).solutions
    )


@pytest.mark.slow
def test_a_lesson_that_nobody_answered_runs_too(tmp_path: Path) -> None:
    notebook = nbformat.read(LESSONS[3], as_version=4)
    NotebookClient(notebook, kernel_name="python3", resources={"metadata": {"path": tmp_path}}).execute()
    assert re.findall(r"^\d\.\d (\w+)$", printed(notebook), re.MULTILINE) == ["OPEN"] * 5


def test_the_command_lists_lessons_and_copies_one(tmp_path: Path) -> None:
    rows = json.loads(run_here("lesson", "--json", folder=tmp_path).stdout)
    assert [row["lesson"] for row in rows] == [1, 2, 3, 4, 5]
    assert rows[0] == {"lesson": 1, "title": "build a residual block", "exercises": 4}
    copied = run_here("lesson", "3", folder=tmp_path)
    assert "3_gradient_flow.ipynb is yours" in copied.stderr
    assert (tmp_path / "3_gradient_flow.ipynb").read_text() == LESSONS[2].read_text()
    assert "_solution.ipynb is yours" in run_here("lesson", "4", "--solution", folder=tmp_path).stderr
    assert "share = 1 / 4" in (tmp_path / "4_projection_solution.ipynb").read_text()
    again = run_here("lesson", "3", folder=tmp_path)
    assert again.returncode == 2 and "is there already" in again.stderr
    unknown = run_here("lesson", "9", folder=tmp_path)
    assert unknown.returncode == 2 and "There is no lesson 9; there are 1 to 5." in unknown.stderr


def test_a_lesson_as_a_script_runs_in_plain_python(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_here("lesson", "4", "--script", folder=tmp_path)
    exec((tmp_path / "4_projection.py").read_text(), {})
    assert capsys.readouterr().out.count(" OPEN\n") == 5


@pytest.mark.slow
@pytest.mark.parametrize("number", [2, 5])
def test_a_script_that_trains_runs_in_plain_python(number: int, tmp_path: Path) -> None:
    run_here("lesson", str(number), "--script", "--solution", folder=tmp_path)
    (script,) = tmp_path.glob("*.py")
    found = subprocess.run([sys.executable, script.name], cwd=tmp_path, capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    said = re.findall(r"^\d\.\d (\w+)$", found.stdout, re.MULTILINE)
    assert said == ["PASS"] * len(lesson(LESSONS[number - 1]).solutions)
