"""The simulated GPU, for the parts that are measured on one."""

from tests.gpu.conftest import machine  # noqa: F401 - a fixture
