"""The variance of the signal by depth, beside what theory derives for wide networks."""

import pytest

from skiprun.studies.theory.signal_propagation import expected_variance, signal_propagation


@pytest.mark.parametrize(
    ("connection", "normed", "variances"),
    [
        ("none", False, [1, 1, 1]),  # He et al. 2015b
        ("none", True, [1, 1, 1]),
        ("add", False, [2, 16, 65536]),  # Zhang et al. 2019, section 2
        ("add", True, [2, 5, 17]),  # De and Smith 2020
    ],
)
def test_theory_is_what_the_papers_derive(connection: str, normed: bool, variances: list[float]) -> None:
    assert [expected_variance(connection, normed, depth) for depth in (1, 4, 16)] == variances


def test_networks_have_the_variance_of_theory() -> None:
    result = signal_propagation(depths=(1, 4, 16), draws=8)
    assert len(result.rows) == 4 * 3
    for row in result.rows:
        spread = (
            0.05 if "batch norm" in row["network"] else 0.35
        )  # each layer without norm adds to the spread
        assert row["variance"] == pytest.approx(row["theory"], rel=spread), row
    assert result.verdict.startswith("Variance of the signal after 16 layers: none, batch norm")
