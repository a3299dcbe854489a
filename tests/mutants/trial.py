"""One mutant at a time meets its tests; a test that fails without the mutation too does not count."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.mutants.covering import Covering
from tests.mutants.mutations import read
from tests.mutants.sample import Mutant

SHORTEST = 20  # seconds of computing that tests may take, however quick they are
PATIENCE = 5  # times what the tests took when they were measured
NO_FAILURE = 0


class Bench:
    """A copy of the repository and a process that runs its tests."""

    def __init__(self, tree: Path, covering: Covering, sound: set[str], unsound: set[str]) -> None:
        """Start the process; shared are the tests that were seen to pass without a mutation, and to fail."""
        self.tree, self.covering, self.sound, self.unsound = tree, covering, sound, unsound
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.mutants.worker"],
            cwd=tree,
            env=os.environ | {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": ""},  # kept, it is faster
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def tests(self, mutant: Mutant) -> list[str]:
        """Choose the tests of a mutant."""
        return self.covering.tests(mutant.mutation.module, mutant.mutation.start[0], mutant.own_tests)

    def judge(self, mutant: Mutant) -> dict[str, Any]:
        """Run a mutant's tests, without those that fail anyway, and say how it ended."""
        mutated = mutant.mutation.apply(read(self.tree, mutant.mutation.module))
        tests, met = self.sound_tests(mutant), self.digest(self.tests(mutant))
        while tests:
            ended = self.run(mutant.mutation.module, mutated, tests)
            fate = {NO_FAILURE: "survived", None: "timeout"}.get(ended["code"], "killed")
            # What was named: a test, or a file that could not be imported; else pytest itself has ended.
            named = [test for test in tests if test.startswith(ended["failed"])]
            if fate != "killed" or self.are_sound(named[:1] if ended["failed"] else tests):
                about = {
                    "fate": fate,
                    "by": ended["failed"],
                    "code": ended["code"],
                    "seconds": ended["seconds"],
                }
                return about | {"key": mutant.key, "tests": len(tests), "met": met}
            tests = self.sound_tests(mutant)
        return {"fate": "survived", "by": "", "key": mutant.key, "tests": 0, "met": met}

    def sound_tests(self, mutant: Mutant) -> list[str]:
        """Choose the tests of a mutant, without those that fail anyway."""
        return [test for test in self.tests(mutant) if test not in self.unsound]

    def are_sound(self, tests: list[str]) -> bool:
        """Tell whether tests pass without a mutation, in this very process."""
        if not self.sound.issuperset(tests):
            module = "skiprun/__init__.py"
            ended = self.run(module, read(self.tree, module), tests)
            (self.sound if ended["code"] == NO_FAILURE else self.unsound).update(tests)
        return self.sound.issuperset(tests)

    def digest(self, tests: list[str]) -> str:
        """Return what changes when a survivor meets other tests, or others of the same name."""
        files = {test.partition("::")[0] for test in tests}
        words = [*tests, *sorted(self.covering.digests[file] for file in files)]
        return hashlib.sha256("\n".join(words).encode()).hexdigest()[:12]

    def run(self, module: str, source: str, tests: list[str]) -> dict[str, Any]:
        """Let the process run tests with a module's source replaced."""
        seconds = max(SHORTEST, round(PATIENCE * sum(self.covering.seconds[test] for test in tests)))
        job = {"module": module, "source": source, "tests": tests, "seconds": seconds}
        assert self.process.stdin and self.process.stdout
        print(json.dumps(job), file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())
