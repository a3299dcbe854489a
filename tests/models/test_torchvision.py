"""Our networks are torchvision's where both have them: same names, shapes, and outputs from same weights."""

import pytest
import torch

from skiprun.models import build_model, cost
from skiprun.registry import MODELS
from skiprun.system.torchvision_repair import torchvision

SHARED = [
    "resnet18",
    "resnet50",
    "resnext50_32x4d",
    "densenet121",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "mobilenet_v3_large",
    "efficientnet_b0",
    "convnext_tiny",
    "alexnet",
]
REST = [
    "vgg11_bn",
    "resnet34",
    "resnet101",
    "resnet152",
    "resnext101_32x8d",
    "resnext101_64x4d",
    "wide_resnet50_2",
    "wide_resnet101_2",
]
REST += [
    "densenet161",
    "densenet169",
    "densenet201",
    "vgg11",
    "vgg13",
    "vgg16",
    "vgg19",
    "vgg13_bn",
    "vgg16_bn",
]
REST += ["vgg19_bn", "convnext_small", "convnext_base", "convnext_large"]
REST += [
    f"efficientnet_{size}" for size in ("b1", "b2", "b3", "b4", "b5", "b6", "b7", "v2_s", "v2_m", "v2_l")
]


@pytest.mark.parametrize("name", [*SHARED, *(pytest.param(name, marks=pytest.mark.slow) for name in REST)])
def test_weights_and_outputs_are_those_of_torchvision(name: str) -> None:
    torch.manual_seed(0)
    theirs = torchvision.models.get_model(name, weights=None, num_classes=7)
    ours = build_model(name, 7)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict())
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        for model in (ours, theirs):
            model.eval()
        assert torch.equal(ours(images), theirs(images))
        # In training too, with the same random numbers for dropout and stochastic depth.
        outputs = []
        for model in (ours, theirs):
            torch.manual_seed(1)
            outputs.append(model.train()(images))
        assert torch.equal(*outputs)


@pytest.mark.parametrize(
    "name", ["mobilenet_v2", "mobilenet_v3_small", "efficientnet_b0", "convnext_tiny", "alexnet"]
)
def test_a_borrowed_network_is_drawn_as_torchvision_draws_it(name: str) -> None:
    torch.manual_seed(0)
    theirs = torchvision.models.get_model(name, weights=None, num_classes=10)
    torch.manual_seed(0)
    ours = build_model(name)
    assert all(torch.equal(value, theirs.state_dict()[key]) for key, value in ours.state_dict().items())


@pytest.mark.parametrize("name", [*SHARED, *REST])
def test_counts_are_those_that_torchvision_publishes(name: str) -> None:
    published = next(iter(torchvision.models.get_model_weights(name))).meta
    with torch.device("meta"):
        found = cost(build_model(name, 1000), MODELS[name].info.input)
    assert found.parameters == published["num_params"]
    assert found.macs / 1e9 == pytest.approx(published["_ops"], abs=0.0006)


@pytest.mark.parametrize("name", ["fcn_resnet50", "deeplabv3_resnet50"])
def test_networks_for_masks_have_the_weights_and_outputs_of_torchvision(name: str) -> None:
    torch.manual_seed(0)
    theirs = torchvision.models.get_model(
        name, weights=None, weights_backbone=None, num_classes=5, aux_loss=False
    )
    torch.manual_seed(0)
    ours = build_model(name, 5)
    assert all(torch.equal(value, theirs.state_dict()[key]) for key, value in ours.state_dict().items())
    images = torch.randn(1, 3, 48, 40)
    with torch.no_grad():
        assert torch.equal(ours.eval()(images), theirs.eval()(images)["out"])
