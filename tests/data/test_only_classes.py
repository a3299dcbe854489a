"""Some classes of a dataset, by name: every dataset for labels can be cut to them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from skiprun.config import DataConfig
from skiprun.config_file import build_config
from skiprun.data import Loaders, Split, load_data
from skiprun.errors import OptionError
from tests.data.test_contract import PREPARED

CPU = torch.device("cpu")
Load = Callable[..., Loaders]


@pytest.fixture(params=PREPARED)
def load(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Return a function that loads one dataset with the options given."""
    root = PREPARED[request.param](tmp_path, monkeypatch)
    place: dict[str, Any] = {} if root is None else {"root": str(root)}
    return lambda **options: load_data(DataConfig(name=request.param, batch_size=1, **place, **options), CPU)


def stored(*splits: Split) -> tuple[torch.Tensor, torch.Tensor]:
    taken = [split.take(torch.arange(len(split))) for split in splits]
    return torch.cat([images for images, _ in taken]), torch.cat([labels for _, labels in taken])


def as_set(images: torch.Tensor) -> list[bytes]:
    return sorted(bytes(image.contiguous().numpy()) for image in images)


@pytest.mark.parametrize("mapped", [False, True])
def test_the_images_are_those_of_the_classes_and_the_labels_count_them_in_order(
    load: Load, mapped: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = load(val_fraction=0.4)
    chosen = [whole.class_names[-1], whole.class_names[0]]
    if mapped:
        monkeypatch.setattr("skiprun.data.residence.fits_device", lambda source, device: False)
    part = load(val_fraction=0.4, only_classes=chosen)
    assert (part.class_names, part.num_classes) == (tuple(chosen), 2)
    for splits in ("train", "val"), ("test",):
        images, labels = stored(*(getattr(whole, split) for split in splits))
        found, numbers = stored(*(getattr(part, split) for split in splits))
        for number, name in enumerate(chosen):
            expected = images[labels == whole.class_names.index(name)]
            assert as_set(found[numbers == number]) == as_set(expected)
        assert set(numbers.tolist()) <= {0, 1}
    assert part.fingerprint not in (
        whole.fingerprint,
        load(val_fraction=0.4, only_classes=chosen[::-1]).fingerprint,
    )


def digits(**options: Any) -> Loaders:
    return load_data(DataConfig(name="digits", **options), CPU)


def test_validation_is_a_share_of_the_classes_that_are_left() -> None:
    part = digits(only_classes=["0", "1", "2", "3", "4"], val_fraction=0.3)
    total = len(part.train) + len(part.val)
    assert 700 < total < 740 and len(part.val) == round(0.3 * total) and 170 < len(part.test) < 190
    images = stored(part.train)[0].double() / 255
    assert part.mean[0] == pytest.approx(images.mean().item()) and part.std[0] == pytest.approx(
        images.std(correction=0).item()
    )


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (["0", "11"], "found '11'; the dataset has no such class. Did you mean '1'? It has 0, 1, 2, 3"),
        (["0", "0"], "found 0, 0; name two classes or more, each once"),
        (["0"], "found 0; name two classes or more"),
        ([], "found none; name two classes or more"),
    ],
)
def test_classes_that_cannot_be_used_are_refused(wanted: list[str], words: str) -> None:
    with pytest.raises(OptionError) as caught:
        digits(only_classes=wanted)
    assert caught.value.key == "only_classes" and words in caught.value.problem


def test_masks_have_no_classes_to_choose_from() -> None:
    with pytest.raises(OptionError, match=r"only_classes: found .*'cells' has no use for; it is for cifar10"):
        load_data(DataConfig(name="cells", batch_size=1, only_classes=["background", "cell"]), CPU)


def test_numbers_in_yaml_are_names() -> None:
    sections = {"model": {"name": "resnet20"}, "schedule": {"epochs": 1}}
    config = build_config(sections | {"data": {"name": "digits", "only_classes": [5, "6"]}})
    assert config.data.only_classes == ["5", "6"]
