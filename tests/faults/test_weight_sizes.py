"""Small files that claim to be large: refused with exit code 4, in little memory."""

import io
import resource
import struct
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from skiprun.config import ModelConfig
from skiprun.errors import CheckpointError
from skiprun.models import build_model
from skiprun.models.weights.pretrained import load_from_config
from skiprun.models.weights.torch_file import MAX_EXPANSION, Oversized, load_plain, refuse_oversized
from skiprun.training.checkpoint_file import load, save
from skiprun.training.seal import DamagedCheckpoint

HUGE = 3 * 10**8


def saved(content: dict[str, Any], zipped: bool = True) -> bytes:
    stream = io.BytesIO()
    torch.save(content, stream, _use_new_zipfile_serialization=zipped)
    return stream.getvalue()


def expanded(zipped: bool = True) -> bytes:
    """Return a state dict of one number that is repeated by its strides."""
    return saved({"conv1.weight": torch.zeros(1).expand(HUGE)}, zipped)


def deflated(megabytes: int = 64) -> bytes:
    """Return a zip archive whose pickle is many zeros."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("w/data.pkl", bytes(megabytes << 20))
        archive.writestr("w/version", "3\n")
    return stream.getvalue()


def larger_storage(zipped: bool) -> bytes:
    """Return a file in which the storage of four numbers claims to have many more."""
    content = saved({"w": torch.arange(4.0)}, zipped)
    count, many = b"K\x04", b"J" + struct.pack("<i", HUGE)
    if not zipped:
        return content.replace(count, many)
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(stream, "w") as archive:
        for name in source.namelist():
            archive.writestr(name, source.read(name).replace(count, many))
    return stream.getvalue()


def meta() -> bytes:
    return saved({"conv1.weight": torch.zeros(HUGE, device="meta")})


def hidden() -> bytes:
    return saved(
        {"model": build_model("resnet20").state_dict(), "optimizer": [{"x": (torch.zeros(1).expand(HUGE),)}]}
    )


HOSTILE = {
    "expanded": expanded(),
    "expanded, legacy": expanded(zipped=False),
    "deflated": deflated(),
    "storage": larger_storage(True),
    "storage, legacy": larger_storage(False),
    "meta": meta(),
    "hidden": hidden(),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_small_file_that_claims_to_be_large_is_refused(kind: str, tmp_path: Path) -> None:
    (tmp_path / "w.pt").write_bytes(HOSTILE[kind])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(CheckpointError, match=r"w\.pt: .*not a whole file of plain weights") as caught:
        load_from_config(
            build_model("resnet20"), ModelConfig(name="resnet20", weights=str(tmp_path / "w.pt"))
        )
    assert caught.value.exit_code == 4
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10, "KiB"


def test_the_claim_and_the_length_are_named() -> None:
    with pytest.raises(Oversized, match=r"claims 1,200,000,000 bytes, and is 1,\d\d\d long"):
        load_plain(io.BytesIO(HOSTILE["expanded"]))
    with pytest.raises(Oversized, match="claims 67,108,866 bytes"):
        load_plain(io.BytesIO(HOSTILE["deflated"]))


def test_a_sealed_checkpoint_is_bounded_too(tmp_path: Path) -> None:
    save(tmp_path / "last.pt", {"model": {"conv1.weight": torch.zeros(1).expand(HUGE)}})
    with pytest.raises(DamagedCheckpoint, match="Oversized"):
        load(tmp_path / "last.pt")


def test_two_hundred_classes_are_stood_in_for_and_no_more() -> None:
    content = {str(number): type(f"Class{number}", (), {"__module__": __name__}) for number in range(201)}
    for kind in content.values():
        setattr(sys.modules[__name__], kind.__name__, kind)
    with pytest.raises(Oversized, match="names 201 classes"):
        load_plain(io.BytesIO(saved(content)))
    del content["200"]
    assert load_plain(io.BytesIO(saved(content))).keys() == content.keys()


def test_four_times_the_length_of_the_file_is_not_too_large_and_a_number_more_is() -> None:
    refuse_oversized({"w": torch.zeros(100)}, length=100)  # of four bytes each
    with pytest.raises(Oversized, match="claims 404 bytes, and is 100 long"):
        refuse_oversized({"w": torch.zeros(100), "b": [torch.zeros(1)]}, length=100)


def test_what_is_shared_is_not_too_large() -> None:
    layer = nn.Linear(100, 100)
    tied = {"a": layer.weight, "b": layer.weight, "rows": layer.weight.expand(2, 100, 100)}
    assert MAX_EXPANSION > 3 and load_plain(io.BytesIO(saved(tied)))["rows"].shape == (2, 100, 100)
