"""Comparisons drawn at random without a difference to find, as reports read them, without a disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from skiprun.claims.training_loss import MARGIN, closing
from skiprun.results.groups import Group
from skiprun.results.records import RunRecord
from skiprun.run import Run

Values = np.ndarray  # [networks, seeds]
Noise = Callable[[np.random.Generator, int, int], Values]


def normal(chance: np.random.Generator, k: int, n: int) -> Values:
    return chance.normal(size=(k, n))


def common(chance: np.random.Generator, k: int, n: int) -> Values:
    """A good seed is good for all networks."""
    return chance.normal(size=(k, n)) + 2 * chance.normal(size=n)


def heavy(chance: np.random.Generator, k: int, n: int) -> Values:
    """Tails of Student's t with three degrees of freedom."""
    return chance.standard_t(3, size=(k, n))


def unequal(chance: np.random.Generator, k: int, n: int) -> Values:
    """The first network spreads ten times as much as the others, the second a tenth."""
    return chance.normal(size=(k, n)) * np.r_[10, 0.1, np.ones(k - 2)][:k, None]


def failing(chance: np.random.Generator, k: int, n: int) -> Values:
    """One seed of five does not train."""
    return chance.normal(size=(k, n)) + 10 * (chance.random((k, n)) < 0.2)


def coarse(chance: np.random.Generator, k: int, n: int) -> Values:
    """Scores of a small test split, in whole steps."""
    return chance.normal(size=(k, n)).round()


NOISES: dict[str, Noise] = {each.__name__: each for each in (normal, common, heavy, unequal, failing, coarse)}


def network(label: str, connection: str, layers: int, lost: int | None = None, **values: Values) -> Group:
    """Return a network of some seeds; a keyword such as test_error is the number test.error by seed."""
    kind = {
        "data.task": "classification",
        "data.score_name": "error",
        "data.better": "lower",
        "data.test": 360,
    }
    if "test_iou" in values:
        kind = {"data.task": "segmentation", "data.score_name": "iou", "data.better": "higher"}
    model = {
        "model.name": label,
        "model.family": "one",
        "model.connection": connection,
        "model.layers": layers,
    }
    numbers = {key.replace("_", "."): each.tolist() for key, each in values.items()}
    runs = [
        RunRecord(
            Run(Path(label) / f"seed-{seed}"),
            "finished",
            config={"model.name": label},
            summary=model | kind | {key: each[seed] for key, each in numbers.items()},
        )
        for seed in range(len(next(iter(numbers.values()))))
        if seed != lost
    ]
    return Group(label, tuple(runs))


def plain_networks(noise: Values, ratio: float = 1.0, lost: int | None = None) -> list[Group]:
    """Plain networks of rising depth, all but the shallowest at some times its loss; scores are equal."""
    return [
        network(
            f"plain{20 + number}",
            "none",
            20 + number,
            lost if number and len(noise[0]) > 1 else None,
            final_train_loss=np.exp(0.3 * values) * (ratio if number else 1.0),
            test_error=50 + values,
        )
        for number, values in enumerate(noise)
    ]


def connected_networks(noise: Values, closes: bool) -> list[Group]:
    """A pair degraded beyond doubt, and networks with connections that just close its gap, or none of it."""
    low, high = np.exp(0.1 * noise[0]), 1000 * np.exp(0.1 * noise[1])
    goal = (
        np.array([closing(*pair) for pair in zip(low, high, strict=True)])
        if closes
        else np.full(len(low), 1000.0)
    )
    plain = [
        network("plain20", "none", 20, final_train_loss=low),
        network("plain56", "none", 56, final_train_loss=high),
    ]
    return plain + [
        network(f"skips{number}", "add", 56, final_train_loss=goal * np.exp(0.1 * values))
        for number, values in enumerate(noise[2:])
    ]


def segmenting_networks(noise: Values, other: Values, lost: int | None = None) -> list[Group]:
    """A U-Net without skips, and others whose skips are worth nothing anywhere."""
    overlap, boundary = 0.7 + 0.01 * noise, 0.5 + 0.01 * (noise + other)
    return [
        network(
            f"unet{number}",
            "concat" if number else "none",
            20,
            lost if number and len(noise[0]) > 1 else None,
            test_iou=overlap[number],
            test_boundary=boundary[number],
        )
        for number in range(len(noise))
    ]


# By name: networks of which no sentence that matches one of the patterns is true.
WORLDS: dict[str, tuple[Callable[[Noise, np.random.Generator, int, int], list[Group]], tuple[str, ...]]] = {
    "all the same": (
        lambda noise, chance, k, n: plain_networks(noise(chance, k, n)),
        (r"^Degradation was seen:", r"Behind it beyond the noise"),
    ),
    "all the same, a seed lost": (
        lambda noise, chance, k, n: plain_networks(noise(chance, k, n), lost=0),
        (r"^Degradation was seen:", r"Behind it beyond the noise"),
    ),
    "just not level": (
        lambda noise, chance, k, n: plain_networks(noise(chance, k, n), ratio=MARGIN),
        (r"^Degradation was not seen:",),
    ),
    "not cured": (
        lambda noise, chance, k, n: connected_networks(noise(chance, k + 1, n), closes=False),
        (r"^Cured by '\w+' \(",),
    ),
    "just cured": (
        lambda noise, chance, k, n: connected_networks(noise(chance, k + 1, n), closes=True),
        (r"^Not cured by '\w+' \(", r"^Cured by '\w+' \("),
    ),
    "skips worth nothing": (
        lambda noise, chance, k, n: segmenting_networks(noise(chance, k, n), noise(chance, k, n)),
        (r"are worth [-+][\d.]+:", r"^The skips of \w+ matter [^,]+:", r"Behind it beyond the noise"),
    ),
}
