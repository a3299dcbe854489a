"""Runs tests of a copy of the repository, in forks of a process that has imported torch but not skiprun.

It reads a job a line, as JSON, and answers with a line: `python -m tests.mutants.worker`, in the copy.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import resource
import select
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

PRELOADED = ["torch", "scipy.stats", "sklearn.datasets", "matplotlib", "PIL.Image", "pydantic", "hypothesis"]
MEMORY = 12 * 2**30  # addresses, of which torch alone reserves some GB
OUTPUT = "mutant-output.txt"
WAITING = 10  # times the seconds of computing that tests may take, as others compute too


class FirstFailure:
    """Notes which test, or file that cannot be imported, fails first."""

    def __init__(self, path: Path) -> None:
        """Take the file in which the parent will look."""
        self.path = path

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a test."""
        self.note(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a file."""
        self.note(report)

    def note(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        """Write its name where the parent finds it."""
        if report.failed and not self.path.exists():
            self.path.write_text(report.nodeid)


def main() -> None:
    """Answer jobs until there are no more."""
    os.nice(19)
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY if soft == resource.RLIM_INFINITY else soft, hard))
    for name in PRELOADED:
        importlib.import_module(name)
    with tempfile.TemporaryDirectory(prefix="skiprun-mutants-") as folder:
        for serial, line in enumerate(sys.stdin, 1):
            job = json.loads(line)
            with mutated(Path(job["module"]), job["source"], serial):
                print(json.dumps(run(job["tests"], job["seconds"], folder)), flush=True)


@contextlib.contextmanager
def mutated(path: Path, source: str, serial: int) -> Iterator[None]:
    """Replace a module's source; its time is its own, as bytecode is kept by time and size."""
    before, times = path.read_text(encoding="utf-8"), path.stat()
    path.write_text(source, encoding="utf-8")
    os.utime(path, (serial, serial))
    try:
        yield
    finally:
        path.write_text(before, encoding="utf-8")
        os.utime(path, (times.st_atime, times.st_mtime))


def run(tests: list[str], seconds: int, folder: str) -> dict[str, object]:
    """Return the exit status of pytest (None if it took too long), the first failure and the time."""
    failure = Path(folder, "failure")
    failure.unlink(missing_ok=True)
    begun = time.monotonic()
    child = os.fork()
    if not child:
        run_here(tests, seconds, folder, failure)
    ended, _, _ = select.select([os.pidfd_open(child)], [], [], WAITING * seconds)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)  # or what a test started and left, if it has ended
    _, status = os.waitpid(child, 0)
    failed = failure.read_text() if failure.exists() else ""
    code = os.waitstatus_to_exitcode(status)
    late = not ended or code == -signal.SIGXCPU
    return {"code": None if late else code, "failed": failed, "seconds": round(time.monotonic() - begun, 1)}


def run_here(tests: list[str], seconds: int, folder: str, failure: Path) -> NoReturn:
    """Run tests in this process, until one fails, and end it."""
    os.setsid()
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, resource.getrlimit(resource.RLIMIT_CPU)[1]))
    output = os.open(OUTPUT, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    options = ["-x", "-p", "no:cacheprovider", f"--basetemp={folder}/tests"]
    os._exit(pytest.main([*options, *tests], plugins=[FirstFailure(failure)]))


if __name__ == "__main__":
    main()
