"""The loss of a training whose learning rate rises, and the rate that it suggests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from skiprun.errors import percent

SMOOTHING = 0.9  # of the moving average: it looks back about ten steps
RUNS_AWAY = 4.0  # times the lowest loss, as fastai has it
BELOW_LOWEST = 10.0  # from the rate of the lowest loss to the suggestion: there the loss still falls
LEAST_FALL = 0.1  # of the loss; a curve that falls less shows no rate that is better than others

Point = tuple[float, float]  # a learning rate and the loss of its step


@dataclass(frozen=True)
class RateCurve:
    """What a training with a rising rate showed.

    Attributes:
        name: of the config.
        optimizer: of the config; each has rates of its own.
        points: rates and losses, as the steps were made.
        highest: the rate that the last step would have had.
        diverged: whether a loss was not finite at the end.
    """

    name: str
    optimizer: str
    points: Sequence[Point]
    highest: float
    diverged: bool

    @cached_property
    def smooth(self) -> list[float]:
        """The losses as an exponential moving average, without a pull to 0 at the start."""
        mean, found = 0.0, []
        for count, (_, loss) in enumerate(self.points, 1):
            mean = SMOOTHING * mean + (1 - SMOOTHING) * loss
            found.append(mean / (1 - SMOOTHING**count))
        return found

    @property
    def lowest(self) -> int:
        """The step, counted from 0, whose smoothed loss is the lowest."""
        return min(range(len(self.smooth)), key=self.smooth.__getitem__)

    @property
    def fall(self) -> float:
        """Which share of the smoothed loss is gone where it is lowest, of the highest before."""
        return 1 - self.smooth[self.lowest] / self.highest_before

    @property
    def highest_before(self) -> float:
        """The highest smoothed loss up to the lowest one."""
        return max(self.smooth[: self.lowest + 1])

    @property
    def ran_away_at(self) -> float | None:
        """The rate at which the loss ran away, None where it did not."""
        return self.points[-1][0] if self.diverged or runs_away(self.points) else None

    @property
    def suggestion(self) -> float | None:
        """A tenth of the rate of the lowest loss, in two digits; None where the loss hardly fell."""
        if len(self.points) < 2 or self.fall < LEAST_FALL:
            return None
        return float(f"{self.points[self.lowest][0] / BELOW_LOWEST:.2g}")

    @property
    def sentences(self) -> list[str]:
        """What the curve says, and why that rate."""
        return [*self._suggested(), *self._end()]

    def _suggested(self) -> Iterator[str]:
        if self.suggestion is None:
            yield (
                "No rate is suggested: the loss hardly fell at any. The network may be hard to train, or its "
                "loss too noisy for so few steps; try a larger --steps, or a lower --from."
            )
            return
        rate, loss = self.points[self.lowest][0], self.smooth[self.lowest]
        yield f"Suggested for {self.optimizer}: optim.lr={self.suggestion:g}"
        yield (
            f"Why: the smoothed loss is lowest, {loss:.3g}, at a rate of {rate:.2g}; it fell by "
            f"{percent(self.fall)}. At a tenth of that rate it still falls, far from where it runs away."
        )

    def _end(self) -> Iterator[str]:
        if (rate := self.ran_away_at) is not None:
            yield f"At {rate:.2g} the loss ran away{': it was not finite' if self.diverged else ''}."
        else:
            yield f"The loss did not run away up to {self.highest:g}; a higher --to would show where it does."

    def to_dict(self) -> dict[str, object]:
        """Return all of it as plain data."""
        return {
            "name": self.name,
            "optimizer": self.optimizer,
            "suggestion": self.suggestion,
            "lowest": self.points[self.lowest][0] if self.points else None,
            "ran_away_at": self.ran_away_at,
            "said": self.sentences,
            "curve": [
                {"lr": rate, "loss": loss, "smooth": smooth}
                for (rate, loss), smooth in zip(self.points, self.smooth, strict=True)
            ],
        }


def runs_away(points: Sequence[Point]) -> bool:
    """Tell whether the newest loss is several times the lowest."""
    return bool(points) and points[-1][1] > RUNS_AWAY * min(loss for _, loss in points)
