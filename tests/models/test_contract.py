"""What every registered architecture keeps, on small images: to register a file is to have it tested."""

import copy
from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from skiprun.connections import sites
from skiprun.models import build_model
from skiprun.models.complexity.cost import weighted_layers
from skiprun.models.complexity.meta import without_content
from skiprun.models.layers.block import Block
from skiprun.models.options import options_of
from skiprun.models.surgery import connections_that_fit
from skiprun.registry import CONNECTIONS, MODELS
from skiprun.system.torchvision_repair import torchvision

# More than a second on one core for the whole contract; their families have a smaller member that always
# runs.
LARGE = (
    ["resnet110", "plain110", "highway110", "preact110", "preact164", "preact1001", "resnet1202", "plain1202"]
    + [f"{kind}{depth}" for kind in ("plain", "resnet") for depth in (34, 50, 101, 152)]
    + ["resnext50_32x4d", "resnext101_32x8d", "resnext101_64x4d", "wide_resnet50_2", "wide_resnet101_2"]
    + ["resnext29_2x64d", "resnext29_4x64d", "resnext29_8x64d", "resnext29_16x64d", "resnext29_1x64d"]
    + ["wrn16_8", "wrn22_8", "wrn28_10", "wrn40_2", "wrn40_4", "wrn28_2"]
    + ["densenet100_12", "densenet100_24", "densenet_bc_100_12", "densenet_bc_250_24", "densenet_bc_190_40"]
    + ["densenet121", "densenet161", "densenet169", "densenet201"]
    + [
        "fcn_resnet50",
        "deeplabv3_resnet50",
        "convnext_tiny",
        "vgg11_bn",
        "vgg11",
        "vgg13",
        "vgg13_bn",
        "vgg16",
        "vgg16_bn",
        "vgg19",
        "vgg19_bn",
        "convnext_small",
        "convnext_base",
    ]
    + ["convnext_large", "efficientnet_v2_s", "efficientnet_v2_m", "efficientnet_v2_l"]
    + [f"efficientnet_b{number}" for number in range(1, 8)]
)
# Its gradient grows by 1.17 a layer (1.17 ** 1202 = 1e82), past what float32 can hold (1e38).
BEYOND_FLOAT32 = {"plain1202"}


def marked(name: str) -> Any:
    return pytest.param(name, marks=[pytest.mark.slow] if name in LARGE else [])


def made(name: str, **options: Any) -> nn.Module:
    """Build a network for small images with 5 classes."""
    torch.manual_seed(0)
    if "stem" in options_of(MODELS[name].target):
        options.setdefault("stem", "small")
    if MODELS[name].info.task == "segmentation" and "width" in options_of(MODELS[name].target):
        options.setdefault("width", 8)
    return build_model(name, 5, **options)


def batch(name: str) -> tuple[Tensor, Tensor]:
    """Return four images of the smallest size that the family takes and learns from, and labels or masks."""
    generator = torch.Generator().manual_seed(1)
    size = 16 if MODELS[name].info.input[1] == 32 else 32
    images = torch.randn(4, 3, size, size, generator=generator)
    labels = torch.randint(5, (4,), generator=generator)
    if MODELS[name].info.task == "segmentation":
        # One class an image: some see an eighth of its size, and cannot tell neighbouring pixels apart.
        return images, labels.view(4, 1, 1).expand(4, size, size)
    return images, labels


def without_chance(model: nn.Module) -> nn.Module:
    """Return a network that trains without dropout and stochastic depth."""
    for module in model.modules():
        if "Dropout" in type(module).__name__ or isinstance(module, torchvision.ops.StochasticDepth):
            module.eval()
    return model


def first_gradient(model: nn.Module) -> Tensor | None:
    first = next(iter(weighted_layers(model).values()))
    return first.get_parameter("weight").grad


def starts_inside_a_block(model: nn.Module) -> bool:
    first = next(iter(weighted_layers(model)))
    return any(
        first.startswith(f"{path}.") for path, each in model.named_modules() if isinstance(each, Block)
    )


@pytest.mark.parametrize("name", [marked(name) for name in MODELS.names()])
def test_contract(name: str) -> None:
    model = without_chance(made(name))
    images, targets = batch(name)

    output = model(images)
    assert output.shape == (4, 5, *targets.shape[1:])
    loss = nn.functional.cross_entropy(output, targets)
    assert loss.isfinite()

    loss.backward()
    gradient = first_gradient(model)
    if name in BEYOND_FLOAT32:
        assert not gradient.isfinite().all()
        return
    assert gradient.isfinite().all()
    assert gradient.abs().sum() > 0, "no gradient reaches the first layer"

    saved = copy.deepcopy(model.state_dict())
    assert any(loss_after_step(model, saved, lr, images, targets) < loss for lr in (1e-3, 1e-4, 1e-5, 1e-6))

    torch.manual_seed(7)
    again = made(name)
    again.load_state_dict(saved)
    assert all(torch.equal(value, saved[key]) for key, value in again.state_dict().items())
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        assert again(images).isfinite().all()


