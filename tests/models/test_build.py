"""From a name, options or a config to a network; what does not fit is refused with what does."""

from typing import Any, Literal

import pytest
import torch
from torch import nn

from skiprun.config import ModelConfig, RunConfig, contradictions
from skiprun.config_file import build_config
from skiprun.connections import sites
from skiprun.errors import ConfigError, OptionError, SkiprunError, UnknownName
from skiprun.experiment.prepare import prepare
from skiprun.models import build_from_config, build_model, check_from_config
from skiprun.models.layers.norm_act import group_norm
from skiprun.models.options import options_of
from skiprun.registry import MODELS


def refusal(name: str, **options: Any) -> str:
    with pytest.raises(OptionError) as caught:
        build_model(name, **options)
    return str(caught.value)


def test_unknown_architecture_suggests_the_nearest() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'resnet56'"):
        build_model("resnet_56")


def test_unknown_connection_suggests_the_nearest() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'highway'"):
        build_model("resnet20", connection="higway")


def test_a_connection_that_does_not_fit_is_refused_with_those_that_do() -> None:
    assert refusal("resnet20", connection="concat") == (
        "connection: 'concat' does not fit resnet20. These fit: "
        "add, constant_scaling, conv_shortcut, highway, layer_scale, none, rezero, shortcut_dropout, "
        "shortcut_only_gating, stochastic_depth"
    )
    assert refusal("densenet40_12", connection="add").endswith("These fit: attention_gate, concat, none")
    assert refusal("resnet20", connections={"3": "concat"}).startswith("connections: 'concat' does not fit")
    assert "no connection sites" in refusal("vgg11", connection="add")
    assert "no connection sites" in refusal("mobilenet_v1", connections={"3": "none"})


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"depth": 56}, "depth: found 56; resnet20 has 20, by its name"),
        ({"shortcutt": "A"}, "shortcutt: resnet20 has no such option. Did you mean 'shortcut'?"),
        ({"stem": "imagenet"}, "stem: resnet20 has no such option"),
        ({"shortcut": "D"}, "shortcut: found 'D'; there are A, A_both, B, C"),
        ({"norm": "batchnorm"}, "norm: found 'batchnorm'; there are batch, none, group, layer"),
        ({"activation": "swish"}, "activation: found 'swish'; there are relu, "),
        ({"width": 0.5}, "width: found 0.5; it must be a number from 1 to 1,000,000,000"),
        ({"width": True}, "width: found True; a number is needed"),
        ({"block": "x"}, "block: resnet20 has no such option"),
        ({"block_options": 3}, "block_options: resnet20 has no such option"),
        ({"init": "fixup"}, "init: found fixup, which is for networks without normalization; add norm: none"),
        (
            {"connection": "highway", "connection_options": {"bias": "x"}},
            "bias: found 'x'; a number is needed",
        ),
        (
            {"connection": "highway", "connection_options": {"bas": 1.0}},
            "Did you mean 'bias'? It has: bias, kernel",
        ),
        ({"connection_options": {"bias": 1.0}}, "bias: connection 'add' has no such option. It has none"),
        ({"connection": "shortcut_dropout", "connection_options": {"p": 1.0}}, "p: found 1; a probability"),
        ({"connections": {"3-9": "none"}}, "connections: found site 9; resnet20 has the sites 0 to 8"),
        ({"connections": {"9-3": "none"}}, "connections: found '9-3'; sites are numbers and ranges"),
        ({"connections": {"3-": "none"}}, "connections: found '3-'"),
        ({"connections": {"": "none"}}, "connections: found ''"),
        ({"norm": "none", "init": "fixup", "connection": "none"}, "every block needs its shortcut"),
    ],
)
def test_refusals_say_what_was_found_and_what_is_allowed(options: dict[str, Any], words: str) -> None:
    assert words in refusal("resnet20", **options)


@pytest.mark.parametrize("number", [10**9, 10**10, 10**30])
@pytest.mark.parametrize("key", ["num_classes", "in_channels", "width"])
def test_what_no_machine_can_hold_is_refused_in_words(key: str, number: int) -> None:
    options: dict[str, Any] = {key: number}
    words = r"^Out of memory while the network is built\.|from 1 to 1,000,000,000|be 1,000,000,000 or less"
    with pytest.raises(SkiprunError, match=words):
        build_model("resnet20", **options)
    with pytest.raises(OptionError, match=r"growth: found .*; it must be 1,000,000,000 or less"):
        build_model("densenet121", growth=10**30)


@pytest.mark.parametrize("name", MODELS.names())
def test_an_option_is_not_what_the_name_or_the_data_decides(name: str) -> None:
    assert not {"name", "num_classes", "in_channels"} & set(options_of(MODELS[name].target))


