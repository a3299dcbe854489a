"""Where the zeros of option A stand: at the end, or on both sides of the channels of x."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from skiprun.models import build_model
from skiprun.models.layers.shortcut import PadShortcut, make_shortcut

X = torch.rand(2, 16, 7, 7) + 1


def test_option_A_has_its_zeros_at_the_end() -> None:
    shortcut = make_shortcut("A", 16, 32, 2, nn.BatchNorm2d)
    assert shortcut is not None
    out = shortcut(X)
    assert out.shape == (2, 32, 4, 4) and not list(shortcut.parameters())
    assert torch.equal(out[:, :16], X[:, :, ::2, ::2]) and not out[:, 16:].any()


def test_option_A_both_has_half_of_its_zeros_on_each_side() -> None:
    even, uneven = (
        make_shortcut("A_both", 16, 32, 2, nn.BatchNorm2d),
        make_shortcut("A_both", 16, 19, 1, None),
    )
    assert even is not None and uneven is not None
    out, odd = even(X), uneven(X)
    assert torch.equal(out, F.pad(X[:, :, ::2, ::2], (0, 0, 0, 0, 8, 8)))
    assert not odd[:, :1].any() and torch.equal(odd[:, 1:17], X) and not odd[:, 17:].any()
    assert make_shortcut("A_both", 16, 16, 1, None) is None


@pytest.mark.parametrize("name", ["resnet20", "preact20", "wrn16_4", "resnet18", "resnext29_32x4d"])
def test_every_family_with_option_A_can_say_both(name: str) -> None:
    with torch.device("meta"):
        end, both = (build_model(name, shortcut=kind) for kind in ("A", "A_both"))
    assert list(end.state_dict()) == list(both.state_dict())
    pads = [[each for each in net.modules() if isinstance(each, PadShortcut)] for net in (end, both)]
    assert pads[0] and all(pad.before == 0 < pad.after for pad in pads[0])
    assert all(pad.after - pad.before in (0, 1) and pad.after for pad in pads[1])


def test_the_default_of_small_residual_networks_is_the_end() -> None:
    torch.manual_seed(0)
    default = build_model("resnet20", width=4).eval()
    images = torch.rand(2, 3, 8, 8)
    outputs = {}
    for kind in ("A", "A_both"):
        model = build_model("resnet20", width=4, shortcut=kind).eval()
        model.load_state_dict(default.state_dict())
        outputs[kind] = model(images)
    assert torch.equal(default(images), outputs["A"]) and not torch.allclose(
        default(images), outputs["A_both"]
    )
