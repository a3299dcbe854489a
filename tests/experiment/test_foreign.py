"""Checkpoints of other programs, scored by one command: equal to a forward pass without skiprun."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from sklearn.datasets import load_digits
from torch import Tensor, nn
from typer.testing import CliRunner

from skiprun.cli.app import app
from skiprun.errors import CheckpointError, InputError, exit_code
from skiprun.experiment import ForeignWeights, rebuild, rebuild_file, score, train
from tests.support.tiny import tiny_config


class PaddedBlock(nn.Module):
    """Two 3x3 convolutions beside every second pixel, a quarter of the new channels as zeros on each side."""

    def __init__(self, inside: int, outside: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inside, outside, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outside)
        self.conv2 = nn.Conv2d(outside, outside, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outside)
        self.widens = inside != outside

    def forward(self, x: Tensor) -> Tensor:
        out = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.widens:
            quarter = out.shape[1] // 4
            x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, quarter, quarter))
        return F.relu(out + x)


class OtherResNet20(nn.Module):
    """The layout of most published CIFAR networks: option A on both sides, and `linear` at the end."""

    def __init__(self, channels: int = 3, classes: int = 10) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = nn.Sequential(*(PaddedBlock(16, 16, 1) for _ in range(3)))
        self.layer2 = nn.Sequential(PaddedBlock(16, 32, 2), PaddedBlock(32, 32, 1), PaddedBlock(32, 32, 1))
        self.layer3 = nn.Sequential(PaddedBlock(32, 64, 2), PaddedBlock(64, 64, 1), PaddedBlock(64, 64, 1))
        self.linear = nn.Linear(64, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.layer3(self.layer2(self.layer1(F.relu(self.bn1(self.conv1(x))))))
        return self.linear(F.avg_pool2d(x, x.shape[3]).flatten(1))


def trained(channels: int, classes: int) -> nn.Module:
    """Return a network whose norms have seen something, so that it is not the same on every image."""
    torch.manual_seed(0)
    network = OtherResNet20(channels, classes).train()
    for _ in range(3):
        network(torch.randn(64, channels, 8, 8) + 0.5)
    return network.eval()


def save_as_published(network: nn.Module, file: Path) -> None:
    """Write a network as its training script does, behind DataParallel, in the format of torch 1.0."""
    state = {
        f"module.{name}": value for name, value in network.state_dict().items() if "num_batches" not in name
    }
    torch.save({"state_dict": state, "best_prec1": 91.73}, file, _use_new_zipfile_serialization=False)


def command(*words: object) -> tuple[Any, BaseException | None]:
    """Run `skiprun evaluate`, and return its document and its error."""
    done = CliRunner().invoke(app, ["evaluate", *map(str, words), "--json"])
    return json.loads(done.stdout) if done.exception is None else None, done.exception


def refusal(*words: object) -> str:
    _, error = command(*words)
    assert isinstance(error, Exception) and "\n" not in str(error)
    return f"{exit_code(error)} {error}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of colour images of three classes, with three test images of each."""
    chance = np.random.default_rng(0)
    for split, count in (("train", 6), ("test", 3)):
        for label, name in enumerate(("blue", "green", "red")):
            for number in range(count):
                pixels = chance.integers(0, 120, (8, 8, 3), np.uint8)
                pixels[..., 2 - label] += 100
                file = tmp_path / "data" / split / name / f"{number}.png"
                file.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels).save(file)
    return tmp_path / "data"


def test_published_weights_are_scored_as_an_independent_forward_pass_scores_them(
    folder: Path, tmp_path: Path
) -> None:
    network = trained(3, 3)
    save_as_published(network, tmp_path / "resnet20.th")
    files = sorted((folder / "test").glob("*/*.png"))
    pixels = np.stack([np.asarray(Image.open(file)) for file in files]) / 255
    labels = torch.arange(3).repeat_interleave(3)
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    logits = network(torch.tensor((pixels - mean) / std, dtype=torch.float32).permute(0, 3, 1, 2)).detach()

    place = [
        "--data",
        "image_folder",
        "--root",
        folder,
        "--set",
        "data.image_size=8",
        "--set",
        "compute.device=cpu",
    ]
    words = [
        "--model",
        "resnet20:shortcut=A_both",
        *place,
        "--mean",
        "0.485,0.456,0.406",
        "--std",
        "0.229,0.224,0.225",
    ]
    found, error = command(tmp_path / "resnet20.th", *words)
    assert error is None
    assert found["loss"] == pytest.approx(F.cross_entropy(logits, labels).item(), rel=1e-5)
    assert found["error"] == pytest.approx(100 * (logits.argmax(1) != labels).double().mean().item())
    said = "Its 'linear' is the last layer here. Taken: 'state_dict' of the file; not used: best_prec1."
    assert found["notes"] == [f"Loaded 97 of 97 tensors from {tmp_path}/resnet20.th. {said}"]


