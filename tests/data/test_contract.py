"""What every dataset for labels promises, over the registry, from tiny files in the official formats."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from skiprun.config import DataConfig
from skiprun.data import Loaders, load_data, residence
from skiprun.data.splits import InMemorySplit, MemoryMappedSplit, StreamedSplit
from skiprun.errors import InputError, OptionError, UnknownName
from skiprun.experiment.contracts import Contract, Subject, contracts_of
from skiprun.registry import DATASETS
from tests.support.data_files import image_folder, image_shards, publish_cifar, publish_mnist, publish_svhn

CPU = torch.device("cpu")


def a_folder(root: Path) -> Path:
    image_folder(root)
    return root


# For each dataset: how to put its files below a folder, and what data.root then is (None: it needs no files).
PREPARED: dict[str, Callable[[Path, pytest.MonkeyPatch], Path | None]] = {
    "digits": lambda folder, patch: None,
    "cifar10": lambda folder, patch: publish_cifar(folder / "site", patch).put_into(folder),
    "cifar100": lambda folder, patch: publish_cifar(folder / "site", patch, classes=100).put_into(folder),
    "mnist": lambda folder, patch: publish_mnist(folder / "site", patch).put_into(folder, "MNIST/raw"),
    "fashion_mnist": lambda folder, patch: publish_mnist(folder / "site", patch, "FashionMNIST").put_into(
        folder, "FashionMNIST/raw"
    ),
    "svhn": lambda folder, patch: publish_svhn(folder / "site", patch).put_into(folder),
    "image_folder": lambda folder, patch: a_folder(folder),
    "webdataset": lambda folder, patch: image_shards(folder),
}


def test_every_dataset_for_labels_is_tested_here() -> None:
    assert {entry.name for entry in DATASETS if entry.info.task == "classification"} == set(PREPARED)


def test_every_dataset_is_described() -> None:
    for entry in DATASETS:
        assert entry.summary and entry.info.shape
        assert entry.info.resizes or (
            entry.info.size and entry.info.train and entry.info.test and entry.info.paper
        )


@pytest.mark.parametrize("contract", contracts_of("dataset"), ids=lambda contract: contract.test.__name__)
@pytest.mark.parametrize("name", PREPARED)
def test_every_dataset_keeps_its_contracts(
    name: str, contract: Contract, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = contract.outcome(Subject("dataset", DATASETS[name], PREPARED[name](tmp_path, monkeypatch)))
    assert outcome.kept, outcome.why


Load = Callable[..., Loaders]


@pytest.fixture(params=PREPARED)
def load(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Return a function that loads one dataset with the options given."""
    root = PREPARED[request.param](tmp_path, monkeypatch)

    def loading(split_seed: int = 0, **options: Any) -> Loaders:
        place = {} if root is None else {"root": str(root)}
        config = DataConfig(name=request.param, **{"batch_size": 8, **place, **options})
        return load_data(config, CPU, split_seed=split_seed)

    return loading


def everything(loaders: Loaders, split: str) -> tuple[torch.Tensor, torch.Tensor]:
    images, targets = zip(*loaders.batches(split, 7), strict=True)
    return torch.cat(images), torch.cat(targets)


def test_statistics_are_those_of_the_training_split_alone(load: Load) -> None:
    loaders = load()
    stored = loaders.train.take(torch.arange(len(loaders.train)))[0].numpy() / 255
    assert np.allclose(loaders.mean, stored.mean((0, 2, 3)), atol=1e-12)
    assert np.allclose(loaders.std, stored.std((0, 2, 3)), atol=1e-12)


def test_validation_has_its_size_and_the_rest_is_training(load: Load) -> None:
    loaders = load(val_fraction=0.3)
    total = len(loaders.train) + len(loaders.val)
    assert len(loaders.val) == round(0.3 * total)
    labels = everything(loaders, "val")[1]
    both = torch.cat([labels, everything(loaders, "train")[1]])
    shares = torch.bincount(both, minlength=loaders.num_classes) * len(labels) / total
    assert ((torch.bincount(labels, minlength=loaders.num_classes) - shares).abs() < 1).all()


def test_large_folder_stays_in_its_file_on_a_cpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image_folder(tmp_path / "images")
    config = DataConfig(name="image_folder", root=str(tmp_path / "images"), batch_size=2, val_fraction=0.4)
    small = load_data(config, CPU)
    monkeypatch.setattr(residence, "RESIDENT_BYTES", 0)
    large = load_data(config, CPU)
    assert isinstance(small.train, InMemorySplit) and isinstance(large.train, MemoryMappedSplit)
    assert large.fingerprint == small.fingerprint