def loss_after_step(
    model: nn.Module, start: Mapping[str, Tensor], lr: float, images: Tensor, targets: Tensor
) -> Tensor:
    """Take one step from given weights along the gradient at hand, and return the loss that follows."""
    model.load_state_dict(start)
    torch.optim.AdamW(model.parameters(), lr=lr).step()
    with torch.no_grad():
        return nn.functional.cross_entropy(model(images), targets)


@pytest.mark.parametrize("name", [marked(name) for name in MODELS.names()])
def test_grey_images_have_one_channel(name: str) -> None:
    with torch.device("meta"):
        output = build_model(name, in_channels=1)(torch.empty(2, 1, *MODELS[name].info.input[1:]))
    assert output.shape[:2] == (2, 10)


# One small member of each family of classifiers that has sites.
MEMBERS: dict[str, str] = {}
for _entry in MODELS:
    if _entry.info.connection and _entry.info.task == "classification" and _entry.name not in LARGE:
        MEMBERS.setdefault(_entry.info.family, _entry.name)
MEMBERS |= {"convnext": "convnext_tiny", "densenet": "densenet121", "resnet": "resnet18"}
PAIRS = [
    pytest.param(name, fit, marks=[pytest.mark.slow] if name == "convnext_tiny" and fit != "none" else [])
    for name in MEMBERS.values()
    for fit in connections_that_fit(MODELS[name])
]


@pytest.mark.parametrize(("name", "connection"), PAIRS)
def test_every_connection_that_fits_a_family_learns_in_it(name: str, connection: str) -> None:
    model = made(name, connection=connection)
    assert sites(model), "a family that takes a connection has sites"
    assert {type(site) for site in sites(model).values()} == {CONNECTIONS[connection].target}
    assert [site.site.index for site in sites(model).values()] == list(range(len(sites(model))))
    assert all(site.site.total == len(sites(model)) for site in sites(model).values())
    images, targets = batch(name)
    nn.functional.cross_entropy(model(images), targets).backward()
    assert all(each.grad is None or each.grad.isfinite().all() for each in model.parameters())
    # A branch may begin at zero or be left out, but what stands before it must learn.
    if not starts_inside_a_block(model):
        assert first_gradient(model).abs().sum() > 0


@pytest.mark.parametrize("name", MEMBERS.values())
def test_surgery_changes_one_site_and_no_other(name: str) -> None:
    own = MODELS[name].info.connection
    with without_content():
        last = len(sites(made(name))) - 1
        kinds = [type(site) for site in sites(made(name, connections={str(last): "none"})).values()]
    expected = [CONNECTIONS[own].target] * len(kinds)
    expected[-1] = CONNECTIONS["none"].target
    assert kinds == expected


NORMED = [entry.name for entry in MODELS if "norm" in options_of(entry.target) and entry.name not in LARGE]


@pytest.mark.parametrize("name", NORMED)
@pytest.mark.parametrize("norm", ["none", "group", "layer"])
def test_norms_replace_batch_norm_everywhere(name: str, norm: str) -> None:
    with without_content():
        kinds = {type(module) for module in made(name, norm=norm).modules()}
    assert nn.BatchNorm2d not in kinds
    assert (nn.GroupNorm in kinds) == (norm != "none")


USUAL = (nn.ReLU, nn.ReLU6, nn.GELU, nn.SiLU, nn.Hardswish)
MIXED = [
    pytest.param(name, marks=[pytest.mark.slow] if name in LARGE else [])
    for name in (*MEMBERS.values(), "mobilenet_v3_large")
    if "activation" in options_of(MODELS[name].target)
]


@pytest.mark.parametrize("name", MIXED)
def test_an_activation_replaces_the_own_everywhere_and_learns(name: str) -> None:
    with without_content():
        assert not any(isinstance(module, USUAL) for module in made(name, activation="elu").modules())
    bare = {"norm": "none"} if "norm" in options_of(MODELS[name].target) else {}
    model = made(name, activation="relu", **bare)
    images, targets = batch(name)
    nn.functional.cross_entropy(model(images), targets).backward()
    assert first_gradient(model).isfinite().all() and first_gradient(model).abs().sum() > 0


def test_networks_marked_as_large_exist() -> None:
    assert set(LARGE) <= set(MODELS.names())
