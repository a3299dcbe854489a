"""Weights to start from, parts that do not learn, parts that learn more slowly."""

import copy
import enum
import hashlib
import io
import os
import pickle
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from _pytest.recwarn import WarningsRecorder
from torch import Tensor, nn
from typer.testing import CliRunner

from skiprun.cli.app import app
from skiprun.config import ModelConfig, RunConfig
from skiprun.config_file import load_config
from skiprun.errors import CheckpointError, InputError, OptionError, exit_code
from skiprun.experiment import train
from skiprun.models import build_model
from skiprun.models.stages import stages
from skiprun.models.weights.freeze import freeze, freeze_from_config
from skiprun.models.weights.parameter_groups import parameter_groups
from skiprun.models.weights.pretrained import load_from_config, load_matching
from skiprun.registry import MODELS
from skiprun.run import Run
from skiprun.system.torchvision_repair import torchvision
from tests.models.test_contract import LARGE
from tests.support import CONFIGS


def made(name: str = "resnet20", classes: int = 10, seed: int = 0, **options: Any) -> nn.Module:
    torch.manual_seed(seed)
    return build_model(name, classes, **options)


def config(**model: Any) -> ModelConfig:
    return ModelConfig.model_validate({"name": "resnet20", **model})


@pytest.fixture
def given(tmp_path: Path) -> tuple[Path, nn.Module]:
    """Return a file with the weights of a network of 10 classes, and the network."""
    model = made(seed=1)
    torch.save(model.state_dict(), tmp_path / "given.pt")
    return tmp_path / "given.pt", model


def refusal(model: nn.Module, **options: Any) -> str:
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(CheckpointError) as caught:
        load_from_config(model, config(**options))
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert "weights_only" not in str(caught.value) and "\n" not in str(caught.value)
    return str(caught.value)


def test_a_state_dict_is_loaded_whole(given: tuple[Path, nn.Module]) -> None:
    file, source = given
    model = made()
    report = load_from_config(model, config(weights=str(file)))
    assert all(torch.equal(value, source.state_dict()[key]) for key, value in model.state_dict().items())
    assert report.sentence == f"Loaded 116 of 116 tensors from {file}."
    assert load_from_config(model, config()) is None


def test_a_head_for_other_classes_stays_as_it_was_drawn(given: tuple[Path, nn.Module]) -> None:
    file, source = given
    model = made(classes=5)
    drawn = model.fc.weight.clone()
    report = load_from_config(model, config(weights=str(file)))
    assert torch.equal(model.get_parameter("fc.weight"), drawn)
    assert torch.equal(model.get_parameter("conv1.weight"), source.get_parameter("conv1.weight"))
    assert report.fresh == {"fc.weight": "[10, 64] there, [5, 64] here", "fc.bias": "[10] there, [5] here"}
    assert "Freshly drawn: fc.weight ([10, 64] there, [5, 64] here), fc.bias" in report.sentence


def test_a_first_layer_for_grey_images_is_the_sum_of_the_given_one(given: tuple[Path, nn.Module]) -> None:
    file, source = given
    model = made(in_channels=1)
    report = load_from_config(model, config(weights=str(file)))
    assert not report.fresh and len(report.matched) == 116
    assert "Made from the given one: conv1.weight (3 channels there, 1 here: summed)." in report.sentence
    grey = torch.rand(2, 1, 16, 16)
    assert torch.allclose(model.eval()(grey), source.eval()(grey.expand(-1, 3, -1, -1)), atol=1e-4)


@pytest.mark.parametrize(("there", "here"), [(3, 2), (3, 5), (3, 6), (1, 3), (4, 3)])
def test_a_first_layer_for_other_channels_is_repeated_and_scaled_as_timm_does(there: int, here: int) -> None:
    given, model = made(in_channels=there, seed=1), made(in_channels=here)
    report = load_matching(model, given.state_dict(), "weights")
    for channel in range(here):
        assert torch.allclose(
            model.conv1.weight[:, channel], given.conv1.weight[:, channel % there] * (there / here)
        )
    assert report.made == {
        "conv1.weight": f"{there} channels there, {here} here: repeated, times {there}/{here}"
    }


def test_a_first_layer_of_another_kernel_stays_as_it_was_drawn() -> None:
    report = load_matching(
        made("resnet18", in_channels=1), made("resnet18", stem="small").state_dict(), "weights"
    )
    assert list(report.fresh) == ["conv1.weight"] and not report.made


