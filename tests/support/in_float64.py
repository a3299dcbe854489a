"""`skiprun` in float64, where sums in another order are the same to many digits."""

import atexit
import os

import torch

from skiprun.cli import main


@atexit.register  # before a run's own, and so called after it
def fail_if_connected() -> None:
    """End with an error where ranks are still connected: their threads must not outlive the interpreter."""
    if torch.distributed.is_initialized():
        os._exit(70)


torch.set_default_dtype(torch.float64)
main()
