"""What architectures keep, on small images: to register a file is to have it tested."""

from typing import Any

import pytest
from torch import nn

from skiprun.connections import sites
from skiprun.experiment.contracts import Contract, Subject, contracts_of, models
from skiprun.experiment.contracts.model_trial import batch, small_model
from skiprun.experiment.contracts.training_step import first_gradient, starts_inside_a_block
from skiprun.models.complexity.meta import without_content
from skiprun.models.options import options_of
from skiprun.models.surgery import connections_that_fit
from skiprun.registry import CONNECTIONS, MODELS

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


@pytest.mark.parametrize("contract", contracts_of("model"), ids=lambda contract: contract.test.__name__)
@pytest.mark.parametrize("name", [marked(name) for name in MODELS.names()])
def test_every_architecture_keeps_its_contracts(name: str, contract: Contract) -> None:
    outcome = contract.outcome(Subject("model", MODELS[name]))
    if name in BEYOND_FLOAT32 and contract.test is models.learns:
        assert "is not finite" in outcome.why
    else:
        assert outcome.kept is not False, outcome.why


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
    model = small_model(name, connection=connection)
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
        last = len(sites(small_model(name))) - 1
        kinds = [type(site) for site in sites(small_model(name, connections={str(last): "none"})).values()]
    expected = [CONNECTIONS[own].target] * len(kinds)
    expected[-1] = CONNECTIONS["none"].target
    assert kinds == expected


NORMED = [entry.name for entry in MODELS if "norm" in options_of(entry.target) and entry.name not in LARGE]


@pytest.mark.parametrize("name", NORMED)
@pytest.mark.parametrize("norm", ["none", "group", "layer"])
def test_norms_replace_batch_norm_everywhere(name: str, norm: str) -> None:
    with without_content():
        kinds = {type(module) for module in small_model(name, norm=norm).modules()}
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
        assert not any(isinstance(module, USUAL) for module in small_model(name, activation="elu").modules())
    bare = {"norm": "none"} if "norm" in options_of(MODELS[name].target) else {}
    model = small_model(name, activation="relu", **bare)
    images, targets = batch(name)
    nn.functional.cross_entropy(model(images), targets).backward()
    assert first_gradient(model).isfinite().all() and first_gradient(model).abs().sum() > 0


def test_networks_marked_as_large_exist() -> None:
    assert set(LARGE) <= set(MODELS.names())
