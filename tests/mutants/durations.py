"""A pytest plugin that writes how long each test that passed took, to $SKIPRUN_TEST_DURATIONS."""

import json
import os
from collections import defaultdict
from pathlib import Path

import pytest

VARIABLE = "SKIPRUN_TEST_DURATIONS"
seconds: dict[str, float] = defaultdict(float)
without_success: set[str] = set()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add up a test's set-up, call and teardown."""
    seconds[report.nodeid] += report.duration
    if not report.passed:
        without_success.add(report.nodeid)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the file, in the process that hears of all tests."""
    if not hasattr(session.config, "workerinput"):
        passed = {test: spent for test, spent in seconds.items() if test not in without_success}
        Path(os.environ[VARIABLE]).write_text(json.dumps(passed))