def test_the_logits_of_digits_are_those_of_the_other_network(tmp_path: Path) -> None:
    network = trained(1, 10)
    save_as_published(network, tmp_path / "w.th")
    parts = rebuild_file(
        ForeignWeights(
            tmp_path / "w.th",
            "resnet20:shortcut=A_both",
            "digits",
            mean=[0.3],
            std=[0.4],
            overrides=["compute.device=cpu"],
        )
    )
    images, _ = next(parts.loaders.batches("test", 50))
    assert torch.allclose(parts.model(images), network(images), atol=1e-4)
    assert parts.evaluation_batch_size >= 128, (
        "as if it were trained as usual, although no split is too small"
    )
    rows = np.rint(load_digits().images * 255 / 16) / 255
    assert any(np.allclose(images[0, 0].numpy() * 0.4 + 0.3, row, atol=0.01) for row in rows)
    padded_at_the_end = rebuild_file(
        ForeignWeights(
            tmp_path / "w.th",
            "resnet20:shortcut=A",
            "digits",
            mean=[0.3],
            std=[0.4],
            overrides=["compute.device=cpu"],
        )
    )
    assert not torch.allclose(padded_at_the_end.model(images), network(images), atol=0.1)


def test_on_which_side_zeros_stand_must_be_said(tmp_path: Path) -> None:
    save_as_published(trained(1, 10), tmp_path / "w.th")
    said = refusal(tmp_path / "w.th", "--model", "resnet20", "--data", "digits")
    assert said.startswith(f"2 {tmp_path}/w.th: Weights do not tell on which side option A pads")
    assert said.endswith("Say which it is, as --model resnet20:shortcut=A_both.")
    assert "taken" not in said, "nothing is taken where it is refused"


def test_another_number_of_classes_and_another_depth_are_refused(tmp_path: Path) -> None:
    save_as_published(trained(1, 100), tmp_path / "w.th")
    said = refusal(tmp_path / "w.th", "--model", "resnet20:shortcut=A_both", "--data", "digits")
    assert said.startswith(f"4 {tmp_path}/w.th: not the whole of resnet20 for the 10 classes of digits: ")
    assert "fc.weight ([100, 64] there, [10, 64] here)" in said
    assert "4 " in refusal(tmp_path / "w.th", "--model", "resnet32:shortcut=A_both", "--data", "digits")
    save_as_published(trained(1, 10), tmp_path / "w.th")
    gated = refusal(
        tmp_path / "w.th", "--model", "resnet20:shortcut=A_both,connection=highway", "--data", "digits"
    )
    assert "layer1.0.connection." in gated and "What would be drawn or left out is not scored." in gated


def test_what_a_projection_needs_is_not_left_out(tmp_path: Path) -> None:
    from skiprun import build_model

    torch.save(build_model("resnet20", in_channels=1, shortcut="B").state_dict(), tmp_path / "w.pt")
    said = refusal(tmp_path / "w.pt", "--model", "resnet20:shortcut=A", "--data", "digits")
    assert "layer2.0.downsample.0.weight" in said
    found, error = command(tmp_path / "w.pt", "--model", "resnet20:shortcut=B", "--data", "digits")
    assert error is None and 0 <= found["error"] <= 100


