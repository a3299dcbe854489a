"""Parameters and multiply-adds of every architecture against published and independently counted numbers.

Small images: 32x32, 10 classes; the integers are recounts, and the named sources publish their first digits.
Large ones: 1000 classes, torchvision's own published `num_params` and `_ops`.
"""

from typing import Any

import pytest
import torch

from skiprun.models import build_model, cost
from skiprun.models.complexity.cost import Cost
from skiprun.registry import MODELS

SMALL = [
    # He et al. 2015, table 6: 0.27, 0.46, 0.66, 0.85, 1.7 and 19.4 million; plain networks have as many.
    ("resnet20", {}, 269_722, 40_551_040),
    ("plain20", {}, 269_722, 40_551_040),
    ("resnet32", {}, 464_154, 68_862_592),
    ("plain32", {}, 464_154, 68_862_592),
    ("resnet44", {}, 658_586, 97_174_144),
    ("plain44", {}, 658_586, 97_174_144),
    ("resnet56", {}, 853_018, 125_485_696),
    ("plain56", {}, 853_018, 125_485_696),
    ("resnet110", {}, 1_727_962, 252_887_680),
    ("plain110", {}, 1_727_962, 252_887_680),
    ("resnet1202", {}, 19_421_274, 2_829_238_912),
    pytest.param("plain1202", {}, 19_421_274, 2_829_238_912, marks=pytest.mark.slow),
    # Option B adds 2,752: 1x1 convolutions of 16 to 32 and 32 to 64 channels, with their norms.
    ("resnet20", {"shortcut": "B"}, 272_474, 40_813_184),
    ("resnet32", {"shortcut": "B"}, 466_906, 69_124_736),
    ("resnet44", {"shortcut": "B"}, 661_338, 97_436_288),
    ("resnet56", {"shortcut": "B"}, 855_770, 125_747_840),
    ("resnet110", {"shortcut": "B"}, 1_730_714, 253_149_824),
    pytest.param("resnet1202", {"shortcut": "B"}, 19_424_026, 2_829_501_056, marks=pytest.mark.slow),
    # He et al. 2016, table 3: 1.7 million at 110 and 164 layers; projections have no norm, as in its code.
    ("preact20", {}, 269_722, 40_551_040),
    ("preact20", {"shortcut": "B"}, 272_282, 40_813_184),
    ("preact110", {}, 1_727_962, 252_887_680),
    ("preact110", {"shortcut": "B"}, 1_730_522, 253_149_824),
    ("preact164", {}, 1_703_258, 247_646_720),
    ("preact1001", {}, 10_327_706, 1_490_995_712),
    # Zagoruyko and Komodakis 2016, table 4: 11.0 (16-8), 36.5 (28-10), 0.6, 2.2, 8.9 (40-1 to 40-4), 17.2
    # (22-8).
    ("wrn16_4", {}, 2_748_890, 392_612_352),
    ("wrn16_8", {}, 10_961_370, 1_548_145_664),
    ("wrn28_2", {}, 1_467_610, 214_353_152),
    ("wrn28_10", {}, 36_479_194, 5_243_328_768),
    ("wrn40_1", {}, 563_930, 83_280_512),
    ("wrn40_2", {}, 2_243_546, 327_599_360),
    ("wrn40_4", {}, 8_949_210, 1_298_582_016),
    ("wrn22_8", {}, 17_158_106, 2_454_115_328),
    # Huang et al. 2017, table 2: 1.0, 7.0 and 27.2 million; bc: 0.8, 15.3 and 25.6.
    ("densenet40_12", {}, 1_019_722, 264_812_928),
    ("densenet100_12", {}, 6_979_642, 1_769_516_448),
    ("densenet100_24", {}, 27_249_082, 6_889_347_744),
    ("densenet_bc_40_12", {}, 176_122, 72_365_352),
    ("densenet_bc_100_12", {}, 769_162, 287_929_692),
    ("densenet_bc_250_24", {}, 15_324_406, 5_418_785_724),
    ("densenet_bc_190_40", {}, 25_624_430, 9_301_945_740),
    # Xie et al. 2017, table 7: 34.4 and 68.1 million, cut and not rounded.
    ("resnext29_8x64d", {}, 34_426_698, 5_387_266_048),
    ("resnext29_16x64d", {}, 68_155_210, 10_688_866_304),
    ("resnext29_4x64d", {}, 17_562_442, 2_736_465_920),
    ("resnext29_2x64d", {}, 9_130_314, 1_411_065_856),
    ("resnext29_32x4d", {}, 4_775_754, 774_055_936),
    ("resnext29_1x64d", {}, 4_914_250, 748_365_824),
    # Counted by hand: a 3x3 stem without pooling; one linear layer of 512 to 10.
    ("resnet18", {"stem": "small"}, 11_173_962, 555_422_720),
    ("vgg16_bn", {"stem": "small"}, 14_728_266, None),
    # Zhang et al. 2019, figure 1: resnet without norms, with 5 scalars a block and 2 more.
    ("resnet20", {"norm": "none", "init": "fixup"}, 268_393, 40_551_040),
    ("resnet110", {"norm": "none", "init": "fixup"}, 1_720_138, 252_887_680),
]
LARGE = [
    ("resnet18", 11_689_512, 1_814_073_344, 11_181_642),
    ("resnet34", 21_797_672, 3_663_761_408, 21_289_802),
    ("resnet50", 25_557_032, 4_089_184_256, 23_528_522),
    ("resnet101", 44_549_160, 7_801_405_440, 42_520_650),
    ("resnet152", 60_192_808, 11_513_626_624, 58_164_298),
    ("resnext50_32x4d", 25_028_904, 4_230_479_872, 23_000_394),
    ("resnext101_32x8d", 88_791_336, 16_414_015_488, 86_762_826),
    ("wide_resnet50_2", 68_883_240, 11_398_021_120, 66_854_730),
    ("wide_resnet101_2", 126_886_696, 22_753_050_624, 124_858_186),
    ("densenet121", 7_978_856, 2_834_161_664, 6_964_106),
    ("densenet161", 28_681_000, 7_727_907_072, 26_494_090),
    ("densenet169", 14_149_480, 3_359_843_328, 12_501_130),
    ("densenet201", 20_013_928, 4_291_365_888, 18_112_138),
    ("mobilenet_v2", 3_504_872, 300_774_272, 2_236_682),
    ("mobilenet_v3_small", 2_542_856, 56_510_400, 1_528_106),
    ("mobilenet_v3_large", 5_483_032, 216_589_760, 4_214_842),
    ("efficientnet_b0", 5_288_548, 385_814_752, 4_020_358),
    ("efficientnet_b1", 7_794_184, 686_802_832, None),
    ("efficientnet_v2_s", 21_458_488, 8_365_617_152, None),
    ("convnext_tiny", 28_589_128, 4_455_531_264, 27_827_818),
    ("convnext_small", 50_223_688, 8_683_712_256, None),
    ("convnext_base", 88_591_464, 15_354_729_472, None),
    ("vgg11", 132_863_336, 7_609_090_048, None),
    ("vgg13", 133_047_848, 11_308_466_176, None),
    ("vgg16", 138_357_544, 15_470_264_320, 134_301_514),
    ("vgg16_bn", 138_365_992, 15_470_264_320, 134_309_962),
    ("vgg19", 143_667_240, 19_632_062_464, None),
    ("vgg19_bn", 143_678_248, 19_632_062_464, None),
]


