"""Weights as other programs save them: wrappers, prefixes, other names, things beside them, safetensors."""

import argparse
import collections
import json
import pathlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from torch import Tensor, nn

from skiprun.config import ModelConfig
from skiprun.errors import CheckpointError
from skiprun.models import build_model
from skiprun.models.weights.pretrained import WeightReport, load_from_config, load_matching


def made(seed: int = 0, classes: int = 10, **options: Any) -> nn.Module:
    torch.manual_seed(seed)
    return build_model("resnet_cifar", classes, depth=8, width=4, **options)


GIVEN = made(seed=1).eval()
STATE = GIVEN.state_dict()


def behind(prefix: str, state: Mapping[str, Tensor] = STATE) -> dict[str, Tensor]:
    return {prefix + name: each for name, each in state.items()}


def loaded(file: Path, **options: Any) -> WeightReport:
    """Load a file into a network drawn otherwise, return what was found; outputs must be the given's."""
    model = made()
    config = ModelConfig.model_validate({"name": "resnet_cifar", "weights": str(file), **options})
    report = load_from_config(model, config)
    images = torch.rand(2, 3, 8, 8)
    assert torch.equal(model.eval()(images), GIVEN(images))
    assert report and not report.fresh and not report.unused
    return report


def refusal(file: Path) -> str:
    model = made()
    before = {name: each.clone() for name, each in model.state_dict().items()}
    with pytest.raises(CheckpointError) as caught:
        load_from_config(model, ModelConfig(name="resnet_cifar", weights=str(file)))
    assert all(torch.equal(each, before[name]) for name, each in model.state_dict().items())
    assert str(caught.value).startswith(f"{file}: ") and "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("key", "beside"),
    [
        ("model_state_dict", {"epoch": 3, "optimizer_state_dict": {}, "loss": 0.1}),
        ("model_state", {"epoch": 1}),
        ("net", {"acc": 93.0, "epoch": 199}),
        ("state_dict", {"epoch": 3, "arch": "resnet20", "best_acc1": torch.tensor(91.2)}),
        ("my_network", {"epoch": 3}),
        ("state_dict_ema", {"epoch": 3}),
    ],
)
@pytest.mark.parametrize("zipped", [True, False])
def test_a_wrapper_is_opened_and_what_stands_beside_is_counted(
    key: str, beside: dict[str, Any], zipped: bool, tmp_path: Path
) -> None:
    torch.save({key: behind("module."), **beside}, tmp_path / "w.pt", _use_new_zipfile_serialization=zipped)
    remark = f"Taken: '{key}' of the file; not used: {', '.join(beside)}."
    assert loaded(tmp_path / "w.pt").sentence == f"Loaded 44 of 44 tensors from {tmp_path}/w.pt. {remark}"


def test_of_weights_and_their_average_the_weights_are_taken_and_that_is_said(tmp_path: Path) -> None:
    torch.save({"state_dict_ema": made(seed=2).state_dict(), "state_dict": STATE}, tmp_path / "w.pt")
    assert "Taken: 'state_dict' of the file; not used: state_dict_ema." in loaded(tmp_path / "w.pt").sentence


def test_weights_are_found_three_levels_deep_and_no_deeper(tmp_path: Path) -> None:
    torch.save({"a": {"b": {"c": STATE}}}, tmp_path / "w.pt")
    assert not loaded(tmp_path / "w.pt").aside
    torch.save({"a": {"b": {"c": {"d": STATE}}}}, tmp_path / "w.pt")
    assert "holds no state dict of tensors" in refusal(tmp_path / "w.pt")


def test_of_two_networks_none_is_guessed(tmp_path: Path) -> None:
    torch.save({"generator": STATE, "discriminator": STATE}, tmp_path / "w.pt")
    assert "holds several state dicts (generator, discriminator); save the one that is meant" in (
        refusal(tmp_path / "w.pt")
    )
    torch.save({"first": {"model": STATE}, "second": {"model": STATE}}, tmp_path / "w.pt")
    assert "several state dicts (first.model, second.model)" in refusal(tmp_path / "w.pt")
    torch.save({"first": STATE, "second": {"third": STATE}}, tmp_path / "w.pt")
    assert "several state dicts (first, second.third)" in refusal(tmp_path / "w.pt")


@pytest.mark.parametrize(
    "prefix", ["model.", "net.", "module.", "_orig_mod.", "model._orig_mod.", "module.model.backbone.", "x."]
)
def test_any_prefix_of_all_names_is_taken_away(prefix: str, tmp_path: Path) -> None:
    torch.save({"state_dict": behind(prefix), "hyper_parameters": {"lr": 0.1}}, tmp_path / "w.ckpt")
    assert not loaded(tmp_path / "w.ckpt").aside