def test_normalization_that_is_not_given_is_said(tmp_path: Path) -> None:
    save_as_published(trained(1, 10), tmp_path / "w.th")
    words = [tmp_path / "w.th", "--model", "resnet20:shortcut=A_both", "--data", "digits"]
    found, _ = command(*words)
    assert "Normalized as this training split is, mean 0.3" in found["notes"][-1]
    assert "give --mean and --std" in found["notes"][-1] and len(found["mean"]) == 1
    found, _ = command(*words, "--mean", "0", "--std", "1")
    assert (found["mean"], found["std"]) == ([0.0], [1.0]) and not any(
        "Normalized" in note for note in found["notes"]
    )


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["--mean", "0.5,0.5,0.5"], "2 --mean: found 0.5,0.5,0.5; write one number"),
        (["--std", "0"], "2 --std: found 0; write one number, above 0"),
        (["--std", "nan"], "2 --std: found nan; write one number, above 0"),
        (["--mean", "grey"], "2 --mean: found 'grey'; write numbers with commas"),
        (["--other-data"], "2 --other-data is for a RUN"),
        (
            ["--set", "data.name=nothing"],
            "2 --set data.name=nothing: --data says it; leave it out. Allowed: keys of data",
        ),
        (["--set", "data={name: cells}"], "2 --set data={name: cells}: no score depends on it"),
        (["--set", "data.augment.crop=1"], "2 --set data.augment.crop=1: nothing is trained"),
        (["--set", "data.nam=cells"], "2 --set data.nam: unknown key. Did you mean 'name'?"),
        (["--set", "model.name=plain20"], "2 --set model.name=plain20: --model says it"),
        (["--set", "model.weights=null"], "2 --set model.weights=null: FILE says them"),
        (["--set", "model.depth=20"], "2 --set model.depth=20: say it with --model"),
        (["--set", "optim.accumulate=4"], "2 --set optim.accumulate=4: no score depends on it"),
        (["--set", "schedule.epochs=4"], "2 --set schedule.epochs=4: no score depends on it"),
        (["--set", "shortcut=B"], "2 --set shortcut: unknown key"),
        (["--set", "batch_size=2"], "2 --set batch_size: unknown key"),
        (
            ["--model", "resnet20:weights=other.pt"],
            "2 --model resnet20:weights=other.pt: model.weights=other.pt is no option",
        ),
        (
            ["--model", "resnet20:name=plain20"],
            "2 --model resnet20:name=plain20: model.name=plain20 is no option",
        ),
        (
            ["--model", "resnet20:freeze=stem"],
            "2 --model resnet20:freeze=stem: model.freeze=stem is no option",
        ),
    ],
)
def test_options_that_do_not_fit_are_refused(given: list[str], words: str, tmp_path: Path) -> None:
    save_as_published(trained(1, 10), tmp_path / "w.th")
    assert refusal(
        tmp_path / "w.th", "--model", "resnet20:shortcut=A", "--data", "digits", *given
    ).startswith(words)


def test_a_batch_that_is_chosen_is_taken(tmp_path: Path) -> None:
    save_as_published(trained(1, 10), tmp_path / "w.th")
    given = (tmp_path / "w.th", "resnet20:shortcut=A_both", "digits")
    usual, chosen = (
        rebuild_file(ForeignWeights(*given, overrides=overrides)) for overrides in ((), ["data.batch_size=2"])
    )
    assert (usual.config.data.batch_size, chosen.config.data.batch_size) == (128, 2)
    assert chosen.evaluation_batch_size < usual.evaluation_batch_size
    assert score(chosen, "test") == pytest.approx(score(usual, "test"))


def test_a_file_needs_its_model_and_a_run_needs_none(tmp_path: Path) -> None:
    save_as_published(trained(1, 10), tmp_path / "w.th")
    for given in ([], ["--model", "resnet20"], ["--data", "digits"], ["--mean", "0.5"]):
        said = refusal(tmp_path / "w.th", *given)
        assert said.startswith(f"2 {tmp_path}/w.th: a file of weights needs --model and --data"), given
    assert "and takes no --mean" in refusal(tmp_path, "--mean", "0.5")


def test_the_weights_of_a_run_are_scored_as_the_run_is(tmp_path: Path) -> None:
    config = tiny_config(
        data={"name": "digits", "batch_size": 64}, compute={"device": "cpu", "precision": "fp32"}
    )
    run = train(config, runs=tmp_path)
    model = config.model
    name = f"{model.name}:depth={model.depth},width={model.width}"
    for file, shortcut in ((run.path, ""), (run.checkpoints / "best.pt", ",shortcut=A")):
        parts = rebuild_file(
            ForeignWeights(file, name + shortcut, "digits", overrides=["compute.device=cpu"])
        )
        assert score(parts, "test") == pytest.approx(score(rebuild(run), "test"), rel=1e-6)
    with pytest.raises(InputError, match=r"were trained with model\.shortcut=A, and here it is A_both"):
        rebuild_file(ForeignWeights(run.path, f"{name},shortcut=A_both", "digits"))


def test_the_python_way_raises_the_same_errors(tmp_path: Path) -> None:
    save_as_published(trained(1, 100), tmp_path / "w.th")
    with pytest.raises(CheckpointError, match="not the whole of resnet20"):
        rebuild_file(ForeignWeights(tmp_path / "w.th", "resnet20:shortcut=A", "digits"))
    with pytest.raises(InputError, match="No dataset is called 'digit'"):
        rebuild_file(ForeignWeights(tmp_path / "w.th", "resnet20:shortcut=A", "digit"))
