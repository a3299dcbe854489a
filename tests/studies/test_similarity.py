"""Similarity of networks against what CKA must not see, and the formula on features."""

import pytest
import torch
from torch import Tensor, nn

from skiprun.errors import InputError
from skiprun.models import build_model
from skiprun.studies.similarity import alignment, hsic, kernel, similarity


def cka(x: Tensor, y: Tensor) -> float:
    return alignment([(kernel(x)[None], kernel(y)[None])]).item()


def test_rotation_and_scale_of_the_features_do_not_matter() -> None:
    x = torch.randn(20, 5).double()
    rotation = torch.linalg.qr(torch.randn(5, 5).double()).Q
    assert cka(x, 3 * x @ rotation) == pytest.approx(1)
    assert cka(x, x @ torch.diag(torch.tensor([9.0, 1, 1, 1, 1])).double()) < 0.95


def test_independent_features_have_none_in_the_mean_also_of_few_images() -> None:
    torch.manual_seed(0)
    pairs = [(torch.randn(8, 30), torch.randn(8, 30)) for _ in range(400)]
    assert alignment([(kernel(x)[None], kernel(y)[None]) for x, y in pairs]).item() == pytest.approx(
        0, abs=0.06
    )


def test_the_estimate_agrees_with_its_definition_over_quadruples() -> None:
    torch.manual_seed(0)
    n = 6
    k, m = (kernel(torch.randn(n, 3)) for _ in range(2))
    total, count = 0.0, 0
    for i in range(n):
        for j in range(n):
            for q in range(n):
                for r in range(n):
                    if len({i, j, q, r}) == 4:
                        total += (k[i, j] * (m[i, j] + m[q, r] - 2 * m[i, q])).item()
                        count += 1
    assert hsic(k[None], m[None]).item() == pytest.approx(total / count)


def test_a_network_is_like_itself_and_less_like_another() -> None:
    torch.manual_seed(0)
    one, other = build_model("resnet20", width=4), build_model("plain20", width=4)
    batches = [(torch.randn(16, 3, 8, 8), torch.zeros(16)) for _ in range(2)]
    own, mixed = similarity(one, one, batches), similarity(one, other, batches)
    assert all(row["cka"] == pytest.approx(1) for row in own.rows if row["a"] == row["b"])
    assert own.facts["same_depth"] == pytest.approx(1) and own.verdict.startswith("Alike")
    assert len(mixed.rows) == 81 and mixed.facts["same_depth"] < 0.9


def test_networks_without_sites_are_compared_layer_by_layer() -> None:
    one = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    rows = similarity(one, one, [(torch.randn(8, 4), torch.zeros(8))]).rows
    assert [row["site_a"] for row in rows if row["b"] == 1] == ["0", "2"]


def test_batches_too_small_for_the_estimate_are_refused() -> None:
    with pytest.raises(InputError, match="four images"):
        similarity(nn.Linear(1, 1), nn.Linear(1, 1), [(torch.zeros(3, 1), torch.zeros(3))])


def test_a_layer_that_gives_nothing_is_like_no_other() -> None:
    assert cka(torch.zeros(8, 3), torch.randn(8, 3)) == 0.0
