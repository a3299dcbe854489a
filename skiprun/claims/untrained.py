"""What claims about networks before their first step have in common: one batch, and some seeds."""

from __future__ import annotations

from collections.abc import Mapping

from skiprun.claims.measurement import Measurement, TrainedNetwork


def untrained(
    study: str, networks: Mapping[str, str], *, batch_size: int = 16, seeds: int = 5, **where: object
) -> Measurement:
    """Return what is done: a study of networks as they are drawn, with one batch of digits.

    Args:
        study: of each network.
        networks: their names, by the part that they play.
        batch_size: images of the batch.
        seeds: how many networks are drawn of each.
        where: columns of the study's rows with the values that are of interest.
    """
    return Measurement(
        networks={part: TrainedNetwork(name) for part, name in networks.items()},
        seeds=seeds,
        study=study,
        look={"split": "train", "batches": 1, "batch_size": batch_size},
        where=where,
    )
