"""The README is true: its commands run, its tree is the tree, its example works."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import ROOT

README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", README, re.DOTALL)
COMMANDS = [
    line for kind, text in BLOCKS if kind == "sh" for line in text.splitlines() if line.startswith("skiprun")
]


def test_the_commands_run_in_order(tmp_path: Path) -> None:
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    quick = ["--set", "schedule.epochs=0.2", "--set", "model.width=4", "--set", "log.tensorboard=false"]
    assert any(command.startswith("skiprun compare plain20") for command in COMMANDS)
    for command in COMMANDS:
        arguments = shlex.split(command)[1:]
        extra = quick if arguments[0] in ("train", "compare") else []
        done = subprocess.run(
            [sys.executable, "-m", "skiprun", *arguments, *extra],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stderr}"


def test_the_python_examples_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from skiprun.registry import CONNECTIONS

    (tmp_path / "configs").symlink_to(ROOT / "configs")
    monkeypatch.chdir(tmp_path)
    CONNECTIONS.fill()
    for kind, text in BLOCKS:
        if kind == "python":
            exec(text, {})
    try:
        import skiprun

        model = skiprun.build_model("resnet20", connection="halved")
        assert type(next(iter(model.layer1)).connection).__name__ == "Halved"  # type: ignore[union-attr, arg-type]
        assert (tmp_path / "runs/smoke/seed-0/summary.json").exists()
    finally:
        del CONNECTIONS.entries["halved"]


def test_the_make_targets_exist_and_ci_runs_what_the_readme_says() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"make ([\w-]+)", README):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    assert "exec make test" in (ROOT / ".ci" / "run").read_text()


def test_the_tree_is_the_tree() -> None:
    tree = next(text for kind, text in BLOCKS if "connections/" in text and not kind)
    named = set(re.findall(r"^  ([\w.]+)/?\s", tree, re.MULTILINE))
    real = {
        path.name
        for path in (ROOT / "skiprun").iterdir()
        if not path.name.startswith("__") and path.name != "py.typed"
    }
    assert named == real