def test_weights_move_between_connections(given: tuple[Path, nn.Module]) -> None:
    report = load_from_config(made(connection="highway"), config(weights=str(given[0])))
    assert len(report.fresh) == 18 and all(".connection." in name for name in report.fresh)
    assert "and 14 more" in report.sentence
    back = load_matching(made("plain20"), made(connection="highway").state_dict(), "a gated network")
    assert len(back.unused) == 18 and not back.fresh
    twin = load_matching(made("plain18"), made("resnet18").state_dict(), "its residual twin")
    assert all(".downsample." in name for name in twin.unused)


@pytest.mark.parametrize("wrap", ["model", "state_dict"])
def test_checkpoints_and_wrapped_names_are_understood(tmp_path: Path, wrap: str) -> None:
    model = made(seed=1)
    state = {f"module._orig_mod.{key}": value for key, value in model.state_dict().items()}
    torch.save({wrap: state, "epoch": 3, "name": "x"}, tmp_path / "w.pt")
    report = load_from_config(made(), config(weights=str(tmp_path / "w.pt")))
    assert not report.fresh and not report.unused


def test_old_files_without_a_count_of_batches_fit(tmp_path: Path) -> None:
    state = {
        key: value
        for key, value in made(seed=1).state_dict().items()
        if not key.endswith("num_batches_tracked")
    }
    torch.save(state, tmp_path / "w.pt")
    assert not load_from_config(made(), config(weights=str(tmp_path / "w.pt"))).fresh


def test_dots_in_old_names_of_densenet_are_understood(tmp_path: Path) -> None:
    model = made("densenet_cifar", depth=10)
    state = {
        key.replace("norm1", "norm.1").replace("conv1", "conv.1"): value
        for key, value in model.state_dict().items()
    }
    assert any("denselayer1.norm.1.weight" in key for key in state)
    torch.save(state, tmp_path / "w.pt")
    fresh = made("densenet_cifar", depth=10, seed=2)
    assert not load_from_config(fresh, config(weights=str(tmp_path / "w.pt"))).fresh


def test_a_run_gives_its_best_weights(tmp_path: Path) -> None:
    sections = {"data": {"name": "digits"}, "schedule": {"epochs": 1.0}, "model": {"name": "resnet20"}}
    run = Run.create(tmp_path, RunConfig.model_validate({"name": "first", **sections}))
    model = made(seed=1)
    torch.save(
        {"format": 1, "model": model.state_dict(), "step": 5, "val": {"error": 1.0}},
        run.checkpoints / "best.pt",
    )
    for path in (run.path, run.path.parent):
        loaded = made()
        report = load_from_config(loaded, config(weights=str(path)))
        assert report.source == f"run {run.path}"
        assert torch.equal(loaded.get_parameter("fc.weight"), model.get_parameter("fc.weight"))


def test_F28_another_architecture_is_refused_with_the_first_difference(given: tuple[Path, nn.Module]) -> None:
    assert (
        "weights of another architecture (116 of 176 tensors fit; layer1.3.conv1.weight: not in the weights)"
        in (refusal(made("resnet32"), weights=str(given[0])))
    )
    assert "bn1.weight: [16] there, [8] here" in (refusal(made(width=8), weights=str(given[0])))
    assert "another architecture" in refusal(made("densenet_cifar", depth=10), weights=str(given[0]))
    assert "another architecture" in refusal(made("vgg11", stem="small"), weights=str(given[0]))


def test_F21_a_file_cut_short_anywhere_is_refused(given: tuple[Path, nn.Module], tmp_path: Path) -> None:
    content = given[0].read_bytes()
    generator = torch.Generator().manual_seed(0)
    for length in torch.randint(len(content), (40,), generator=generator).tolist():
        (tmp_path / "cut.pt").write_bytes(content[:length])
        assert "cut.pt: " in refusal(made(), weights=str(tmp_path / "cut.pt"))


