"""Tar shards: the same images as a folder, an index built once, and errors that name shard and key."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from skiprun.config import DataConfig
from skiprun.data import Loaders, load_data
from skiprun.data.folders.conversion import Conversion
from skiprun.data.shards import index_cache
from skiprun.data.shards.images import decoders
from skiprun.data.shards.listing import expanded, list_shards
from skiprun.data.shards.shard_index import ShardIndex, index_shard
from skiprun.data.splits import StreamedSplit
from skiprun.errors import BadImage, DataNotFound, InputError, OptionError
from skiprun.experiment.data_place import config_with_data
from skiprun.run import Run
from tests.support.data_files import image_folder, image_shards, shards_of_folder, stored, write_shard

CPU = torch.device("cpu")


def load(root: Path | str, name: str = "webdataset", split_seed: int = 0, **options: Any) -> Loaders:
    config = DataConfig(name=name, root=str(root), **{"batch_size": 4, **options})
    return load_data(config, CPU, split_seed=split_seed)


def png(side: int = 8, value: int = 0) -> bytes:
    import io

    pixels = np.random.default_rng(value).integers(0, 256, (side, side, 3)).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "png")
    return buffer.getvalue()


def samples(count: int, **changed: bytes) -> dict[str, bytes]:
    """Return the files of so many samples of two classes; `changed` has content by key_ending."""
    files: dict[str, bytes] = {}
    for number in range(count):
        files |= {f"{number:03}.png": png(value=number), f"{number:03}.cls": str(number % 2).encode()}
    return files | {name.replace("_", "", 1).replace("_", "."): content for name, content in changed.items()}


def two_splits(root: Path, train: dict[str, bytes]) -> Path:
    write_shard(root / "train-0.tar", train)
    write_shard(root / "test-0.tar", samples(4))
    return root


@pytest.mark.parametrize("labels", ["cls", "json"])
@pytest.mark.parametrize("counts", [[("train", 10), ("test", 4)], [("train", 9), ("val", 3), ("test", 4)]])
def test_shards_give_what_a_folder_of_the_same_images_gives(
    labels: str, counts: list[tuple[str, int]], tmp_path: Path
) -> None:
    image_folder(tmp_path / "folder", counts=counts, size=(20, 16))
    shards_of_folder(tmp_path / "folder", tmp_path / "shards", labels=labels)
    options: dict[str, Any] = {"image_size": 8, "resize_size": 10, "val_fraction": 0.2}
    ours = load(tmp_path / "shards", **options)
    theirs = load(tmp_path / "folder", "image_folder", **options)
    assert (ours.mean, ours.std, ours.num_classes) == (theirs.mean, theirs.std, theirs.num_classes)
    for split in ("train", "val", "test"):
        pixels, targets = stored(getattr(ours, split))
        expected, others = stored(getattr(theirs, split))
        assert np.array_equal(pixels, expected) and targets == others


def test_a_pattern_a_folder_and_folders_by_split_are_one_set(tmp_path: Path) -> None:
    root = image_shards(tmp_path)
    fingerprint = load(root).fingerprint
    assert load(f"{root}/{{train-{{000000..000002}},test-000000}}.tar").fingerprint == fingerprint
    for file in sorted(root.iterdir()):
        (root / file.name.split("-")[0]).mkdir(exist_ok=True)
        file.rename(root / file.name.split("-")[0] / file.name.split("-")[1])
    assert load(root).fingerprint == fingerprint


def test_patterns_stand_for_numbers_and_words() -> None:
    assert expanded("a-{08..11}.tar") == ["a-08.tar", "a-09.tar", "a-10.tar", "a-11.tar"]
    assert expanded("{a,b}/{1..2}") == ["a/1", "a/2", "b/1", "b/2"]
    assert expanded("{a-{0..1},b}.tar") == ["a-0.tar", "a-1.tar", "b.tar"]
    assert expanded("{x}{1}{") == ["{x}{1}{"]


def test_splits_are_told_by_words_in_names(tmp_path: Path) -> None:
    for name in ("imagenet1k-train-0000.tar", "imagenet1k-train-0001.tar", "imagenet1k-validation-00.tar"):
        write_shard(tmp_path / name, samples(1))
    found = {split: [shard.name for shard in shards] for split, shards in list_shards(str(tmp_path)).items()}
    assert found == {
        "train": ["imagenet1k-train-0000.tar", "imagenet1k-train-0001.tar"],
        "test": ["imagenet1k-validation-00.tar"],
    }


def test_a_set_without_splits_is_split_by_test_fraction(tmp_path: Path) -> None:
    write_shard(tmp_path / "00.tar", samples(20))
    loaders = load(tmp_path, test_fraction=0.4, val_fraction=0.25)
    assert (len(loaders.train), len(loaders.val), len(loaders.test)) == (9, 3, 8)
    every = [
        image.tobytes() for split in ("train", "val", "test") for image in stored(getattr(loaders, split))[0]
    ]
    assert len(set(every)) == 20


def test_the_fingerprint_is_that_of_the_images_their_labels_their_shards_and_the_split(
    tmp_path: Path,
) -> None:
    root = image_shards(tmp_path)
    known = load(root).fingerprint
    assert load(shutil.copytree(root, tmp_path / "copy")).fingerprint == known
    assert load(root, split_seed=1).fingerprint != known
    shards_of_folder(tmp_path / "folder", tmp_path / "larger", per_shard=10)
    assert load(tmp_path / "larger").fingerprint != known, "the order is another"
    for key, name, content in (("image", "001.png", png(value=9)), ("label", "001.cls", b"0")):
        two_splits(tmp_path / key, samples(8))
        before = load(tmp_path / key).fingerprint
        write_shard(tmp_path / key / "train-0.tar", samples(8) | {name: content})
        assert load(tmp_path / key).fingerprint != before, key


@dataclass
class Indexing:
    """Notes which shards are indexed, in this process, and stops at one."""

    stop: str = ""
    shards: list[str] = field(default_factory=list)

    def __call__(self, shard: Path, how: Conversion) -> ShardIndex:
        if shard.name == self.stop:
            raise KeyboardInterrupt
        self.shards.append(shard.name)
        return index_shard(shard, how)


@pytest.fixture
def indexing(monkeypatch: pytest.MonkeyPatch) -> Indexing:
    noting = Indexing()
    monkeypatch.setattr(index_cache, "index_shard", noting)
    monkeypatch.setattr(index_cache, "cores", lambda: [0])
    return noting


def test_the_index_is_built_once_and_again_of_changed_shards_alone(
    tmp_path: Path, indexing: Indexing
) -> None:
    root = image_shards(tmp_path)
    first = load(root).fingerprint
    assert indexing.shards == [f"train-00000{number}.tar" for number in range(3)] + ["test-000000.tar"]
    indexing.shards.clear()
    assert load(root).fingerprint == first and not indexing.shards
    os.utime(root / "train-000001.tar", (1, 1))
    assert load(root).fingerprint == first and indexing.shards == ["train-000001.tar"]


def test_a_killed_build_goes_on_where_it_was_and_a_damaged_index_is_made_again(
    tmp_path: Path, own_data_folder: Path, indexing: Indexing, caplog: pytest.LogCaptureFixture
) -> None:
    root, indexing.stop = image_shards(tmp_path), "train-000002.tar"
    with pytest.raises(KeyboardInterrupt):
        load(root)
    kept = sorted((own_data_folder / "webdataset").glob("*.npz"))
    assert len(kept) == 2
    damaged = bytearray(kept[0].read_bytes())
    damaged[len(damaged) // 2] ^= 1
    kept[0].write_bytes(damaged)
    indexing.stop = ""
    indexing.shards.clear()
    fingerprint = load(root).fingerprint
    assert f"{kept[0]} was damaged" in caplog.text and len(indexing.shards) == 3
    assert load(root).fingerprint == fingerprint and len(indexing.shards) == 3


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("_001_cls", b"dog", r"train-0.tar/001 has the label 'dog' in its .cls; a class is a whole number"),
        ("_001_cls", b"-1", r"train-0.tar/001 has the label '-1'"),
        ("_001_cls", b"true", r"train-0.tar/001 has the label 'true'"),
        ("_002_png", png()[:60], r"train-0.tar/002.png is not a readable image"),
        ("_002_png", b"", r"train-0.tar/002.png is empty"),
        ("_008_png", png(), r"train-0.tar/008 has no label; beside the image must be a .cls or a .json"),
        ("_008_txt", b"a dog", r"train-0.tar/008 has no image, only txt"),
    ],
)
def test_a_bad_sample_is_named_with_its_shard_and_key_and_may_be_left_out(
    name: str, content: bytes, says: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root = two_splits(tmp_path, samples(8, **{name: content}))
    with pytest.raises(BadImage, match=says):
        load(root)
    loaders = load(root, skip_bad=True)
    assert len(loaders.train) + len(loaders.val) == (8 if name.startswith("_008") else 7)
    assert "Left out 1 of" in caplog.text


def test_two_samples_of_one_name_and_two_images_of_one_sample_are_refused(tmp_path: Path) -> None:
    root = two_splits(tmp_path, samples(8, _007_jpg=png()))
    with pytest.raises(BadImage, match=r"train-0.tar/007 has png and jpg; a sample is one image"):
        load(root)


@pytest.mark.parametrize("cut", [700, -1024, -10240])
def test_a_shard_that_was_cut_off_is_refused_by_name(cut: int, tmp_path: Path) -> None:
    root = two_splits(tmp_path, samples(8))
    shard = root / "train-0.tar"
    content = shard.read_bytes().rstrip(b"\0")
    shard.write_bytes(content[:cut] if cut != -10240 else content + bytes(-len(content) % 512))
    with pytest.raises(InputError, match=r"train-0.tar is not a readable tar file"):
        load(root)


@pytest.mark.parametrize("content", [b"", b"<html>404</html>", b"\x1f\x8b" + bytes(2000)])
def test_what_is_no_tar_file_is_refused_by_name(content: bytes, tmp_path: Path) -> None:
    root = two_splits(tmp_path, samples(8))
    (root / "train-0.tar").write_bytes(content)
    with pytest.raises(InputError, match=r"train-0.tar is not a readable tar file"):
        load(root)


def test_a_damaged_header_in_the_middle_loses_no_samples_in_silence(tmp_path: Path) -> None:
    root = two_splits(tmp_path, samples(8))
    content = bytearray((root / "train-0.tar").read_bytes())
    at = content.index(b"004.png")
    content[at : at + 8] = b"\xff" * 8
    (root / "train-0.tar").write_bytes(content)
    with pytest.raises(InputError, match=r"train-0.tar is not a readable tar file .*a part of it is missing"):
        load(root)


def test_missing_and_packed_shards_are_named(tmp_path: Path) -> None:
    root = image_shards(tmp_path)
    with pytest.raises(
        InputError, match=r"2 of 5 shards of .* are not there: train-000003.tar, train-000004.tar"
    ):
        load(f"{root}/train-{{000000..000004}}.tar")
    with pytest.raises(DataNotFound, match="webdataset"):
        load(tmp_path / "nowhere")
    with pytest.raises(OptionError, match="root: webdataset needs the shards"):
        load_data(DataConfig(name="webdataset"), CPU)
    (root / "test-000000.tar").rename(root / "other-000000.tar")
    with pytest.raises(InputError, match=r"other-000000.tar is of no split, and others are"):
        load(root)
    (root / "other-000000.tar").unlink()
    with pytest.raises(InputError, match=r"has no shards of test or val; found: train"):
        load(root)
    (root / "test-0.tar.gz").write_bytes(b"")
    with pytest.raises(InputError, match=r"test-0.tar.gz is packed"):
        load(root)


def test_sizes_that_differ_ask_for_image_size(tmp_path: Path) -> None:
    within = two_splits(tmp_path / "within", samples(8, _001_png=png(9)))
    with pytest.raises(InputError, match=r"001.png is 9x9, and images before it are 8x8.*data.image_size"):
        load(within)
    between = two_splits(tmp_path / "between", samples(8))
    write_shard(between / "train-1.tar", {"0.png": png(9), "0.cls": b"0"})
    with pytest.raises(InputError, match=r"differ in size: .*9x9 in train-1.tar.*data.image_size"):
        load(between)
    assert load(between, image_size=6).image_shape == (3, 6, 6)


def test_labels_beyond_the_number_of_images_are_refused(tmp_path: Path) -> None:
    root = two_splits(tmp_path, samples(8, _001_cls=b"99"))
    with pytest.raises(InputError, match=r"largest label is 99, and there are 12 images"):
        load(root)


def test_deep_images_are_told_by_name(tmp_path: Path) -> None:
    file = tmp_path / "deep.png"
    Image.fromarray(np.full((8, 8), 4000, np.uint16)).save(file)
    root = two_splits(tmp_path / "shards", samples(8, _001_png=file.read_bytes()))
    with pytest.raises(BadImage, match=r"001.png has more than 8 bits a channel; save it with 8"):
        load(root)


def test_a_key_that_shards_have_no_use_for_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="subject"):
        load(image_shards(tmp_path), subject="a")


def test_what_is_decoded_ahead_is_what_is_asked_for(tmp_path: Path) -> None:
    train = load(image_shards(tmp_path, counts=[("train", 40), ("test", 4)])).train
    assert isinstance(train, StreamedSplit)
    indices = [torch.randperm(len(train))[:20] for _ in range(6)]
    expected = [train.take(index) for index in indices]
    for index in indices:
        train.prefetch(index)
    assert len(train._ahead.begun) == 4, "the earliest are forgotten"
    for index, (images, labels) in zip(indices, expected, strict=True):
        found = train.take(index)
        assert torch.equal(found[0], images) and torch.equal(found[1], labels)
    assert not train._ahead.begun
    assert sum(train.shard_sizes) == len(train)


def test_a_shard_that_was_damaged_after_it_was_indexed_is_told_when_it_is_read(tmp_path: Path) -> None:
    root = two_splits(tmp_path, samples(8))
    loaders = load(root)
    shard = root / "train-0.tar"
    content = bytearray(shard.read_bytes())
    for number in range(8):
        at = content.index(f"{number:03}.png".encode()) + 512
        content[at : at + 40] = bytes(40)
    shard.write_bytes(content)
    with pytest.raises(
        BadImage, match=r"train-0.tar/00\d.png is not a readable image .*when the shard was indexed"
    ):
        loaders.train_batch(torch.arange(4))


def test_a_run_finds_a_pattern_of_shards_again(tmp_path: Path) -> None:
    from skiprun.config_file import build_config

    pattern = f"{image_shards(tmp_path)}/{{train-000000,test-000000}}.tar"
    plain = {"name": "a", "model": {"name": "resnet20"}, "schedule": {"steps": 1}}
    config = build_config(plain | {"data": {"name": "webdataset", "root": pattern}})
    run = Run.create(tmp_path / "runs", config)
    assert config_with_data(run).data.root == pattern
    with pytest.raises(InputError, match="there is no such folder"):
        config_with_data(run, tmp_path / "away" / "train-{0..1}.tar")


def test_small_images_are_decoded_by_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("skiprun.data.shards.images.cores", lambda: [0, 1, 2, 3])
    assert [decoders((9, side, side, 3)) for side in (32, 64, 127, 128, 224)] == [1, 1, 1, 4, 4]