def test_what_a_lightning_module_holds_beside_its_network_is_counted(tmp_path: Path) -> None:
    state = behind("model.") | {"criterion.weight": torch.ones(10), "teacher.conv1.weight": torch.ones(1)}
    torch.save({"state_dict": state, "pytorch-lightning_version": "2.5.0"}, tmp_path / "w.ckpt")
    report = loaded(tmp_path / "w.ckpt")
    assert report.aside == ("criterion.weight", "teacher.conv1.weight")
    assert "Not used: criterion.weight, teacher.conv1.weight." in report.sentence


def test_counters_of_operations_are_left_and_said(tmp_path: Path) -> None:
    state = STATE | {"total_ops": torch.zeros(1), "layer1.0.conv1.total_params": torch.zeros(1)}
    torch.save(state, tmp_path / "w.pt")
    assert "Not used: total_ops, layer1.0.conv1.total_params." in loaded(tmp_path / "w.pt").sentence


@pytest.mark.parametrize("name", ["linear", "classifier", "head", "output.0"])
def test_the_last_layer_is_found_under_another_name(name: str, tmp_path: Path) -> None:
    torch.save(
        behind("module.", {key.replace("fc.", f"{name}."): each for key, each in STATE.items()}),
        tmp_path / "w",
    )
    assert f"Its '{name}' is the last layer here." in loaded(tmp_path / "w").sentence


def test_a_last_layer_for_other_classes_is_drawn_under_whatever_name(tmp_path: Path) -> None:
    state = made(classes=100).state_dict()
    report = load_matching(
        made(), {key.replace("fc.", "linear."): each for key, each in state.items()}, "weights"
    )
    assert set(report.fresh) == {"fc.weight", "fc.bias"} and not report.unused


@pytest.mark.parametrize("other", ["module.conv1.weight", "module._orig_mod.conv1.weight"])
def test_of_two_tensors_for_one_name_none_is_lost(other: str) -> None:
    with pytest.raises(CheckpointError, match=rf"{other}: not in the network"):
        load_matching(made(), {other: torch.zeros(4, 3, 3, 3), **STATE}, "weights")


def test_two_last_layers_are_not_guessed() -> None:
    state = {key.replace("fc.", "linear."): each for key, each in STATE.items()}
    with pytest.raises(CheckpointError, match="another architecture"):
        load_matching(
            made(), state | {"head.weight": torch.zeros(5, 16), "head.bias": torch.zeros(5)}, "weights"
        )


def test_projections_that_are_called_shortcuts_are_found() -> None:
    given = made(seed=1, shortcut="B")
    state = {key.replace("downsample", "shortcut"): each for key, each in given.state_dict().items()}
    assert any(".shortcut.0.weight" in key for key in state)
    model = made(shortcut="B")
    report = load_matching(model, state, "weights")
    assert not report.fresh and not report.unused
    assert torch.equal(model.layer2[0].downsample[0].weight, given.layer2[0].downsample[0].weight)


class Settings:
    """A class of another program."""


def test_objects_beside_the_weights_are_not_made(tmp_path: Path) -> None:
    beside = {
        "args": argparse.Namespace(lr=0.1, path=pathlib.Path("x")),
        "best_acc1": numpy.float64(91.2),
        "mean": numpy.zeros(3),
        "settings": Settings(),
        "counts": collections.defaultdict(int, a=1),
        "function": len,
    }
    allowed = set(torch.serialization.get_safe_globals())
    for zipped in (True, False):
        torch.save({"state_dict": STATE, **beside}, tmp_path / "w.pt", _use_new_zipfile_serialization=zipped)
        assert f"not used: {', '.join(beside)}." in loaded(tmp_path / "w.pt").sentence
    assert set(torch.serialization.get_safe_globals()) == allowed