def test_F22_a_flipped_bit_never_changes_a_weight_unseen(
    given: tuple[Path, nn.Module], tmp_path: Path
) -> None:
    content = bytearray(given[0].read_bytes())
    source = given[1].state_dict()
    generator = torch.Generator().manual_seed(0)
    for bit in torch.randint(8 * len(content), (60,), generator=generator).tolist():
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        (tmp_path / "bit.pt").write_bytes(flipped)
        model = made()
        try:
            load_from_config(model, config(weights=str(tmp_path / "bit.pt")))
        except CheckpointError:
            continue
        assert all(torch.equal(value, source[key]) for key, value in model.state_dict().items())


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 4096, b"weights\n", b"<html>sign in</html>", b"PK\x05\x06" + b"\0" * 18]
)
def test_F23_other_files_are_refused_in_one_line(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "w.pt").write_bytes(content)
    assert f"{tmp_path}/w.pt: " in refusal(made(), weights=str(tmp_path / "w.pt"))


class Exploit:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return os.mkdir, (str(self.target),)


def test_F24_a_malicious_file_is_refused_and_not_executed(tmp_path: Path) -> None:
    for content in (
        Exploit(tmp_path / "owned"),
        {"model": made().state_dict(), "extra": Exploit(tmp_path / "owned")},
    ):
        torch.save(content, tmp_path / "w.pt")
        assert "not a whole file of plain weights" in refusal(made(), weights=str(tmp_path / "w.pt"))
        assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize(
    "content", [{}, [], 3, {"model": {}}, {"epoch": 3}, {"a": torch.zeros(2), "b": "text"}]
)
def test_F27_a_file_without_a_state_dict_is_refused(content: object, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "w.pt")
    assert "holds no state dict of tensors" in refusal(made(), weights=str(tmp_path / "w.pt"))


def test_F33_weights_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    model = made()
    model.bn1.running_mean[3] = float("nan")
    torch.save(model.state_dict(), tmp_path / "w.pt")
    assert "bn1.running_mean holds values that are not finite" in refusal(
        made(), weights=str(tmp_path / "w.pt")
    )


def test_a_missing_file_and_a_folder_that_is_no_run_are_named(tmp_path: Path) -> None:
    assert f"{tmp_path}/none.pt: there is no such file of weights." in refusal(
        made(), weights=str(tmp_path / "none.pt")
    )
    with pytest.raises(InputError, match="is no run directory"):
        load_from_config(made(), config(weights=str(tmp_path)))


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    return tmp_path / "hub" / "checkpoints"


def test_offline_the_wanted_file_and_its_place_are_named(hub: Path) -> None:
    message = refusal(made("resnet18"), name="resnet18", weights="DEFAULT")
    assert f"resnet18-f37072fd.pth is not in {hub}" in message
    assert "set model.download_weights: true" in message and "https://" in message
    failed = refusal(made("resnet18"), name="resnet18", weights="DEFAULT", download_weights=True)
    assert f"resnet18-f37072fd.pth could not be fetched to {hub}" in failed


def test_a_damaged_file_of_torchvision_is_named(hub: Path) -> None:
    hub.mkdir(parents=True)
    (hub / "resnet18-f37072fd.pth").write_bytes(b"half")
    assert "resnet18-f37072fd.pth: damaged, its checksum" in refusal(
        made("resnet18"), name="resnet18", weights="DEFAULT"
    )


def test_unknown_torchvision_weights_suggest_the_nearest(hub: Path) -> None:
    message = refusal(made("resnet50"), name="resnet50", weights="IMAGENET1K_V3")
    assert "It has DEFAULT, IMAGENET1K_V1, IMAGENET1K_V2" in message
    assert "torchvision has no weights for resnet20" in refusal(made(), weights="DEFAULT")


def test_torchvision_weights_are_loaded_from_the_hub(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.mkdir(parents=True)
    source = torchvision.models.mobilenet_v3_small(num_classes=1000)
    buffer = io.BytesIO()
    torch.save(source.state_dict(), buffer)
    name = f"mobilenet_v3_small-{hashlib.sha256(buffer.getvalue()).hexdigest()[:8]}.pth"
    (hub / name).write_bytes(buffer.getvalue())

    class Known(enum.Enum):
        IMAGENET1K_V1 = SimpleNamespace(url=f"https://example.org/{name}")
        url = property(lambda self: self.value.url)

    monkeypatch.setattr(torchvision.models, "get_model_weights", lambda architecture: Known)
    model = made("mobilenet_v3_small", classes=5)
    report = load_from_config(model, config(name="mobilenet_v3_small", weights="IMAGENET1K_V1"))
    assert set(report.fresh) == {"classifier.3.weight", "classifier.3.bias"}
    assert report.source == "torchvision's Known.IMAGENET1K_V1"
    assert torch.equal(model.features[0][0].weight, source.features[0][0].weight)


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("resnet20", 3),
        ("resnet18", 4),
        ("densenet40_12", 3),
        ("preact20", 3),
        ("vgg11_bn", 4),
        ("mobilenet_v1", 5),
        ("mobilenet_v2", 5),
        ("convnext_tiny", 4),
        ("highway_full19", 3),
        ("alexnet", 2),
    ],
)
def test_networks_have_a_stem_stages_and_a_head(name: str, count: int) -> None:
    with torch.device("meta"):
        model = build_model(name)
    parts = stages(model)
    assert list(parts) == ["stem", *[f"stage{number}" for number in range(1, count + 1)], "head"]
    inside = {id(each) for units in parts.values() for unit in units.values() for each in unit.parameters()}
    assert inside == {id(each) for each in model.parameters()}


