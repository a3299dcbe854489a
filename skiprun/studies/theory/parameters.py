"""Parameters of networks, by name: what papers say beside the error (He et al. 2015, table 6)."""

from __future__ import annotations

from skiprun.models.complexity.architecture import build_without_content
from skiprun.models.complexity.cost import layers_by_depth
from skiprun.registry import STUDIES
from skiprun.studies.base import Figure, Report, Row, StudyResult, ignore

FIGURES = (Figure("Parameters", "bars", "network", "millions", "network", "millions of parameters"),)


@STUDIES.register("parameters", paper="He et al. 2015, table 6; Huang et al. 2017, table 2", figures=FIGURES)
def parameters(
    *,
    networks: tuple[str, ...] = ("resnet56", "resnet110", "densenet40_12", "densenet_bc_100_12"),
    report: Report = ignore,
) -> StudyResult:
    """Count the parameters of networks.

    Args:
        networks: architectures, perhaps with options as `resnet56:shortcut=C`.
        report: told of each row.
    """
    rows: list[Row] = []
    for network in networks:
        model, _ = build_without_content(network)
        count = sum(each.numel() for each in model.parameters())
        row = {"network": network, "layers": len(layers_by_depth(model)), "parameters": count}
        rows.append(row | {"millions": count / 1e6})
        report(rows[-1], len(networks))
    counts = [row["parameters"] for row in rows]
    said = "; ".join(f"{row['network']} {row['millions']:.3g}" for row in rows)
    facts = {"largest_over_smallest": max(counts) / min(counts)}
    return StudyResult(rows, f"Millions of parameters: {said}.", facts)
