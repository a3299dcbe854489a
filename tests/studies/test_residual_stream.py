"""The residual stream: effective rank by its definition, and branches beside the signal by theory."""

import pytest
import torch
from torch import Tensor, nn

from skiprun.connections.add import Add
from skiprun.errors import InputError
from skiprun.models import build_model
from skiprun.studies.base import StudyResult
from skiprun.studies.residual_stream import effective_rank, measure_site, residual_stream
from tests.support.scalar_block import Scalar


def orthogonal(*sizes: float) -> Tensor:
    """Return features of one channel for each singular value, [8, channels, 1, 1]."""
    waves = torch.linalg.qr(torch.randn(8, 8, generator=torch.Generator().manual_seed(0)).double()).Q
    centred = torch.linalg.qr(torch.cat([torch.ones(8, 1).double(), waves[:, 1:]], dim=1)).Q[:, 1:]
    return (centred[:, : len(sizes)] * torch.tensor(sizes).double())[..., None, None]


def test_the_effective_rank_is_the_exponential_of_the_entropy_of_singular_values() -> None:
    assert effective_rank(orthogonal(1, 1, 1, 1)).item() == pytest.approx(4)
    assert effective_rank(orthogonal(3, 0, 0)).item() == pytest.approx(1)
    # Shares of 2/3 and 1/3 (Roy and Vetterli 2007, definition 1).
    assert effective_rank(orthogonal(2, 1)).item() == pytest.approx(3 / 2 ** (2 / 3))
    shifted = orthogonal(1, 1) + 7
    assert effective_rank(shifted).item() == pytest.approx(2), "the mean of a channel is no signal"
    assert effective_rank(torch.zeros(8, 2, 1, 1)).item() == 0


def test_concatenation_adds_ranks_up_and_addition_does_not() -> None:
    both = orthogonal(1, 1, 1, 1)
    x, fx = both[:, :2], both[:, 2:]
    assert measure_site(x, fx).tolist() == pytest.approx([0.5, 0, 2, 2, 2, 4])
    assert measure_site(x, x).tolist() == pytest.approx([0.5, 1, 2, 2, 2, 2])
    assert measure_site(x, -3 * x).tolist()[:2] == pytest.approx([0.9, -1])


def stream(norm: str, depth: int = 56) -> StudyResult:
    torch.manual_seed(0)
    networks = [build_model("preact_cifar", depth=depth, norm=norm) for _ in range(2)]
    images = torch.randn(16, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    return residual_stream(networks, [(images, torch.zeros(16))])


def test_batch_norm_shrinks_branches_as_one_over_the_number_of_blocks() -> None:
    """De and Smith 2020: 1 / (l + 1) of the variance behind block l of a stage, here of nine."""
    shares = torch.tensor([row["branch_share"] for row in stream("batch").rows if row["at"] == "site"])
    by_block = shares.view(3, 9).mean(dim=0)
    theory = 1 / torch.arange(2, 11)
    assert torch.allclose(by_block[2:], theory[2:], rtol=0.25)


def test_without_norm_a_branch_stays_as_large_as_the_signal() -> None:
    shares = [row["branch_share"] for row in stream("none").rows if row["at"] == "site"]
    # Zeros around an image of 16x16 take an eighth of it at each of two convolutions: 0.43 for 1/2.
    assert sum(shares[:9]) / 9 == pytest.approx(0.45, abs=0.1)


def test_there_is_a_row_for_each_site_and_signal() -> None:
    rows = stream("batch", depth=8).rows
    places = [row["layer"] for row in rows if row["at"] == "site"]
    assert places == [f"layer{stage}.0.connection" for stage in (1, 2, 3)]
    signals = [row["signal"] for row in rows if row["at"] == "signal" and row["number"] == 1]
    assert signals == ["x", "f(x)", "x + f(x)", "[x, f(x)]"]


def test_the_median_is_that_of_networks() -> None:
    networks = [Scalar(Add, weight).double() for weight in (0.0, 1.0, 3.0)]
    images = torch.ones(2, 1, 1, 1).double()
    assert residual_stream(networks, [(images, torch.zeros(2))]).facts["branch_share"] == pytest.approx(0.5)


@pytest.mark.parametrize(
    "model", [build_model("plain20", width=4), build_model("densenet_cifar", depth=10, growth=4)]
)
def test_where_nothing_is_added_to_a_signal_of_one_shape_it_is_refused(model: nn.Module) -> None:
    with pytest.raises(InputError, match="No branch of this network is added"):
        residual_stream([model], [(torch.randn(2, 3, 8, 8), torch.tensor([0, 1]))])