def test_an_option_is_a_word_or_a_number_or_none_of_it_said() -> None:
    def builder(
        only: Literal["B"], some: int | None, either: int | str, several: list[int], *, free: float = 1.0
    ) -> None:
        """Build nothing."""

    assert options_of(builder) == {"only": Literal["B"], "some": int, "free": float}


@pytest.mark.parametrize(
    ("name", "depth", "nearest"),
    [("resnet_cifar", 21, 20), ("preact_cifar", 57, 56), ("wrn_cifar", 30, 28), ("densenet_cifar", 41, 40)],
)
def test_a_depth_that_does_not_exist_names_the_nearest(name: str, depth: int, nearest: int) -> None:
    assert f"the nearest is {nearest}" in refusal(name, depth=depth)


def test_options_reach_the_family() -> None:
    net = build_model("wrn16_4", dropout=0.3)
    assert {module.p for module in net.modules() if isinstance(module, nn.Dropout)} == {0.3}
    assert build_model("resnet20", depth=20, width=8).conv1.out_channels == 8
    assert isinstance(build_model("resnet18", activation="gelu").relu, nn.GELU)
    assert (
        build_model("resnet20", connection="stochastic_depth", connection_options={"survival": 1}) is not None
    )


@pytest.mark.parametrize(
    "name", ["resnet20", "preact20", "highway_full19", "wrn_cifar", "unet", "unetplusplus"]
)
def test_a_width_between_two_whole_ones_is_rounded_at_each_stage(name: str) -> None:
    """Three stages of 15.5 have 16, 31 and 62 channels; a U-Net goes on with 124 and 248."""
    options: dict[str, Any] = {"widen": 15.5 / 16} if name == "wrn_cifar" else {"width": 15.5}
    made = {weight.shape[0] for weight in build_model(name, **options).parameters() if weight.ndim == 4}
    stages = {16, 31, 62, 124, 248} if "unet" in name else {16, 31, 62}
    assert stages <= made <= stages | {1, 9, 10}  # the heads of masks


def test_a_whole_width_is_written_as_one() -> None:
    for given, written in ((16, "16"), (16.0, "16"), (15.5, "15.5")):
        assert str(ModelConfig(name="resnet20", width=given).model_dump()["width"]) == written


def test_a_small_stem_is_what_small_image_networks_have() -> None:
    torch.manual_seed(0)
    stem = build_model("resnet20", stem="small").state_dict()
    torch.manual_seed(0)
    assert all(torch.equal(value, stem[key]) for key, value in build_model("resnet20").state_dict().items())


def test_surgery_takes_numbers_and_ranges() -> None:
    kinds = [
        type(site).__name__
        for site in sites(build_model("resnet20", connections={"1, 4-6": "none"})).values()
    ]
    assert [index for index, kind in enumerate(kinds) if kind == "NoConnection"] == [1, 4, 5, 6]


def test_a_plain_network_can_be_given_one_skip() -> None:
    net = build_model("plain20", connections={"2": "add"})
    assert [site.uses_shortcut for site in sites(net).values()] == [index == 2 for index in range(9)]


@pytest.mark.parametrize("channels", [1, 3, 8, 16, 17, 24, 64, 100, 640])
def test_group_norm_divides_any_number_of_channels(channels: int) -> None:
    norm = group_norm(channels)
    assert channels % norm.num_groups == 0 and norm.num_groups <= 32
    assert channels < 2 or channels / norm.num_groups >= 2


def test_an_activation_in_place_spares_the_shortcut_of_a_network_without_norm() -> None:
    for name in ("preact20", "densenet40_12"):
        torch.manual_seed(0)
        inplace = build_model(name, norm="none", activation="relu").eval()
        copy = build_model(name, norm="none", activation="relu").eval()
        copy.load_state_dict(inplace.state_dict())
        for module in copy.modules():
            if isinstance(module, nn.ReLU):
                module.inplace = False
        images = torch.randn(2, 3, 16, 16)
        assert torch.equal(inplace(images), copy(images)), name


def config(**model: Any) -> ModelConfig:
    return ModelConfig.model_validate({"name": "resnet20", **model})


def test_a_config_becomes_a_network() -> None:
    net = build_from_config(
        config(
            connection="highway",
            connection_options={"bias": -1.0},
            connections={3: "none"},
            options={"width": 8},
        ),
        num_classes=7,
        in_channels=1,
    )
    assert net.conv1.in_channels == 1 and net.fc.out_features == 7 and net.conv1.out_channels == 8
    gates = [site for site in sites(net).values() if site.uses_shortcut]
    assert len(gates) == 8 and gates[0].gate.bias[0] == -1.0


