"""test.npz: what was written is read, and nothing else is."""

from __future__ import annotations

import io
import random
from pathlib import Path

import numpy as np
import pytest

from skiprun.errors import StorageError
from skiprun.run.image_file import read_arrays, write_arrays
from skiprun.system.sealed_zip import checksum_of, seal

ARRAYS: dict[str, np.ndarray] = {
    "labels": np.arange(20, dtype=np.int32),
    "logits": np.random.default_rng(0).normal(size=(20, 3)).astype(np.float16),
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "test.npz"


def test_what_was_written_is_read(file: Path) -> None:
    checksum = write_arrays(file, ARRAYS, "f00d")
    fingerprint, arrays = read_arrays(file, list(ARRAYS), checksum)
    assert fingerprint == "f00d"
    for found, written in zip(arrays, ARRAYS.values(), strict=True):
        np.testing.assert_array_equal(found, written)
        assert found.dtype == written.dtype


def test_it_is_an_ordinary_file_of_numpy(file: Path) -> None:
    write_arrays(file, ARRAYS, "f00d")
    with np.load(file) as found:
        assert set(found.files) == {"fingerprint", *ARRAYS}


def test_the_same_arrays_have_the_same_bytes(file: Path) -> None:
    write_arrays(file, ARRAYS, "f00d")
    first = file.read_bytes()
    write_arrays(file, ARRAYS, "f00d")
    assert file.read_bytes() == first


def test_no_flipped_bit_is_read(file: Path) -> None:
    checksum = write_arrays(file, ARRAYS, "f00d")
    whole, draw = file.read_bytes(), random.Random(0)
    for _ in range(200):
        bit = draw.randrange(8 * len(whole))
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        file.write_bytes(damaged)
        with pytest.raises(StorageError, match=r"^test\.npz: "):
            read_arrays(file, ["labels"], checksum)


@pytest.mark.parametrize("length", [0, 1, 100, -65, -64, -1])
def test_no_file_that_was_cut_short_is_read(file: Path, length: int) -> None:
    checksum = write_arrays(file, ARRAYS, "f00d")
    file.write_bytes(file.read_bytes()[:length])
    with pytest.raises(StorageError, match=r"test\.npz: damaged"):
        read_arrays(file, ["labels"], checksum)


def test_the_file_of_another_run_is_refused(file: Path) -> None:
    checksum = write_arrays(file, ARRAYS, "f00d")
    write_arrays(file, ARRAYS, "beef")
    with pytest.raises(StorageError, match=r"test\.npz: of another run"):
        read_arrays(file, ["labels"], checksum)


def sealed(**arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    return seal(buffer.getvalue())


@pytest.mark.parametrize(
    "content",
    [
        sealed(fingerprint=np.array("f00d")),
        sealed(fingerprint=np.array("f00d"), labels=np.array([{}], dtype=object)),
        sealed(fingerprint=np.array("f00d"), labels=np.zeros(10**6)),
    ],
    ids=["an array is missing", "a pickle", "it unpacks to much more"],
)
def test_what_another_program_sealed_is_refused(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(StorageError, match=r"test\.npz: not what skiprun writes"):
        read_arrays(file, ["labels"], checksum_of(content))


def test_a_folder_is_refused(file: Path) -> None:
    file.mkdir()
    with pytest.raises(StorageError, match=r"test\.npz: .*folder"):
        read_arrays(file, ["labels"], "")
