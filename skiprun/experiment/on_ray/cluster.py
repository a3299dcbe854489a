"""Connect to a Ray cluster, or start one for this command alone."""

from __future__ import annotations

import contextlib
import logging
import os
from types import ModuleType

from skiprun.errors import InputError, SkiprunError, first_line
from skiprun.system.machine import cores, safe_interpreters

LOCAL = "local"  # the address of a cluster that is started here, and ends with this process
OBJECT_BYTES = 80_000_000  # what Ray takes at least; runs pass each other nothing
QUIET = {"log_to_driver": False, "logging_level": logging.ERROR}


def connect(address: str, jobs: int | None) -> ModuleType:
    """Return Ray, connected; a process keeps its connection until it ends.

    Args:
        address: `local`, `auto`, or that of a cluster.
        jobs: runs at once, for which a cluster that is started here must have room.

    Raises:
        InputError: Ray is not installed, or no cluster answers.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray reports its use over the network otherwise
    if address == LOCAL:
        # Its word for "this machine alone": it listens on the loopback device, not to the network.
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    try:
        import ray
    except ImportError:
        raise InputError("--ray needs Ray; install it with `pip install 'skiprun[ray]'`.") from None
    if ray.is_initialized():
        return ray
    if address == LOCAL:
        start(ray, jobs)
    else:
        join_cluster(ray, address)
    # It prints what it says of lost workers on stdout, where results are; a run that moves says so itself.
    ray._private.worker._worker_logs_enabled = False
    return ray


def join_cluster(ray: ModuleType, address: str) -> None:
    """Join a cluster that is there."""
    try:
        ray.init(address, **QUIET, runtime_env=worker_environment())
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise InputError(
            f"--ray {address}: no cluster answers ({first_line(str(error))}). `ray start --head` begins one; "
            "--ray alone uses one of this machine's own."
        ) from error


def start(ray: ModuleType, jobs: int | None) -> None:
    """Start a cluster of this machine, which ends with this process.

    Workers would import from the working folder, where any file may lie.

    Raises:
        SkiprunError: its parts do not answer in time.
    """
    try:
        with contextlib.chdir("/"), safe_interpreters():
            ray.init(
                "local",
                num_cpus=max(jobs or 1, len(cores())),
                include_dashboard=False,
                object_store_memory=OBJECT_BYTES,
                **QUIET,
            )
    except Exception as error:  # Ray raises no narrower type for parts that do not answer in time
        raise SkiprunError(
            f"Ray did not start on this machine: {first_line(str(error))} Try again when it is less busy, or "
            "leave --ray out."
        ) from error


def worker_environment() -> dict[str, dict[str, str]]:
    """Return where data is for the workers of a cluster, if that is said here."""
    return {"env_vars": {name: value for name, value in os.environ.items() if name == "SKIPRUN_DATA"}}
