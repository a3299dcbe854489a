"""Published datasets that are absent, damaged, fetched, or wanted by two processes at once."""

from __future__ import annotations

import gzip
import http.client
import io
import subprocess
import sys
import tarfile
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import torch

from skiprun.config import DataConfig
from skiprun.data import load_data
from skiprun.data.download import unpack
from skiprun.data.loaders import Loaders
from skiprun.errors import DataNotFound, InputError, OptionError, StorageError
from tests.support.data_files import publish_cifar, publish_mnist, publish_svhn, sum_of

CPU = torch.device("cpu")
OFFICIAL = {
    "cifar10": ["cifar-10-python.tar.gz"],
    "cifar100": ["cifar-100-python.tar.gz"],
    "mnist": ["train-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"],
    "fashion_mnist": ["train-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"],
    "svhn": ["train_32x32.mat", "test_32x32.mat"],
}


def load(name: str, root: Path | str | None = None, **options: Any) -> Loaders:
    place = {} if root is None else {"root": str(root)}
    return load_data(DataConfig(name=name, **{"batch_size": 8, **place, **options}), CPU)


@pytest.mark.parametrize("name", OFFICIAL)
def test_F57_absent_dataset_names_place_files_and_the_way_to_fetch(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataNotFound) as caught:
        load(name, tmp_path / "nowhere")
    message = str(caught.value)
    assert str(tmp_path / "nowhere") in message
    assert all(file in message for file in OFFICIAL[name])
    assert "--set data.download=true" in message and " MB)" in message
    assert caught.value.exit_code == 2
    assert not (tmp_path / "nowhere").exists(), "nothing is left behind"


def test_F57_default_place_is_the_cache(own_data_folder: Path) -> None:
    with pytest.raises(DataNotFound, match=str(own_data_folder)):
        load("cifar10")


@pytest.mark.parametrize("name", OFFICIAL)
def test_F57_download_without_a_network_is_one_message(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataNotFound) as caught:
        load(name, tmp_path, download=True)
    message = str(caught.value)
    assert str(tmp_path) in message and OFFICIAL[name][0] in message
    assert "The download failed" in message and "Check the network" in message
    assert "urlopen" not in message and "corrupted" not in message and "\n" not in message
    assert not list(tmp_path.rglob("*.part")) and not list(tmp_path.rglob(".*.part"))


