"""Truncation of a network in which each block adds one thing that can be told on paper."""

import pytest
import torch
from torch import Tensor, nn

from skiprun.connections import Site
from skiprun.connections.add import Add
from skiprun.errors import InputError
from skiprun.models.layers.block import Block
from skiprun.studies.truncate import summarize, truncate, verdict


class Open(Block):
    """y = x + w x, on images of one pixel; a channel is in the dark until its w is set."""

    def __init__(self, weights: list[float]) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 1, bias=False)
        with torch.no_grad():
            self.conv.weight.copy_(torch.diag(torch.tensor(weights))[..., None, None])
        self.connection, self.downsample, self.relu = Add(Site(4, 4, 0, 1)), None, nn.Identity()

    def branch(self, x: Tensor) -> Tensor:
        return self.conv(x)


class Network(nn.Module):
    """The first block removes what hides the label, the second what is left of nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.Sequential(
            Open([-1.0, 0.0, 0.0, 0.0]), Open([0.0, 0.0, 0.0, 4.0]), Open([0.0, 0.0, 0.0, 0.0])
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.blocks(x).flatten(1)
        return torch.stack([x.new_full((len(x),), 2.0), x[:, 0] + x[:, 3]], dim=1)


def batch(count: int = 60) -> tuple[Tensor, Tensor]:
    """Return images whose last channel is the label, -1 or 1, and whose first is large and says nothing."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(2, (count,), generator=generator)
    images = torch.zeros(count, 4, 1, 1)
    images[:, 0, 0, 0] = 10 * torch.randn(count, generator=generator)
    images[:, 3, 0, 0] = 2.0 * labels - 1
    return images, labels


@torch.no_grad()
def evaluate(model: nn.Module) -> dict[str, float]:
    images, labels = batch()
    wrong = (model(images).argmax(1) != labels).double().mean().item()
    return {"loss": wrong, "error": 100 * wrong}


def test_the_trained_head_needs_the_block_that_its_threshold_is_made_for() -> None:
    result = truncate(Network(), evaluate, [batch()], [batch()])
    assert [row["error"] for row in result.rows][1:] == [0.0, 0.0]
    share = batch()[1].double().mean().item()
    assert result.rows[0]["error"] == pytest.approx(100 * share), (
        "without the second block the label stays below 2"
    )


def test_linear_probes_read_the_label_behind_every_block() -> None:
    result = truncate(Network(), evaluate, [batch()], [batch()])
    assert [row["probe_error"] for row in result.rows] == [0.0, 0.0, 0.0]
    assert result.facts["probe_enough"] == 1 and result.facts["blocks"] == 3


ERRORS = [40.0, 5.0, 9.0, 8.0, 4.5, 4.0]


@pytest.mark.parametrize(("images", "level", "first"), [(2000, 3, 2), (10_000, 2, 5), (20, 5, 2)])
def test_the_verdict_counts_the_blocks_that_the_images_do_not_tell_from_the_last(
    images: int, level: int, first: int
) -> None:
    rows = [{"blocks": k, "probe_error": error, "error": 50.0 - k} for k, error in enumerate(ERRORS, start=1)]
    facts = summarize(rows, {"error": 44.0}, images)
    assert (facts["probe_level"], facts["probe_enough"], facts["half_blocks"]) == (level, first, 3)
    said = verdict(facts)
    assert f"not told from the last behind {level} of 6 blocks, the first of them block {first}" in said
    assert "errs on 47.0 % with the first 3 blocks, 44.0 % with all" in said


def test_two_images_tell_no_block_from_another() -> None:
    rows = [{"blocks": k, "probe_error": 0.0, "error": 0.0} for k in (1, 2, 3)]
    said = verdict(summarize(rows, {"error": 0.0}, 2))
    assert "Too few images to tell it" in said and "of 3 blocks" not in said


def test_masks_are_refused() -> None:
    pixels = [(torch.zeros(2, 4, 1, 1), torch.zeros(2, 1, 1))]
    with pytest.raises(InputError, match="labels pixels"):
        truncate(Network(), evaluate, pixels, pixels)
