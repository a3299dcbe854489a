"""Importing this trains once, so that the processes forked from the one that did start at once."""

import tempfile
from pathlib import Path

import torch

from tests.support.faulty import EVERYTHING, fault_config, train_here

torch.set_num_threads(1)
with tempfile.TemporaryDirectory() as folder:
    train_here(fault_config(**EVERYTHING, schedule={"steps": 5}), Path(folder))
