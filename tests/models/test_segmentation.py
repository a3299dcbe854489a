"""Networks for masks: published counts, any size of image, skips by level and by connection."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from skiprun.connections import sites
from skiprun.connections.attention_gate import AttentionGate
from skiprun.connections.none import NoConnection
from skiprun.errors import OptionError
from skiprun.models import build_model, cost
from skiprun.tasks.segmentation import Segmentation

COUNTS = [
    # 3 channels in, two classes on one logit out, at 256x256: parameters and multiply-adds.
    ({}, 31_037_633, 48_167_387_136),
    ({"bias": True}, 31_043_521, 48_167_387_136),
    ({"norm": "none"}, 31_031_745, 48_167_387_136),
    ({"one_logit": False}, 31_037_698, 48_171_581_440),
    ({"connection": "none"}, 27_904_193, 38_503_710_720),
    ({"skip_levels": "0000"}, 27_904_193, 38_503_710_720),
    ({"width": 32}, 7_763_041, 12_071_206_912),
    ({"width": 16}, 1_942_577, 3_032_481_792),
    ({"width": 32, "norm": "none"}, 7_760_097, None),
]


def unet(**options: Any) -> nn.Module:
    torch.manual_seed(0)
    return build_model("unet", 2, 1, **{"width": 4, "depth": 3} | options)


@pytest.mark.parametrize(("options", "parameters", "macs"), COUNTS, ids=lambda value: str(value))
def test_parameters_of_the_textbook_unet(options: dict[str, Any], parameters: int, macs: int) -> None:
    with torch.device("meta"):
        counted = cost(build_model("unet", 2, 3, **options), (3, 256, 256))
    assert counted.parameters == parameters
    assert macs is None or counted.macs == macs


def test_grey_images_have_the_published_count_too() -> None:
    with torch.device("meta"):
        counted = cost(build_model("unet", 2, 1), (1, 256, 256))
    assert (counted.parameters, counted.macs, counted.layers) == (31_036_481, 48_091_889_664, 23)


@pytest.mark.parametrize("size", [(32, 32), (33, 47), (1, 5), (7, 64)])
@pytest.mark.parametrize("up", ["transposed", "bilinear"])
def test_any_size_of_image_gives_a_mask_of_that_size(size: tuple[int, int], up: str) -> None:
    assert unet(up=up)(torch.randn(2, 1, *size)).shape == (2, 1, *size)


def test_two_classes_share_a_logit_and_three_do_not() -> None:
    assert build_model("unet", 2, 1, width=4).head.out_channels == 1
    assert build_model("unet", 3, 1, width=4).head.out_channels == 3


@pytest.mark.parametrize(
    ("connection", "channels"), [("concat", 8), ("add", 4), ("none", 4), ("attention_gate", 8)]
)
def test_the_decoder_takes_what_the_connection_gives(connection: str, channels: int) -> None:
    model = unet(connection=connection)
    finest = model.decoder[-1]
    assert finest.stage.conv1.in_channels == channels
    assert model(torch.randn(1, 1, 16, 16)).isfinite().all()


def test_the_attention_gate_is_that_of_oktay() -> None:
    gates = list(sites(unet(connection="attention_gate")).values())
    assert [type(gate) for gate in gates] == [AttentionGate] * 3


def test_the_attention_gate_dims_the_skip_and_leaves_the_branch() -> None:
    gate = next(iter(sites(unet(connection="attention_gate")).values()))
    x, fx = torch.randn(2, 16, 4, 4), torch.randn(2, 16, 4, 4)
    dimmed, branch = gate(x, fx).split(16, dim=1)
    share = dimmed / x
    assert torch.equal(branch, fx)
    assert ((share > 0) & (share < 1)).all()
    assert torch.allclose(share, share[:, :1].expand_as(share), atol=1e-4)


def test_skip_levels_counts_from_the_finest() -> None:
    connections = [module.connection for module in unet(skip_levels="011").decoder]
    assert [isinstance(connection, NoConnection) for connection in connections] == [False, False, True]
    assert [connection.site.index for connection in connections] == [0, 1, 2]


def test_what_doubles_the_size_begins_without_an_offset() -> None:
    ups = [module for module in unet().modules() if isinstance(module, nn.ConvTranspose2d)]
    assert len(ups) == 3 and not any(up.bias is None or up.bias.any() for up in ups)


@pytest.mark.parametrize("levels", ["0", "1111", "012", "abc"])
def test_skip_levels_of_another_depth_are_refused(levels: str) -> None:
    with pytest.raises(OptionError, match="depth 3 takes 3 digits") as caught:
        unet(skip_levels=levels)
    unet(skip_levels=str(caught.value).rpartition("such as ")[2].rstrip("."))


@pytest.mark.parametrize("depth", [1, 6])
def test_depth_beyond_the_limits_is_refused(depth: int) -> None:
    with pytest.raises(OptionError, match="2 to 5"):
        unet(depth=depth)


def test_without_skips_the_encoder_reaches_the_output_through_the_bottom_alone() -> None:
    """What the bottom cannot carry is lost: once it is cut, one brighter pixel changes nothing."""
    model = unet(connection="none").eval()
    model.encoder[-1].register_forward_hook(lambda module, inputs, output: torch.zeros_like(output))
    with torch.no_grad():
        assert torch.equal(model(torch.randn(1, 1, 16, 16)), model(torch.randn(1, 1, 16, 16)))


def test_resunet_has_residual_blocks_and_long_skips() -> None:
    model = build_model("resunet", 2, 1, width=4, depth=2)
    names = [type(connection).__name__ for connection in sites(model).values()]
    assert names.count("Add") == 5 and names.count("Concat") == 2
    assert model(torch.randn(2, 1, 19, 16)).shape == (2, 1, 19, 16)


def test_resunet_takes_another_connection_within_its_blocks() -> None:
    model = build_model("resunet", 2, 1, width=4, depth=2, connection="none", block_connection="none")
    assert {type(connection) for connection in sites(model).values()} == {NoConnection}
    with pytest.raises(OptionError, match="adds channels"):
        build_model("resunet", 2, 1, block_connection="concat")


NESTED = [
    ({"norm": "none"}, 9_042_177, None),
    ({"norm": "none", "deep_supervision": True}, 9_042_276, None),
    ({"up": "bilinear", "bias": True}, 9_163_329, 34_485_567_488),
    ({"up": "bilinear", "bias": True, "deep_supervision": True}, 9_163_428, None),
]


@pytest.mark.parametrize(("options", "parameters", "macs"), NESTED, ids=lambda value: str(value))
def test_parameters_of_unetplusplus(options: dict[str, Any], parameters: int, macs: int | None) -> None:
    with torch.device("meta"):
        counted = cost(build_model("unetplusplus", 2, 3, **options), (3, 256, 256))
    assert counted.parameters == parameters
    assert macs is None or counted.macs == macs


def test_deep_supervision_trains_every_head_and_answers_with_their_mean() -> None:
    torch.manual_seed(0)
    model = build_model("unetplusplus", 3, 1, width=4, depth=3, deep_supervision=True)
    images, masks = torch.randn(2, 1, 20, 17), torch.randint(3, (2, 20, 17))
    output = model(images)
    assert output.shape == (3, 2, 3, 20, 17)
    Segmentation().loss(output, masks).backward()
    assert all(head.weight.grad.abs().sum() > 0 for head in model.heads)
    model.eval()
    assert model(images).shape == (2, 3, 20, 17)


@pytest.mark.parametrize("connection", ["concat", "none", "attention_gate"])
def test_unetplusplus_takes_connections_that_bear_unequal_channels(connection: str) -> None:
    model = build_model("unetplusplus", 2, 1, width=4, depth=2, connection=connection)
    assert [site.site.index for site in sites(model).values()] == [0, 1, 2]
    assert model(torch.randn(2, 1, 16, 16)).isfinite().all()
    with pytest.raises(OptionError, match="'add' does not fit unetplusplus"):
        build_model("unetplusplus", 2, 1, connection="add")


@pytest.mark.parametrize("name", ["fcn_resnet50", "deeplabv3_resnet50"])
def test_torchvision_networks_have_its_parameters_but_for_the_auxiliary_head(name: str) -> None:
    from skiprun.system.torchvision_repair import torchvision

    with torch.device("meta"):
        theirs = torchvision.models.get_model(name, weights=None, weights_backbone=None, aux_loss=True)
        ours = build_model(name, 21, 3)
        grey = build_model(name, 2, 1)
        assert grey.eval()(torch.empty(1, 1, 64, 48)).shape == (1, 1, 64, 48)
    expected = sum(value.numel() for key, value in theirs.named_parameters() if not key.startswith("aux"))
    assert sum(value.numel() for value in ours.parameters()) == expected