def counted(name: str, shape: tuple[int, int, int], classes: int = 10, **options: Any) -> Cost:
    with torch.device("meta"):
        return cost(build_model(name, classes, **options), shape)


@pytest.mark.parametrize(("name", "options", "parameters", "macs"), SMALL)
def test_small_image_networks_have_their_exact_counts(
    name: str, options: dict[Any, Any], parameters: int, macs: int
) -> None:
    found = counted(name, (3, 32, 32), **options)
    assert found.parameters == parameters
    assert macs is None or found.macs == macs


@pytest.mark.parametrize(("name", "parameters", "macs", "ten_classes"), LARGE)
def test_large_image_networks_have_their_published_counts(
    name: str, parameters: int, macs: int, ten_classes: int
) -> None:
    found = counted(name, MODELS[name].info.input, 1000)
    assert (found.parameters, found.macs) == (parameters, macs)
    if ten_classes:
        with torch.device("meta"):
            assert sum(each.numel() for each in build_model(name, 10).parameters()) == ten_classes


@pytest.mark.parametrize(
    ("alpha", "parameters", "macs"),
    [
        (1.0, 4_231_976, 568_740_352),
        (0.75, 2_585_560, 325_400_448),
        (0.5, 1_331_592, 149_497_088),
        (0.25, 470_072, 41_030_272),
    ],
)
def test_mobilenet_v1_has_the_counts_of_its_paper_at_every_width(
    alpha: float, parameters: int, macs: int
) -> None:
    found = counted("mobilenet_v1", (3, 224, 224), 1000, alpha=alpha)
    assert (found.parameters, found.macs, found.layers) == (parameters, macs, 28)


