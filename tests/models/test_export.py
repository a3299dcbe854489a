"""Files of networks compute what the networks compute, in every family and with every connection."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from skiprun.connections.fade import make_fadable, set_skip_strength
from skiprun.errors import InputError, SkiprunError
from skiprun.models import build_model
from skiprun.models.export.base import Format
from skiprun.models.export.formats import FORMATS
from skiprun.models.export.graphs import ONNX, PT2
from skiprun.registry import CONNECTIONS, MODELS
from tests.support import ROOT

FACTS = {"classes": json.dumps(["cat", "dog"]), "mean": "[0.5]"}
# One of each family, small; connections and options that change what is computed.
RESNET = "resnet_cifar:depth=8,width=4"
DEFAULT = ["densenet_cifar:depth=10,growth=4", "unet:width=4"]
SIDES = {"alexnet": 96, "mobilenet_v1": 64, "mobilenet_v2": 64, "mobilenet_v3_small": 64, "densenet121": 64}
SIDES |= {"vgg11": 64, "vgg11_bn": 64, "efficientnet_b0": 64}
# ConvNeXt is not proved alike for all sizes; AlexNet's pooling is, and becomes another one in ONNX.
ONE_SIZE = ("convnext_tiny", "alexnet")
FAMILIES = {
    *("resnet50:stem=small", "resnet18:stem=small", "preact20", "highway20", "highway_full19", "wrn16_4"),
    *("resnext29_1x64d", "densenet121", "mobilenet_v1", "mobilenet_v2", "mobilenet_v3_small"),
    *("efficientnet_b0", "convnext_tiny", "vgg11", "vgg11_bn", "alexnet"),
    *("unetplusplus:width=4", "resunet:width=4", "fcn_resnet50", "deeplabv3_resnet50"),
    *("unet:width=4,connection=attention_gate", "resnet20:shortcut=A_both", "resnet20:shortcut=B"),
}


def network(words: str) -> nn.Module:
    """Return a network of words as the command line has them, with outputs that are not all alike."""
    name, _, options = words.partition(":")
    torch.manual_seed(0)
    pairs = [each.split("=") for each in options.split(",") if each]
    given: dict[str, Any] = {key: int(value) if value.isdecimal() else value for key, value in pairs}
    model = build_model(name, 5, 3, **given)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    return model.eval()


@torch.no_grad()
def gap(form: Format, model: nn.Module, folder: Path, side: int = 32, larger: bool = True) -> float:
    """Return the largest difference of a file's outputs, as a share of the largest output."""
    file = folder / "file"
    file.write_bytes(form.write(model, torch.randn(3, 3, side, side), FACTS, larger))
    gaps = []
    for height, width in ((side, side), (2 * side + 1, 2 * side + 3))[: 1 + larger]:
        more = torch.randn(5, 3, height, width)  # a batch of another size than the example
        expected = model(more)
        gaps.append((form.outputs(file, more, model) - expected).abs().max() / expected.abs().max())
    return max(gaps).item()


def needs(form: Format) -> None:
    for package in form.needs:
        pytest.importorskip(package, reason=f"{form.name} needs {package}: pip install 'skiprun[export]'")


@pytest.mark.parametrize(
    "words", [*DEFAULT, *(pytest.param(each, marks=pytest.mark.slow) for each in sorted(FAMILIES))]
)
def test_onnx_computes_the_same_in_onnxruntime(words: str, tmp_path: Path) -> None:
    needs(ONNX)
    model, side = network(words), SIDES.get(words, 32)
    assert gap(ONNX, model, tmp_path, side, words not in ONE_SIZE) < 1e-5
    if words in ONE_SIZE:
        with pytest.raises((SkiprunError, AssertionError)):
            assert gap(ONNX, model, tmp_path, side) < 1e-5


@pytest.mark.parametrize("words", [pytest.param(each, marks=pytest.mark.slow) for each in sorted(FAMILIES)])
def test_pt2_computes_the_same_bits(words: str, tmp_path: Path) -> None:
    larger = words not in ONE_SIZE or words == "alexnet"
    assert gap(PT2, network(words), tmp_path, SIDES.get(words, 32), larger) == 0


@pytest.mark.slow
def test_every_family_is_looked_at() -> None:
    looked_at = {MODELS[words.partition(":")[0]].info.family for words in (RESNET, *DEFAULT, *FAMILIES)}
    assert looked_at == {entry.info.family for entry in MODELS}


@pytest.mark.slow
@pytest.mark.parametrize("connection", [entry.name for entry in CONNECTIONS])
def test_every_connection_is_written(connection: str, tmp_path: Path) -> None:
    needs(ONNX)
    fits = next(n for n in ("resnet_cifar", "unet") if MODELS[n].info.fits(CONNECTIONS[connection].target))
    options = "depth=8,width=4" if fits == "resnet_cifar" else "width=4"
    assert gap(ONNX, network(f"{fits}:{options},connection={connection}"), tmp_path) < 1e-5


@pytest.mark.slow
def test_a_faded_shortcut_and_switched_off_sites_are_as_they_were_trained(tmp_path: Path) -> None:
    needs(ONNX)
    model = build_model("resnet_cifar", 5, 3, depth=8, width=4, connections={"0": "none"}).eval()
    make_fadable(model)
    set_skip_strength(model, 0.25)
    assert gap(ONNX, model, tmp_path) < 1e-5


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return a small ResNet in every format."""
    folder, model = tmp_path_factory.mktemp("files"), network(RESNET)
    files = {name: folder / name for name in FORMATS}
    for name, file in files.items():
        needs(FORMATS[name])
        file.write_bytes(FORMATS[name].write(model, torch.randn(1, 3, 16, 16), FACTS, True))
    return files


@torch.no_grad()
@pytest.mark.parametrize("name", FORMATS)
def test_each_file_computes_the_same(name: str, files: dict[str, Path]) -> None:
    model, images = network(RESNET), torch.randn(5, 3, 16, 16)
    expected, found = model(images), FORMATS[name].outputs(files[name], images, network(RESNET))
    assert (found - expected).abs().max() < (1e-5 if name == "onnx" else 1e-12)


def test_the_metadata_is_in_each_file(files: dict[str, Path]) -> None:
    import onnx
    from safetensors import safe_open

    graph = onnx.load(files["onnx"])
    onnx.checker.check_model(graph)
    assert {each.key: each.value for each in graph.metadata_props} == FACTS
    sizes = graph.graph.input[0].type.tensor_type.shape.dim
    assert [each.dim_param or each.dim_value for each in sizes] == ["batch", 3, "height", "width"]
    extra = {"skiprun.json": ""}
    torch.export.load(files["pt2"], extra_files=extra)
    assert json.loads(extra["skiprun.json"]) == FACTS
    with safe_open(files["safetensors"], "pt") as opened:
        assert opened.metadata() == FACTS
    assert torch.load(files["state-dict"], weights_only=True)["metadata"] == FACTS


def test_no_file_tells_where_the_code_lies_on_this_machine(files: dict[str, Path]) -> None:
    assert all(str(ROOT).encode() not in file.read_bytes() for file in files.values())


def test_a_missing_package_is_told_with_its_way_out() -> None:
    form = Format("A format", ("no_such_package",), ONNX.write, ONNX.outputs)
    with pytest.raises(
        InputError, match=r"needs no_such_package; install with `pip install 'skiprun\[export\]'`"
    ):
        form.check_installed()