@pytest.mark.parametrize("name", OFFICIAL)
def test_download_checks_unpacks_and_is_used_the_next_time(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish = {
        "cifar10": lambda folder: publish_cifar(folder, monkeypatch),
        "cifar100": lambda folder: publish_cifar(folder, monkeypatch, classes=100),
        "mnist": lambda folder: publish_mnist(folder, monkeypatch),
        "fashion_mnist": lambda folder: publish_mnist(folder, monkeypatch, "FashionMNIST"),
        "svhn": lambda folder: publish_svhn(folder, monkeypatch),
    }[name]
    published = publish(tmp_path / "site")
    told = []
    config = DataConfig(name=name, root=str(tmp_path / "root"), download=True, batch_size=8)
    first = load_data(config, CPU, lambda done, total, what: told.append((done, total, what)))
    assert any(done == total > 0 and what.startswith("downloading") for done, total, what in told)
    for file in published.files:
        file.unlink()
    again = load(name, tmp_path / "root")
    assert again.fingerprint == first.fingerprint


class Response(io.BytesIO):
    """The answer of a server that promised 1,000 bytes."""

    headers = http.client.HTTPMessage()
    headers["Content-Length"] = "1000"


def test_F58_download_that_breaks_off_leaves_nothing_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_cifar(tmp_path / "site", monkeypatch)

    monkeypatch.setattr(urllib.request, "urlopen", lambda *_, **__: Response(b"x" * 400))
    with pytest.raises(DataNotFound, match=r"broke off after 400 of 1,000 bytes"):
        load("cifar10", tmp_path / "root", download=True)
    assert [file.name for file in (tmp_path / "root").iterdir()] == [".skiprun.lock"]


def test_F58_connection_lost_while_reading_is_a_failed_download(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_cifar(tmp_path / "site", monkeypatch)

    class Lost(Response):
        def read(self, size: int | None = -1) -> bytes:
            raise http.client.IncompleteRead(b"", 1000)

    monkeypatch.setattr(urllib.request, "urlopen", lambda *_, **__: Lost())
    with pytest.raises(DataNotFound, match="The download failed"):
        load("cifar10", tmp_path / "root", download=True)


def test_F58_remains_of_a_killed_download_are_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = publish_cifar(tmp_path / "site", monkeypatch)
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / ".cifar-10-python.tar.gz.part").write_bytes(b"half")
    load("cifar10", tmp_path / "root", download=True)
    assert sum_of(tmp_path / "root" / "cifar-10-python.tar.gz") == sum_of(published.files[0])
    assert not list((tmp_path / "root").glob(".*.part"))


def test_F59_download_with_another_sum_is_refused_with_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = publish_cifar(tmp_path / "site", monkeypatch)
    expected = sum_of(published.files[0])
    with published.files[0].open("ab") as file:
        file.write(b"x")
    with pytest.raises(
        DataNotFound, match=f"MD5 {sum_of(published.files[0])} instead of {expected}"
    ) as caught:
        load("cifar10", tmp_path / "root", download=True)
    bad = tmp_path / "root" / "cifar-10-python.tar.gz.bad"
    assert f"kept as {bad.name}" in str(caught.value) and caught.value.exit_code == 2
    assert sum_of(bad) == sum_of(published.files[0])
    assert not list((tmp_path / "root").glob(".*.part")) and not bad.with_suffix("").exists()


def test_F59_damaged_archive_is_named_with_both_sums_and_fetched_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = publish_cifar(tmp_path / "site", monkeypatch)
    archive = published.put_into(tmp_path / "root") / "cifar-10-python.tar.gz"
    content = bytearray(archive.read_bytes())
    content[100] ^= 1
    archive.write_bytes(content)
    with pytest.raises(InputError, match="damaged") as caught:
        load("cifar10", tmp_path / "root")
    assert all(
        part in str(caught.value) for part in (str(archive), sum_of(archive), sum_of(published.files[0]))
    )
    assert "--set data.download=true" in str(caught.value)
    assert archive.read_bytes() == content, "what the user put there stays until another takes its place"
    assert load("cifar10", tmp_path / "root", download=True).num_classes == 10
    assert archive.with_name(f"{archive.name}.bad").read_bytes() == content


def test_F59_damaged_unpacked_files_are_unpacked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = publish_cifar(tmp_path / "site", monkeypatch).put_into(tmp_path / "root")
    first = load("cifar10", root)
    (root / "cifar-10-batches-py" / "data_batch_3").write_bytes(b"broken")
    assert load("cifar10", root).fingerprint == first.fingerprint


def test_F59_damaged_unpacked_files_without_their_archive_are_not_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = publish_cifar(tmp_path / "site", monkeypatch).put_into(tmp_path / "root")
    load("cifar10", root)
    (root / "cifar-10-batches-py" / "data_batch_3").write_bytes(b"broken")
    (root / "cifar-10-python.tar.gz").unlink()
    with pytest.raises(
        DataNotFound, match=r"cifar-10-batches-py is there, but incomplete or damaged.*put cifar-10-python"
    ):
        load("cifar10", root)


@pytest.mark.parametrize("flip", [True, False], ids=["a byte changed", "cut short"])
def test_F59_damaged_unpacked_mnist_is_unpacked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flip: bool
) -> None:
    root = publish_mnist(tmp_path / "site", monkeypatch).put_into(tmp_path / "root", "MNIST/raw")
    first = load("mnist", tmp_path / "root")
    raw = tmp_path / "root/MNIST/raw/train-images-idx3-ubyte"
    content = bytearray(raw.read_bytes())
    content[500] ^= 1
    raw.write_bytes(content if flip else content[:300])
    assert load("mnist", root).fingerprint == first.fingerprint


def make_tar(path: Path, *members: tuple[str, bytes, str]) -> Path:
    """Write a tar file; a member is its name, its content, and where it links to ('' if it is a file)."""
    with tarfile.open(path, "w:gz") as tar:
        for name, content, link in members:
            member = tarfile.TarInfo(name)
            member.size, member.linkname = len(content), link
            member.type = tarfile.SYMTYPE if link else tarfile.REGTYPE
            tar.addfile(member, io.BytesIO(content))
    return path