@pytest.mark.parametrize(("depth", "parameters", "gmacs"), [(18, 11_515_688, 1.795), (34, 21_623_848, 3.644)])
def test_plain_imagenet_networks_have_the_count_of_option_a(
    depth: int, parameters: int, gmacs: float
) -> None:
    plain = counted(f"plain{depth}", (3, 224, 224), 1000)
    padded = counted(f"resnet{depth}", (3, 224, 224), 1000, shortcut="A")
    assert plain.parameters == padded.parameters == parameters
    assert round(plain.macs / 1e9, 3) == round(padded.macs / 1e9, 3) == gmacs


@pytest.mark.parametrize("n", [3, 5, 7, 9, 18])
def test_a_6n_plus_2_network_follows_the_closed_form(n: int) -> None:
    found = counted("resnet_cifar", (3, 32, 32), depth=6 * n + 2)
    assert (found.parameters, found.macs) == (97_216 * n - 21_926, 14_155_776 * n - 1_916_288)
    assert found.layers == 6 * n + 2


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("resnet20", 275_572), ("densenet40_12", 1_060_132), ("densenet_bc_100_12", 800_032)],
)
def test_a_hundred_classes_have_their_count(name: str, parameters: int) -> None:
    assert counted(name, (3, 32, 32), 100).parameters == parameters


@pytest.mark.parametrize(
    ("name", "layers"),
    [
        ("resnet56", 56),
        ("preact164", 164),
        ("densenet40_12", 40),
        ("densenet121", 121),
        ("resnext29_32x4d", 29),
        ("highway_full19", 19),
        ("resnet50", 50),
        ("vgg16", 16),
        ("alexnet", 8),
        ("mobilenet_v1", 28),
    ],
)
def test_depth_is_counted_as_the_name_says(name: str, layers: int) -> None:
    assert counted(name, MODELS[name].info.input).layers == layers


def test_counting_changes_nothing_of_the_network_nor_of_the_random_numbers() -> None:
    model = build_model("resnet20", connection="stochastic_depth").eval()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    state = torch.get_rng_state()
    cost(model, (3, 32, 32))
    assert torch.equal(state, torch.get_rng_state())
    assert not any(module.training for module in model.modules())
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


def test_activation_memory_is_what_the_layers_keep() -> None:
    # Every convolution keeps its input and every norm its input, [16, 32, 32] and so on: 188,416 values each.
    found = counted("resnet20", (3, 32, 32)).activation_bytes
    assert found == pytest.approx(2 * 188_416 * 4 + 3 * 32 * 32 * 4, rel=0.01)