@pytest.mark.parametrize("name", [*(name for name in MODELS.names() if name not in LARGE), "fcn_resnet50"])
def test_every_network_can_freeze_its_backbone(name: str) -> None:
    with torch.device("meta"):
        model = build_model(name)
    freeze(model, ["backbone"])
    head = {id(each) for unit in stages(model)["head"].values() for each in unit.parameters()}
    assert {id(each) for each in model.parameters() if each.requires_grad} == head


def step(model: nn.Module) -> None:
    optimizer = torch.optim.SGD([each for each in model.parameters() if each.requires_grad], lr=0.1)
    nn.functional.cross_entropy(model.train()(torch.randn(4, 3, 16, 16)), torch.arange(4)).backward()
    optimizer.step()


def changed(model: nn.Module, before: Mapping[str, Tensor]) -> set[str]:
    return {key for key, value in model.state_dict().items() if not torch.equal(value, before[key])}


def test_a_frozen_backbone_keeps_weights_and_statistics() -> None:
    model = made()
    freeze(model, ["backbone"])
    before = copy.deepcopy(model.state_dict())
    step(model)
    assert changed(model, before) == {"fc.weight", "fc.bias"}


def test_frozen_stages_keep_theirs_and_the_others_learn() -> None:
    model = made()
    names = freeze(model, ["stem", "stage1", "layer2.0"])
    assert "conv1.weight" in names and "layer2.0.bn1.weight" in names and "layer2.1.conv1.weight" not in names
    before = copy.deepcopy(model.state_dict())
    step(model)
    moved = changed(model, before)
    assert not any(key.startswith(("conv1", "bn1", "layer1.", "layer2.0.")) for key in moved)
    assert {"layer2.1.conv1.weight", "layer2.1.bn1.running_mean", "layer3.0.conv1.weight"} <= moved


def test_a_frozen_network_copies_and_saves_like_any_other() -> None:
    model = made()
    freeze(model, ["stem"])
    twin = copy.deepcopy(model)
    assert not twin.train().bn1.training and twin.layer1[0].bn1.training
    assert list(model.state_dict()) == list(made().state_dict())
    made().load_state_dict(model.state_dict())


def test_unknown_parts_suggest_the_nearest() -> None:
    with pytest.raises(
        OptionError, match=r"found 'stage4'.*Did you mean 'stage\d'.*It has backbone, stem, stage1"
    ):
        freeze(made(), ["stage4"])
    with pytest.raises(OptionError, match="leaves nothing to learn"):
        freeze(made(), ["backbone", "head"])


def test_feature_extraction_is_a_frozen_backbone() -> None:
    model = made()
    frozen = freeze_from_config(model, config(weights="x", feature_extract=True))
    assert frozen == freeze_from_config(made(), config(weights="x", freeze="backbone"))
    assert freeze_from_config(made(), config()) == []


def test_the_backbone_learns_more_slowly_than_the_head() -> None:
    model = made()
    backbone, head = parameter_groups(model, 0.1)
    assert backbone["scale"] == 0.1 and head["scale"] == 1.0
    assert [each.shape for each in head["params"]] == [(10, 64), (10,)]
    assert len(backbone["params"]) + 2 == sum(1 for _ in model.parameters())
    freeze(model, ["backbone"])
    assert [group["scale"] for group in parameter_groups(model, 0.1)] == [1.0]
    (only,) = parameter_groups(made())
    assert only["scale"] == 1.0


def test_a_state_dict_is_what_its_zip_says(given: tuple[Path, nn.Module]) -> None:
    # The damage tests rely on torch's files being zip archives with a checksum for every part.
    assert zipfile.ZipFile(given[0]).testzip() is None


