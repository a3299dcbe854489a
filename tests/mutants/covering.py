"""Which tests run a line of the code, and how long each takes; measured again for tests that change."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import subprocess
import sys
from functools import cached_property
from pathlib import Path

from coverage import CoverageData

from tests.mutants.durations import VARIABLE

MOST_SECONDS = 60.0  # of tests that a mutant meets
AT_IMPORT = ""  # the context of what runs outside tests


class Covering:
    """Coverage by test, in a folder that is kept."""

    def __init__(self, folder: Path, tree: Path) -> None:
        """Read what has been measured of a copy of the repository."""
        self.folder, self.tree = folder, tree
        self.seconds: dict[str, float] = self._load("seconds.json")
        self.digests: dict[str, str] = self._load("digests.json")

    def measure(self) -> None:
        """Run the test files that are new or changed with coverage; the first time that is all of them."""
        files = {
            path.relative_to(self.tree).as_posix(): path for path in self.tree.glob("tests/**/test_*.py")
        }
        digests = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()}
        changed = sorted(name for name in digests if digests[name] != self.digests.get(name))
        if changed:
            self.folder.mkdir(exist_ok=True)
            passed = self._run(changed)
            kept = {
                test: spent for test, spent in self.seconds.items() if _file(test) in set(files) - {*changed}
            }
            self.seconds, self.digests = kept | passed, digests
            self._save("seconds.json", self.seconds)
            self._save("digests.json", digests)

    def tests(self, module: str, line: int, own: tuple[str, ...]) -> list[str]:
        """Choose tests for a mutated line: the wing's own before others, quick before slow, file by file.

        What runs at import shows in whatever reads it later: in tests of the module, and of its wing.
        """
        path = str(self.tree / module)
        running = self._contexts(path, lines_of_scope(ast.parse(Path(path).read_text()), line))
        if AT_IMPORT in running or not running:
            wing = {test for test in self.seconds if test.startswith(own)}
            chosen = self._quickest(running | self._contexts(path, None), own, MOST_SECONDS / 2)
            chosen += self._quickest(wing - {*chosen}, own, MOST_SECONDS / 2)
        else:
            chosen = self._quickest(running, own, MOST_SECONDS)
        files = {_file(test): None for test in chosen}
        return [test for file in files for test in chosen if _file(test) == file]

    def _quickest(self, tests: set[str], own: tuple[str, ...], left: float) -> list[str]:
        """Return as many of some tests as so many seconds allow."""
        chosen = []
        passing = tests & self.seconds.keys()
        for test in sorted(passing, key=lambda test: (not test.startswith(own), self.seconds[test], test)):
            if self.seconds[test] <= left:
                chosen.append(test)
                left -= self.seconds[test]
        return chosen

    def _contexts(self, path: str, lines: set[int] | None) -> set[str]:
        """Return the tests that run any of these lines, or the module at all."""
        contexts = self._data.contexts_by_lineno(path)
        found = {name for line in contexts if lines is None or line in lines for name in contexts[line]}
        return {name.rpartition("|")[0] for name in found}

    @cached_property
    def _data(self) -> CoverageData:
        data = CoverageData(str(self.folder / "data"))
        data.read()
        return data

    def _run(self, files: list[str]) -> dict[str, float]:
        coverage = ["--cov=skiprun", "--cov-context=test", "--cov-append", "--cov-report="]
        options = ["-n", "2", "--dist", "loadfile", "-p", "no:cacheprovider", "-p", "tests.mutants.durations"]
        places = {VARIABLE: str(self.folder / "passed.json"), "COVERAGE_FILE": str(self.folder / "data")}
        subprocess.run(
            [sys.executable, "-m", "pytest", *coverage, *options, *files],
            cwd=self.tree,
            env=os.environ | places | {"PYTHONPATH": str(self.tree)},
            preexec_fn=lambda: os.nice(19),
        )
        return self._load("passed.json")

    def _load(self, name: str) -> dict:
        path = self.folder / name
        return json.loads(path.read_text()) if path.exists() else {}

    def _save(self, name: str, value: dict) -> None:
        (self.folder / name).write_text(json.dumps(value))


def lines_of_scope(tree: ast.Module, line: int) -> set[int] | None:
    """Return the lines that run when this one does, or None for all of the module.

    In a function these are its statement's, as only some lines of a statement are counted; in its head, the
    function's body.
    """
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and _spans(node, line)]
    if not functions:
        return None
    function = functions[-1]
    if line < function.lineno:  # a decorator
        return None
    if line < function.body[0].lineno:
        return set(range(function.body[0].lineno, (function.end_lineno or line) + 1))
    statements = [node for node in ast.walk(function) if isinstance(node, ast.stmt) and _spans(node, line)]
    inner = statements[-1]
    last = inner.body[0].lineno - 1 if hasattr(inner, "body") else inner.end_lineno
    return set(range(inner.lineno, max(line, last or line) + 1))


def _spans(node: ast.stmt, line: int) -> bool:
    first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", []))])
    return first <= line <= (node.end_lineno or first)


def _file(test: str) -> str:
    return test.partition("::")[0]
