"""What was drawn anew is never frozen without a word, whichever key asks for it."""

import copy
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from skiprun.config import ModelConfig
from skiprun.errors import ConfigError, OptionError
from skiprun.experiment.prepare import prepare
from skiprun.experiment.study_runner.sample_selection import SampleSelection
from skiprun.experiment.study_runner.study_inputs import StudyInputs
from skiprun.experiment.study_runner.study_target import StudyTarget
from skiprun.models import build_model
from skiprun.models.weights.freeze import freeze, freeze_from_config, frozen_state, learning_notes
from skiprun.models.weights.pretrained import load_matching
from tests.support.tiny import tiny_config


def made(seed: int = 0, **options: Any) -> nn.Module:
    torch.manual_seed(seed)
    return build_model("resnet_cifar", depth=8, width=4, **options)


def config(**model: Any) -> ModelConfig:
    return ModelConfig.model_validate({"name": "resnet_cifar", "depth": 8, "width": 4, **model})


def refusal(model: nn.Module, drawn: Collection[str], **options: Any) -> str:
    with pytest.raises(OptionError) as caught:
        freeze_from_config(model, config(**options), drawn)
    return str(caught.value)


@pytest.mark.parametrize("parts", ["backbone", "stem", "stage2", "conv1", "layer1.0.bn1", ["layer2", "head"]])
def test_without_weights_nothing_can_be_frozen(parts: str | list[str]) -> None:
    model = made()
    said = refusal(model, model.state_dict(), freeze=parts)
    assert said.startswith("freeze: found ") and said.endswith("name model.weights to start from")


def test_a_new_head_must_learn() -> None:
    report = load_matching(model := made(num_classes=3), made(seed=1).state_dict(), "weights")
    assert set(report.fresh) == {"fc.weight", "fc.bias"}
    said = refusal(model, report.fresh, weights="w.pt", freeze="head")
    assert "found head; fc.weight, fc.bias would never learn, and were drawn, not given" in said


@pytest.mark.parametrize("key", [{"feature_extract": True}, {"freeze": "backbone"}, {"freeze": ["layer1"]}])
def test_new_connections_in_a_frozen_part_are_refused_by_the_key_that_froze_them(key: dict[str, Any]) -> None:
    report = load_matching(model := made(connection="highway"), made(seed=1).state_dict(), "weights")
    said = refusal(model, report.fresh, weights="w.pt", **key)
    assert (
        said.startswith(f"{next(iter(key))}: found ")
        and "layer1.0.connection." in said
        and "'layer*.conv?'" in said
    )


def test_the_way_out_freezes_what_was_given_and_the_connections_learn() -> None:
    report = load_matching(model := made(connection="highway"), made(seed=1).state_dict(), "weights")
    given = {"weights": "w.pt", "freeze": ["conv1", "bn1", "layer*.conv?", "layer*.bn?"]}
    names = freeze_from_config(model, config(**given), report.fresh)
    learning = {name for name, _ in model.named_parameters()} - set(names)
    assert learning == set(report.fresh) | {"fc.weight", "fc.bias"}
    before = copy.deepcopy(model.state_dict())
    nn.functional.cross_entropy(model.train()(torch.randn(4, 3, 16, 16)), torch.arange(4)).backward()
    torch.optim.SGD([each for each in model.parameters() if each.requires_grad], lr=0.1).step()
    moved = {key for key, value in model.state_dict().items() if not torch.equal(value, before[key])}
    assert moved == learning


def test_statistics_that_were_not_given_are_not_held() -> None:
    freeze(model := made(), ["bn1"])
    assert frozen_state(model) == {f"bn1.{name}" for name in made().bn1.state_dict()}
    assert "bn1.running_mean would never learn" in refusal(
        model, ["bn1.running_mean"], weights="w.pt", freeze="bn1"
    )


def test_a_first_layer_that_was_made_from_the_given_one_may_be_frozen() -> None:
    report = load_matching(model := made(in_channels=1), made(seed=1).state_dict(), "weights")
    assert "conv1.weight" in freeze_from_config(model, config(weights="w.pt", freeze="stem"), report.fresh)


def test_a_slow_backbone_says_what_it_slows_down() -> None:
    report = load_matching(model := made(connection="highway"), made(seed=1).state_dict(), "weights")
    (note,) = learning_notes(model, config(weights="w.pt", backbone_lr=0.1), report.fresh)
    assert note.startswith("model.backbone_lr 0.1 also slows what was drawn, not given: layer1.0.connection.")
    (note,) = learning_notes(made(), config(backbone_lr=0.1), made().state_dict())
    assert "conv1.weight" in note and "fc.weight" not in note
    assert not learning_notes(model, config(weights="w.pt", backbone_lr=0.1), ["fc.weight", "fc.bias"])


def test_a_network_is_looked_through_once_however_many_tensors_were_drawn() -> None:
    """Once for each tensor, it took most of the start of a deep network."""
    model, seen = made(), Counter[str]()

    class Counted(nn.ReLU):
        def named_modules(self, *given: Any, **options: Any) -> Iterator[tuple[str, nn.Module]]:
            seen["looks"] += 1
            return super().named_modules(*given, **options)

    model.relu = Counted()
    counts = []
    for drawn in (["fc.weight"], list(model.state_dict())):
        seen.clear()
        freeze_from_config(model, config(), drawn)
        learning_notes(model, config(), drawn)
        counts.append(seen["looks"])
    assert counts[0] == counts[1] > 0


def test_what_would_freeze_what_was_drawn_is_refused_before_data_is_looked_for() -> None:
    given = tiny_config(
        model={"name": "resnet20", "freeze": ["stem"]}, data={"name": "cifar10", "root": "/nowhere"}
    )
    with pytest.raises(ConfigError, match=r"model\.freeze: found stem; conv1\.weight, .* model\.weights"):
        prepare(given)


def test_a_study_of_several_seeds_looks_at_the_given_weights_in_each(tmp_path: Path) -> None:
    source = made(seed=1, in_channels=1)
    expected = source.get_parameter("conv1.weight")
    torch.save(source.state_dict(), tmp_path / "w.pt")
    given = tiny_config(
        model={"name": "resnet_cifar", "depth": 8, "width": 4, "weights": str(tmp_path / "w.pt")},
        compute={"device": "cpu"},
    )
    for shape in (None, (1, 8, 8)):
        subject = StudyTarget("two seeds", (given, given.replace(seed=1)), shape=shape)
        first, second = StudyInputs(subject, SampleSelection()).models
        assert torch.equal(first.get_parameter("conv1.weight"), expected)
        assert torch.equal(first.get_parameter("conv1.weight"), second.get_parameter("conv1.weight"))


def test_a_run_that_would_freeze_what_was_drawn_is_refused_with_its_place_and_old_ones_stay_readable() -> (
    None
):
    given = tiny_config(model={"name": "resnet20", "width": 4, "freeze": ["backbone"]})
    with pytest.raises(ConfigError, match=r"model\.freeze: found backbone; conv1\.weight, .* model\.weights"):
        prepare(given)
    parts = prepare(given, given_weights=False)
    assert not parts.model.conv1.weight.requires_grad and parts.notes == (
        "Frozen: 57 of 59 parameter tensors.",
    )