def test_mapped_split_gives_what_the_resident_one_gives(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    resident = load(augment={"crop": 1})
    monkeypatch.setattr(residence, "free_memory", lambda device: 0)
    mapped = load(augment={"crop": 1})
    assert isinstance(resident.train, StreamedSplit if resident.shard_sizes else InMemorySplit)
    assert isinstance(mapped.train, MemoryMappedSplit)
    assert mapped.fingerprint == resident.fingerprint and mapped.mean == resident.mean
    for split in ("train", "val", "test"):
        for left, right in zip(everything(resident, split), everything(mapped, split), strict=True):
            assert torch.equal(left, right)
    batches = []
    for loaders in (resident, mapped):
        torch.manual_seed(0)
        batches.append(loaders.train_batch(torch.tensor([2, 0, 5]))[0])
    assert torch.equal(*batches)


def test_images_that_a_plan_has_counted_live_on_a_gpu_that_other_runs_have_begun_to_fill(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    images, targets = SimpleNamespace(nbytes=30), SimpleNamespace(nbytes=0)
    source: Any = SimpleNamespace(splits=[SimpleNamespace(images=images, targets=targets)])
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (42, 80))
    monkeypatch.setattr(residence, "planned", {"free": 0})
    assert not residence.fits_device(source, torch.device("cuda"))
    residence.plan_for(80)
    assert residence.fits_device(source, torch.device("cuda"))


def test_batches_are_channels_last_where_that_means_something(load: Load) -> None:
    images, _ = load().train_batch(torch.arange(8))
    assert images.is_contiguous(memory_format=torch.channels_last)


def test_F53_batch_larger_than_the_training_split_is_refused(load: Load) -> None:
    with pytest.raises(
        OptionError, match=r"batch_size: found 1000000, but the training split has [0-9,]+ images"
    ):
        load(batch_size=1000000)


def test_F68_empty_validation_split_is_refused_with_the_key_to_change(load: Load) -> None:
    with pytest.raises(OptionError, match=r"val_fraction: found 1e-06, less than one of .* images; use"):
        load(val_fraction=1e-6)


def test_F68_validation_that_leaves_a_class_untrained_is_refused(load: Load) -> None:
    with pytest.raises(OptionError, match=r"val_fraction: found 0.9999, which leaves a class without"):
        load(val_fraction=0.9999)


def test_unknown_dataset_suggests_the_nearest() -> None:
    with pytest.raises(UnknownName, match=r"No dataset is called 'cifar'. Did you mean 'cifar10'\?"):
        load_data(DataConfig(name="cifar"), CPU)


def test_digits_has_the_published_images_and_a_fixed_stratified_test_fifth() -> None:
    loaders = load_data(DataConfig(name="digits"), CPU)
    assert (len(loaders.train), len(loaders.val), len(loaders.test)) == (1293, 144, 360)
    images, labels = loaders.test.take(torch.arange(360))
    assert torch.bincount(labels).tolist() == [36, 37, 35, 37, 36, 36, 36, 36, 35, 36]
    assert len(images.unique()) == 17 and images.min() == 0 and images.max() == 255


def test_digits_cannot_be_resized() -> None:
    with pytest.raises(
        OptionError, match="image_size: found 32; the images of 'digits' have 8 pixels a side"
    ):
        load_data(DataConfig(name="digits", image_size=32), CPU)


def test_published_images_and_labels_arrive_unchanged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, published in {
        "cifar10": publish_cifar(tmp_path / "cifar10", monkeypatch),
        "svhn": publish_svhn(tmp_path / "svhn", monkeypatch),
    }.items():
        loaders = load_data(DataConfig(name=name, root=str(published.folder), batch_size=8), CPU)
        images, labels = loaders.test.take(torch.arange(len(loaders.test)))
        assert np.array_equal(images.permute(0, 2, 3, 1).numpy(), published.images["test"])
        assert np.array_equal(labels.numpy(), published.labels["test"])


def test_mnist_images_and_labels_arrive_unchanged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    published = publish_mnist(tmp_path / "site", monkeypatch)
    loaders = load_data(
        DataConfig(name="mnist", root=str(published.put_into(tmp_path, "MNIST/raw")), batch_size=8), CPU
    )
    images, labels = loaders.test.take(torch.arange(20))
    assert np.array_equal(images.permute(0, 2, 3, 1).numpy(), published.images["test"])
    assert np.array_equal(labels.numpy(), published.labels["test"])


def test_F68_one_class_is_refused(tmp_path: Path) -> None:
    image_folder(tmp_path, classes=["cat"])
    with pytest.raises(InputError, match="has one class, cat"):
        load_data(DataConfig(name="image_folder", root=str(tmp_path), batch_size=2), CPU)


def test_constant_channel_is_centred_without_dividing_by_zero(tmp_path: Path) -> None:
    from PIL import Image

    for path, pixels in image_folder(tmp_path).items():
        pixels[..., 1:] = 0, 255
        Image.fromarray(pixels).save(tmp_path / path)
    loaders = load_data(DataConfig(name="image_folder", root=str(tmp_path), batch_size=2), CPU)
    constant = loaders.train_batch(torch.arange(4))[0][:, 1:]
    torch.testing.assert_close(constant, torch.zeros_like(constant), atol=1e-6, rtol=0)
