"""The reuse map of a small DenseNet whose weights were set by hand."""

import pytest
import torch

from skiprun.errors import InputError
from skiprun.models import build_model
from skiprun.studies.reuse import reuse


@pytest.mark.parametrize("bc", [False, True])
def test_every_block_has_a_target_for_each_layer_and_what_follows(bc: bool) -> None:
    small = build_model("densenet_cifar", depth=13, growth=4)
    rows = reuse(build_model("densenet_bc_40_12") if bc else small).rows
    layers = 6 if bc else 3
    for block in (1, 2, 3):
        pairs = [(row["source"], row["target"]) for row in rows if row["block"] == block]
        assert pairs == [(source, target) for target in range(1, layers + 2) for source in range(target)]
    assert rows[-1]["layer"] == "classifier"


def test_weights_are_means_over_the_channels_of_each_source() -> None:
    model = build_model("densenet_cifar", depth=10, growth=4)
    with torch.no_grad():
        weight = model.features.denseblock1.denselayer2.conv1.weight
        weight[:, :16], weight[:, 16:] = -0.5, 2.0
        model.classifier.weight.fill_(3.0)
    rows = reuse(model).rows
    second = [row["weight"] for row in rows if row["block"] == 1 and row["target"] == 2]
    assert second == [0.5, 2.0]
    assert [row["weight"] for row in rows if row["layer"] == "classifier"] == [3.0, 3.0, 3.0]


def test_a_network_without_dense_blocks_is_refused() -> None:
    for name in ("resnet20", "unet"):
        with pytest.raises(InputError, match="dense blocks"):
            reuse(build_model(name, width=4))
