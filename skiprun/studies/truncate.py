"""Truncation: the error of a network that ends after its first k blocks.

With the trained head: the branches of all later blocks are cut, so that the first k alone decide (a plain
block that changes the shape stays). With linear probes: logistic regression on what each block gives, mean
over the pixels, fitted on training images (Alain and Bengio 2016).
"""

from __future__ import annotations

import warnings

import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn

from skiprun.errors import InputError, counted
from skiprun.registry import STUDIES
from skiprun.studies.base import (
    Batches,
    Evaluate,
    Facts,
    Figure,
    Report,
    Row,
    StudyResult,
    ignore,
    isolated_copy,
    primary_metric,
)
from skiprun.studies.cuts import Shapes, replace_connections, without_branch
from skiprun.studies.features import FeatureExtractor, pooled
from skiprun.studies.resolution import are_apart, of_images, smallest_gap

BLOCKS = "number of blocks"
FIGURES = (
    Figure("The first k blocks and the trained head", "lines", "blocks", "error", BLOCKS, "error (%)"),
    Figure("Linear probes", "lines", "blocks", "probe_error", BLOCKS, "error of a linear probe (%)"),
)


@STUDIES.register(
    "truncate",
    paper="Alain and Bengio 2016; Veit et al. 2016",
    figures=FIGURES,
    example="digits-plain20 digits-resnet56",
    look={"images": 2000, "batches": 0},
)
def truncate(
    model: nn.Module, evaluate: Evaluate, train_batches: Batches, batches: Batches, *, report: Report = ignore
) -> StudyResult:
    """Score the first k blocks of a network. By the trained head, and by a linear probe behind each block.

    Args:
        model: a trained network with connection sites that labels images.
        evaluate: model -> scores.
        train_batches: images that the probes are fitted on.
        batches: images that they are scored on.
        report: told of each row.
    """
    if batches[0][1].ndim != 1:
        raise InputError("Truncation needs a network that labels images; this one labels pixels.")
    rows: list[Row] = []
    with isolated_copy(model) as copy:
        shapes = Shapes(copy)
        intact = evaluate(copy)
        found = shapes.cuttable()
        reader = FeatureExtractor(copy, pooled)
        fitted, scored = (collect_features(reader, each) for each in (train_batches, batches))
        for count, path in enumerate(shapes.paths, start=1):
            later = [site for name, site in found.items() if name in shapes.paths[count:]]
            with replace_connections(dict.fromkeys(later, without_branch)):
                row = {"blocks": count, "site": path, **evaluate(copy)}
            rows.append(row | probe(fitted, scored, count - 1))
            report(rows[-1], len(shapes.paths))
    facts = summarize(rows, intact, len(scored[1]))
    return StudyResult(rows, verdict(facts), facts)


def collect_features(reader: FeatureExtractor, batches: Batches) -> tuple[list[Tensor], Tensor]:
    """Return the vectors of all stations for all images, and the labels."""
    parts = [[each.cpu() for each in outputs] for outputs in reader.read(batches)]
    return [torch.cat(station) for station in zip(*parts, strict=True)], torch.cat(
        [batch[1] for batch in batches]
    ).cpu()


def probe(fitted: tuple[list[Tensor], Tensor], scored: tuple[list[Tensor], Tensor], station: int) -> Row:
    """Return the errors of logistic regression on what one station gives."""
    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=300))
    with warnings.catch_warnings():
        # What a probe has not learned in that many iterations is not there to read at a glance.
        warnings.simplefilter("ignore", ConvergenceWarning)
        classifier.fit(fitted[0][station].numpy(), fitted[1].numpy())
    errors = [
        100 * (1 - classifier.score(each[0][station].numpy(), each[1].numpy())) for each in (scored, fitted)
    ]
    return {"probe_error": errors[0], "probe_train_error": errors[1]}


def summarize(rows: list[Row], intact: dict[str, float], images: int) -> Facts:
    """Return which probes so many images do not tell from the last, and what half of the blocks are worth."""
    last = rows[-1]["probe_error"]
    level = [row["blocks"] for row in rows if not are_apart(row["probe_error"], last, images)]
    half, score = rows[(len(rows) - 1) // 2], primary_metric(intact)
    return {
        "blocks": len(rows),
        "intact": intact[score],
        "half": half[score],
        "probe_first": rows[0]["probe_error"],
        "probe_last": last,
        "probe_enough": level[0],
        "probe_level": len(level),
        "half_blocks": half["blocks"],
        "images": images,
        "smallest_gap": smallest_gap(last, images),
    }


def verdict(facts: Facts) -> str:
    """Say how early the answer is there, as far as the images tell, and whether the head can read it."""
    gap = facts["smallest_gap"]
    if gap is None:
        level = "Too few images to tell it from that of any other block"
    else:
        level = (
            f"It is not told from the last behind {facts['probe_level']} of "
            f"{counted(facts['blocks'], 'block')}, the first of them block {facts['probe_enough']}"
        )
    half = f"{facts['half']:.1f} % with the first {counted(facts['half_blocks'], 'block')}"
    return (
        f"A linear probe errs on {facts['probe_first']:.1f} % behind the first block and "
        f"{facts['probe_last']:.1f} % behind the last. {level}. "
        f"{of_images(facts['images'], gap, facts['probe_last'])} The trained head errs on {half}, "
        f"{facts['intact']:.1f} % with all."
    )
