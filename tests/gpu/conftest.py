"""A machine with a simulated GPU, shared by the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from skiprun.training.acceleration.kernels.library import find_compiler
from tests.support.simulated_gpu.machine import SimulatedMachine


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedMachine]:
    compiler = find_compiler()
    if compiler is None:
        pytest.skip("the guard of the simulated GPU needs a C++ compiler")
    found = SimulatedMachine(str(compiler), tmp_path_factory.mktemp("guard"))
    yield found
    found.pool.shutdown()