@pytest.mark.parametrize(("protocol", "zipped"), [(0, False), (2, False), (2, True), (5, False)])
def test_F24_pickles_of_any_age_are_not_executed_and_said_once(
    protocol: int, zipped: bool, tmp_path: Path, recwarn: WarningsRecorder
) -> None:
    content = {"model": {"conv1.weight": Exploit(tmp_path / "owned")}}
    if zipped:
        torch.save(content, tmp_path / "w.pt")
    else:
        (tmp_path / "w.pt").write_bytes(pickle.dumps(content, protocol))
    assert "not a whole file of plain weights" in refusal(made(), weights=str(tmp_path / "w.pt"))
    assert not (tmp_path / "owned").exists() and not recwarn.list


DIGITS = """
name: transferred
model: {name: resnet_cifar, depth: 8, width: 4}
data: {name: digits, only_classes: [0, 1, 2, 3, 4], batch_size: 64, val_fraction: 0.3}
optim: {lr: 0.05}
schedule: {epochs: 1}
compute: {device: cpu, precision: fp32}
log: {tensorboard: false}
"""


def command(tmp_path: Path, *options: str) -> tuple[str, BaseException | None]:
    """Run `skiprun train` on five digits, and return what it printed and its error."""
    (tmp_path / "five.yaml").write_text(DIGITS)
    words = [str(tmp_path / "five.yaml"), "--runs", str(tmp_path / "runs")]
    done = CliRunner().invoke(
        app, ["train", *words, *(word for option in options for word in ("--set", option))]
    )
    return done.output, done.exception


def damaged(kind: str, folder: Path) -> Path:
    """Return a file of weights that cannot be used."""
    file = folder / "w.pt"
    torch.save(made("resnet_cifar", depth=8, width=8 if kind == "wrong shape" else 4).state_dict(), file)
    if kind == "truncated":
        file.write_bytes(file.read_bytes()[:-1000])
    elif kind == "wrong architecture":
        torch.save(made("densenet_cifar", depth=10).state_dict(), file)
    elif kind == "malicious":
        torch.save({"model": Exploit(folder / "owned")}, file)
    return file


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("truncated", "not a whole file of plain weights"),
        ("wrong shape", "weights of another architecture"),
        ("wrong architecture", "weights of another architecture"),
        ("malicious", "not a whole file of plain weights"),
    ],
)
def test_train_refuses_weights_in_one_message_and_begins_no_run(
    kind: str, words: str, tmp_path: Path
) -> None:
    file = damaged(kind, tmp_path)
    _, error = command(tmp_path, f"model.weights={file}")
    assert isinstance(error, CheckpointError) and exit_code(error) == 4
    assert str(error).startswith(f"{file}: ") and words in str(error) and "\n" not in str(error)
    assert not (tmp_path / "runs").exists() and not (tmp_path / "owned").exists()


def test_a_run_on_other_digits_is_where_training_starts(tmp_path: Path) -> None:
    _, failed = command(tmp_path, "name=others", "data.only_classes=[5, 6, 7, 8, 9]")
    assert failed is None
    said, failed = command(tmp_path, f"model.weights={tmp_path}/runs/others", "schedule.epochs=0.1")
    assert failed is None
    assert f"tensors from run {tmp_path}/runs/others/seed-0." in said


def first_good_epoch(run: Run, error: float = 5.0) -> float:
    return next(row["epoch"] or 0 for row in run.metrics() if row.get("val/error", 100) <= error)


@pytest.mark.slow
def test_transfer_to_other_digits_takes_fewer_epochs_than_a_start_from_scratch(tmp_path: Path) -> None:
    file = CONFIGS / "transfer_digits.yaml"

    def trained(seed: int, name: str, *options: str) -> Run:
        overrides = [f"name={name}", f"seed={seed}", "compute.device=cpu", "log.tensorboard=false", *options]
        return train(load_config(file, overrides), runs=tmp_path)

    scratch, transferred = [], []
    for seed in range(3):
        others = trained(seed, "others", "data.only_classes=[5, 6, 7, 8, 9]")
        scratch.append(first_good_epoch(trained(seed, "scratch")))
        transferred.append(first_good_epoch(trained(seed, "transferred", f"model.weights={others.path}")))
    assert sum(transferred) < sum(scratch), (transferred, scratch)