class Told:
    """Would append a line to a file when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return (exec, (f"open({str(self.file)!r}, 'a').write('ran')",))


@pytest.mark.parametrize("zipped", [True, False])
def test_code_beside_the_weights_does_not_run(zipped: bool, tmp_path: Path) -> None:
    content = {"state_dict": STATE, "args": Told(tmp_path / "ran")}
    torch.save(content, tmp_path / "w.pt", _use_new_zipfile_serialization=zipped)
    loaded(tmp_path / "w.pt")
    assert not (tmp_path / "ran").exists()


def test_a_whole_network_is_refused_in_words(tmp_path: Path) -> None:
    torch.save(GIVEN, tmp_path / "w.pt")
    assert "holds a whole object, whose code is not run; save its state_dict()." in refusal(tmp_path / "w.pt")


def test_half_precision_is_widened(tmp_path: Path) -> None:
    torch.save(
        {name: each.half() if each.is_floating_point() else each for name, each in STATE.items()},
        tmp_path / "w",
    )
    model = made()
    load_from_config(model, ModelConfig(name="resnet_cifar", weights=str(tmp_path / "w")))
    assert model.fc.weight.dtype == torch.float32 and torch.allclose(
        model.get_parameter("fc.weight"), GIVEN.get_parameter("fc.weight"), atol=1e-3
    )


@pytest.mark.parametrize("kind", [torch.int8, torch.complex64])
def test_numbers_of_another_kind_are_not_taken_for_weights(kind: torch.dtype, tmp_path: Path) -> None:
    torch.save(STATE | {"layer1.0.conv1.weight": STATE["layer1.0.conv1.weight"].to(kind)}, tmp_path / "w.pt")
    assert "there, a real number here" in refusal(tmp_path / "w.pt")


def test_parameters_without_the_statistics_of_their_norms_are_refused(tmp_path: Path) -> None:
    torch.save(dict(GIVEN.named_parameters()), tmp_path / "w.pt")
    assert "bn1.running_mean: not in the weights" in refusal(tmp_path / "w.pt")


def test_a_deeper_network_of_the_same_family_is_refused(tmp_path: Path) -> None:
    torch.save(
        behind("model.", build_model("resnet_cifar", depth=14, width=4).state_dict()), tmp_path / "w.pt"
    )
    assert "layer1.1.conv1.weight: not in the network" in refusal(tmp_path / "w.pt")


def test_on_which_side_zeros_stand_is_said_to_be_unknown_of_a_file(tmp_path: Path) -> None:
    torch.save(STATE, tmp_path / "w.pt")
    said = loaded(tmp_path / "w.pt").notes
    assert len(said) == 2 and "model.shortcut=A_both pads on both sides" in said[1]
    assert len(loaded(tmp_path / "w.pt", shortcut="A").notes) == 1
    torch.save(made(seed=1, shortcut="B").state_dict(), tmp_path / "w.pt")
    projecting = load_from_config(
        made(shortcut="B"), ModelConfig(name="resnet_cifar", weights=str(tmp_path / "w.pt"))
    )
    assert not projecting.assumed


def as_safetensors(state: Mapping[str, Tensor], **changed: Any) -> bytes:
    """Return the bytes of a file as the format's page describes it."""
    kinds, header, body = {torch.float32: "F32", torch.int64: "I64", torch.float16: "F16"}, {}, b""
    for name, each in state.items():
        content = each.contiguous().numpy().tobytes()
        place = [len(body), len(body) + len(content)]
        header[name] = {"dtype": kinds[each.dtype], "shape": list(each.shape), "data_offsets": place}
        body += content
    text = json.dumps({"__metadata__": {"format": "pt"}, **header, **changed}).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + body


def test_safetensors_are_read(tmp_path: Path) -> None:
    (tmp_path / "w.safetensors").write_bytes(as_safetensors(behind("model.")))
    assert (
        loaded(tmp_path / "w.safetensors").sentence
        == f"Loaded 44 of 44 tensors from {tmp_path}/w.safetensors."
    )
    (tmp_path / "w.bin").write_bytes(as_safetensors(STATE))
    loaded(tmp_path / "w.bin")


@pytest.mark.parametrize(
    "entry",
    [
        {"dtype": "F32", "shape": [10**12], "data_offsets": [0, 4 * 10**12]},
        {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]},
        {"dtype": "F32", "shape": [-2, -2], "data_offsets": [0, 16]},
        {"dtype": "F8_E4M3", "shape": [4], "data_offsets": [0, 4]},
        {"dtype": "F32"},
        3,
    ],
)
def test_safetensors_that_claim_what_is_not_there_are_refused(entry: object, tmp_path: Path) -> None:
    (tmp_path / "w.safetensors").write_bytes(as_safetensors(STATE, more=entry))
    assert "not a whole file of plain weights" in refusal(tmp_path / "w.safetensors")


def test_safetensors_that_are_cut_short_or_too_long_are_refused(tmp_path: Path) -> None:
    content = as_safetensors(STATE)
    for damaged in (content[:-1], content[:100], content[:8], content + b"0"):
        (tmp_path / "w.safetensors").write_bytes(damaged)
        refusal(tmp_path / "w.safetensors")


def test_a_folded_network_of_another_program_gives_its_outputs(tmp_path: Path) -> None:
    wrapped = nn.Module()
    wrapped.net = GIVEN
    torch.save({"state_dict": wrapped.state_dict()}, tmp_path / "w.pt")
    loaded(tmp_path / "w.pt")
