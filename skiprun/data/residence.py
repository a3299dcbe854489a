"""Where a dataset lives while it is trained on: on the device, mapped from its file, or in its shards."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from skiprun.data.shards.images import ShardImages
from skiprun.data.source import Array, RawDataset, RawSplit
from skiprun.data.splits import InMemorySplit, MemoryMappedSplit, Split, StreamedSplit
from skiprun.errors import is_out_of_memory
from skiprun.system.machine import memory_bytes

log = logging.getLogger(__name__)

# The share of a device's free memory that a dataset may fill; networks and activations need the rest.
RESIDENT_SHARE = 0.5
# Above this size, images mapped from a file stay there on a CPU: the page cache holds them as well.
RESIDENT_BYTES = 1 << 30
# What was free on the GPU of this process before the first of the runs that share it by a plan.
planned = {"free": 0}


def plan_for(free: int) -> None:
    """Count with bytes of a GPU that other runs fill already: a plan has seen that all of them have room."""
    planned["free"] = free


def fits_device(source: RawDataset, device: torch.device) -> bool:
    """Say whether a dataset may live on a device, or in memory if it is the CPU; what is streamed may not."""
    if any(isinstance(raw_split.images, ShardImages) for raw_split in source.splits):
        return False
    size = sum(raw_split.images.nbytes + raw_split.targets.nbytes for raw_split in source.splits)
    if device.type == "cpu" and isinstance(source.train.images, np.memmap) and size > RESIDENT_BYTES:
        return False
    return size <= RESIDENT_SHARE * free_memory(device)


def free_memory(device: torch.device) -> float:
    """Return how much memory of a device is free, or was planned with; all where the system does not say."""
    if device.type == "cuda":
        return max(planned["free"], torch.cuda.mem_get_info(device)[0])
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        lines = dict(line.split(":", 1) for line in meminfo.read_text().splitlines())
        return int(lines["MemAvailable"].split()[0]) * 1024
    return memory_bytes()


def put_splits(
    source: RawDataset, parts: Mapping[str, tuple[RawSplit, Array]], device: torch.device
) -> dict[str, Split]:
    """Return rows of the splits of a dataset, on the device if they fit there.

    Other processes may take the room between the look and the copy; then the images stay where they are.
    """
    resident = fits_device(source, device)
    try:
        return {name: put_split(*part, device, resident) for name, part in parts.items()}
    except RuntimeError as error:
        if device.type == "cpu" or not is_out_of_memory(error):
            raise
    log.info("Another process took the room for the images on the GPU; they stay in this machine's memory.")
    torch.cuda.empty_cache()
    return {name: put_split(*part, device, resident=False) for name, part in parts.items()}


def put_split(raw_split: RawSplit, rows: Array, device: torch.device, resident: bool) -> Split:
    """Return rows of a RawSplit as a Split, copied to the device or left in the mapped file."""
    if isinstance(raw_split.images, ShardImages):
        return StreamedSplit(raw_split.images, raw_split.targets, rows, device)
    if not resident:
        return MemoryMappedSplit(raw_split.images, raw_split.targets, rows, device)
    images, targets = (
        torch.from_numpy(array[rows]).to(device) for array in (raw_split.images, raw_split.targets)
    )
    return InMemorySplit(images, targets)