@pytest.mark.parametrize(
    ("model", "key"),
    [
        ({"options": {"hight": 3}}, "options.hight"),
        ({"connection": "highway", "connection_options": {"kernel": 2}}, "connection_options.kernel"),
        ({"connection": "concat"}, "connection"),
        ({"depth": 56}, "depth"),
        ({"connections": {"99": "none"}}, "connections"),
        ({"name": "vgg11", "connection_options": {"bias": 1.0}}, "connection_options"),
        ({"name": "plain20", "skip_schedule": {"epochs": [1.0, 2.0]}}, "skip_schedule"),
        ({"weights": "x", "freeze": "stage9"}, "freeze"),
    ],
)
def test_a_refusal_names_the_key_of_the_config_before_anything_is_drawn(
    model: dict[str, Any], key: str
) -> None:
    state = torch.get_rng_state()
    with pytest.raises(OptionError) as caught:
        check_from_config(config(**model))
    assert caught.value.key == key
    assert torch.equal(state, torch.get_rng_state())


def test_a_connection_that_does_not_fit_is_refused_before_data_is_looked_for() -> None:
    given = {
        "model": {"name": "resnet20", "connection": "concat"},
        "data": {"name": "cifar10", "root": "/nowhere"},
    }
    with pytest.raises(
        ConfigError,
        match=r"model.connection: 'concat' does not fit resnet20. These fit: add, constant_scaling",
    ):
        prepare(build_config(given | {"schedule": {"epochs": 1.0}}))


@pytest.mark.parametrize(
    ("model", "key"),
    [
        ({"connections": {"3,x": "none"}}, "model.connections"),
        ({"skip_schedule": {"epochs": [5.0, 5.0]}}, "model.skip_schedule.epochs"),
        ({"init": "fixup"}, "model.init"),
        ({"feature_extract": True}, "model.feature_extract"),
        ({"weights": "DEFAULT", "feature_extract": True, "freeze": "stem"}, "model.freeze"),
    ],
)
def test_keys_that_cannot_both_hold_are_found_without_building(model: dict[str, Any], key: str) -> None:
    sections = {"data": {"name": "digits"}, "schedule": {"epochs": 1.0}}
    found = RunConfig.model_validate({"model": {"name": "resnet20", **model}, **sections})
    assert [place for place, _ in contradictions(found)] == [key]


def test_a_config_survives_its_own_yaml() -> None:
    sections = {"data": {"name": "digits"}, "schedule": {"epochs": 1.0}}
    model = {
        "name": "resnet20",
        "skip_schedule": {"from": 1.0, "to": 0.0, "epochs": [1.0, 2.0]},
        "freeze": "stem",
    }
    first = RunConfig.model_validate({"model": model, **sections})
    assert first.to_dict()["model"]["skip_schedule"] == {"from": 1.0, "to": 0.0, "epochs": [1.0, 2.0]}
    assert RunConfig.model_validate(first.to_dict()) == first


def test_a_misspelt_key_of_a_section_that_may_be_left_out_is_told_its_neighbours() -> None:
    given = {
        "model": {"name": "resnet20", "skip_schedule": {"from": 1.0, "too": 0.0}},
        "data": {"name": "digits"},
    }
    with pytest.raises(ConfigError) as caught:
        build_config(given | {"schedule": {"epochs": 1.0}})
    unknown, missing = sorted(caught.value.problems, reverse=True)
    assert "too: unknown key. Did you mean 'to'? Allowed here: from, to, epochs" in unknown
    assert "epochs: missing; where the change begins and ends" in missing


def test_every_architecture_has_the_facts_that_the_listing_shows() -> None:
    for entry in MODELS:
        assert entry.info.family and entry.info.year and entry.info.paper and entry.summary, entry.name


def test_an_option_that_says_what_the_name_does_hides_no_other_mistake() -> None:
    assert build_model("wrn16_4", depth=16) is not None
    with pytest.raises(OptionError, match="no such option"):
        build_model("wrn16_4", depth=16, wider=2)


@pytest.mark.parametrize("name", ["resnet18", "resnext50_32x4d", "densenet121", "vgg11", "mobilenet_v2"])
def test_the_first_convolution_of_grey_images_is_that_of_colour_but_for_the_channels(name: str) -> None:
    with torch.device("meta"):
        grey, colour = (
            next(
                each
                for each in build_model(name, in_channels=channels).modules()
                if isinstance(each, nn.Conv2d)
            )
            for channels in (1, 3)
        )
    assert (grey.in_channels, colour.in_channels) == (1, 3)
    for key in ("out_channels", "kernel_size", "stride", "padding", "dilation"):
        assert getattr(grey, key) == getattr(colour, key), key
    assert (grey.bias is None) == (colour.bias is None)
