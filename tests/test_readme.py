"""The README is true and short: its example works, its tree is the tree, and CI runs what it says."""

from __future__ import annotations

import re
from pathlib import Path
from unittest.mock import create_autospec

import pytest

from tests.support import CONFIGS, ROOT
from tests.support.pages import blocks

README = ROOT / "README.md"
BLOCKS = blocks(README)
MOST_LINES = 150


def test_it_is_read_in_one_sitting() -> None:
    assert len(README.read_text().splitlines()) <= MOST_LINES


def test_the_python_examples_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import skiprun
    from skiprun.registry import CONNECTIONS

    (tmp_path / "configs").symlink_to(CONFIGS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(skiprun, "compare", create_autospec(skiprun.compare), raising=False)  # takes a minute
    CONNECTIONS.fill()
    for kind, text in BLOCKS:
        if kind == "python":
            exec(text, {})
    model = skiprun.build_model("resnet20", connection="halved")
    assert type(model.get_submodule("layer1.0.connection")).__name__ == "Halved"
    assert (tmp_path / "runs/smoke/seed-0/summary.json").exists()


def test_ci_runs_what_it_says() -> None:
    assert "exec make test" in (ROOT / ".ci" / "run").read_text()


def test_the_make_targets_within_the_text_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"`make ([\w-]+)`", README.read_text()):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_tree_is_the_tree() -> None:
    tree = next(text for kind, text in BLOCKS if "connections/" in text and not kind)
    named = set(re.findall(r"^  ([\w.]+)/?\s", tree, re.MULTILINE))
    real = {
        path.name
        for path in (ROOT / "skiprun").iterdir()
        if not path.name.startswith("__") and path.name != "py.typed"
    }
    assert named == real
