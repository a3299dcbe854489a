"""When compiling is worth its time, and how a library is known that was written in part."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
import torch

from skiprun.training.acceleration import compilation
from skiprun.training.acceleration.compilation import choose_execution, is_cut_short
from tests.support.tiny import tiny_config


@pytest.mark.parametrize(("steps", "execution"), [(475, "eager"), (525, "fused")])
def test_a_run_is_fused_if_it_gains_twice_what_preparing_takes(
    steps: int, execution: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Preparing takes a quarter of a second; 500 steps of 25 images of 100 kB gain half a second."""
    monkeypatch.setattr(compilation, "find_compiler", lambda: "c++")
    config = tiny_config(data={"name": "digits", "batch_size": 25}, schedule={"steps": steps})
    assert choose_execution(config, torch.device("cpu"), 1000, 100_000) == execution


def test_a_library_of_64_bits_ends_with_its_table_of_sections(tmp_path: Path) -> None:
    """By the ELF header: the table is placed at byte 40, an entry sized at 58, their number at 60."""
    header = bytearray(64)
    header[:5] = b"\x7fELF\x02"
    header[39] = header[48] = header[57] = 255  # of other fields
    struct.pack_into("<Q", header, 40, 1000)
    struct.pack_into("<HH", header, 58, 64, 3)
    library = tmp_path / "kernels.so"
    for size, cut_short in ((1000 + 3 * 64, False), (1000 + 3 * 64 - 1, True), (64, True), (63, True)):
        library.write_bytes(bytes(header)[:size].ljust(size, b"\0"))
        assert is_cut_short(library) is cut_short
    library.write_bytes(b"text".ljust(64))
    assert not is_cut_short(library)