@pytest.mark.parametrize(
    "members",
    [
        [("../outside", b"x", "")],
        [("/tmp/outside-of-skiprun", b"x", "")],
        [("set/link", b"", "../../.."), ("set/link/outside", b"x", "")],
    ],
    ids=["dots", "absolute", "link"],
)
def test_F60_archive_that_leads_outside_writes_nothing_there(
    members: list[tuple[str, bytes, str]], tmp_path: Path
) -> None:
    archive = make_tar(tmp_path / "inside.tar.gz", *members)
    try:
        unpack.unpack_tar(archive, "set", lambda *_: None)
    except InputError as error:
        assert str(archive) in str(error)
    assert not (tmp_path.parent / "outside").exists()
    assert not Path("/tmp/outside-of-skiprun").exists()
    assert not [path for path in tmp_path.iterdir() if path.name.endswith("unpacking")]


def test_F60_archive_of_zeros_is_refused_before_it_fills_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpack, "SLACK", 1000)
    archive = make_tar(tmp_path / "zeros.tar.gz", ("set/zeros", bytes(10_000_000), ""))
    with pytest.raises(InputError, match="unpacks to more than 20 times its size"):
        unpack.unpack_tar(archive, "set", lambda *_: None)
    assert [path.name for path in tmp_path.iterdir()] == ["zeros.tar.gz"]


@pytest.mark.parametrize(
    "kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE], ids=["chr", "blk", "fifo"]
)
def test_F60_archive_with_a_device_is_refused(kind: bytes, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "device.tar", "w") as tar:
        member = tarfile.TarInfo("set/device")
        member.type = kind
        tar.addfile(member)
    with pytest.raises(InputError, match=r"device.tar: cannot be unpacked"):
        unpack.unpack_tar(tmp_path / "device.tar", "set", lambda *_: None)
    assert [path.name for path in tmp_path.iterdir()] == ["device.tar"]


def test_F60_gzip_of_zeros_is_refused_before_it_fills_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpack, "SLACK", 1000)
    archive = tmp_path / "zeros.gz"
    archive.write_bytes(gzip.compress(bytes(10_000_000)))
    with pytest.raises(InputError, match="unpacks to more than 20 times its size"):
        unpack.unpack_gzip(archive)
    assert [path.name for path in tmp_path.iterdir()] == ["zeros.gz"]


def test_F60_truncated_archive_is_named(tmp_path: Path) -> None:
    archive = make_tar(tmp_path / "cut.tar.gz", ("set/file", bytes(range(256)) * 100, ""))
    archive.write_bytes(archive.read_bytes()[:-40])
    with pytest.raises(InputError, match=rf"{archive}: cannot be unpacked"):
        unpack.unpack_tar(archive, "set", lambda *_: None)


def test_F60_archive_without_the_folder_is_refused(tmp_path: Path) -> None:
    archive = make_tar(tmp_path / "other.tar.gz", ("another/file", b"x", ""))
    with pytest.raises(InputError, match="holds no folder 'set'"):
        unpack.unpack_tar(archive, "set", lambda *_: None)


LOADER = """
import sys
from pathlib import Path
import numpy as np
from skiprun.config import DataConfig
from skiprun.data.download.fetch import Archive, sum_of
from skiprun.data.download.official import PublishedDataset, load_official
from skiprun.data.source import RawSplit, RawDataset

def read(root):
    images = np.frombuffer((root / "set.bin").read_bytes(), np.uint8)
    portion = RawSplit(images.reshape(-1, 2, 2, 1), np.zeros(9))
    return RawDataset(portion, portion, ("a", "b"))

site, root = Path(sys.argv[1]), sys.argv[2]
archive = Archive((site.as_uri(),), "set.bin", sum_of(site))
official = PublishedDataset("set", "1 MB", [archive], lambda *_: None, read)
told = set()
config = DataConfig(name="set", root=root, download=True)
source = load_official(official, config, lambda *news: told.add(news[2][:11]))
print(source.digest(), "downloading" in told)
"""


def test_F61_processes_at_once_download_once(tmp_path: Path) -> None:
    (tmp_path / "site.bin").write_bytes(bytes(4_000_000))
    command = [sys.executable, "-c", LOADER, str(tmp_path / "site.bin"), str(tmp_path / "root")]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    answers = [process.communicate(timeout=120)[0].split() for process in started]
    assert len({answer[0] for answer in answers}) == 1
    assert sorted(answer[1] for answer in answers) == ["False", "False", "False", "True"]


def test_image_size_is_for_folders_only(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="image_size: 'mnist' has images of one size"):
        load("mnist", tmp_path, image_size=32)


def test_place_that_cannot_be_written_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="Cannot create"):
        load("svhn", tmp_path / "file" / "below", download=True)


def test_tilde_in_root_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(DataNotFound, match=str(tmp_path / "images")):
        load("cifar10", "~/images")
