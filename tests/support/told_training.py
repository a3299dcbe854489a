"""Training whose scores are told beforehand, so that a comparison takes no time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

from skiprun.config import RunConfig
from skiprun.errors import Stopped
from skiprun.experiment.planned import Planned
from skiprun.run import Run
from tests.support.fake_runs import write_run

T = TypeVar("T")
Scores = Callable[[str, int], float | None]


class ToldTraining(Generic[T]):
    """Stands for the training of what is missing; `train` writes a run.

    Attributes:
        trained: what was trained, in order.
        stop_after: so many runs, after which somebody presses Ctrl-C.
    """

    def __init__(self) -> None:
        self.trained: list[T] = []
        self.stop_after: int | None = None

    def __call__(self, planned: Sequence[Planned], runs: Path, **_: object) -> list[Run]:
        for item in planned:
            item.refuse_what_is_not_ours()
            if item.missing and item.config:
                if len(self.trained) == self.stop_after:
                    raise Stopped(2)
                self.train(item.config, runs)
        return [item.run for item in planned]

    def train(self, config: RunConfig, runs: Path) -> None:
        raise NotImplementedError


class Training(ToldTraining[tuple[str, int]]):
    """Stands for the training of what is missing.

    Attributes:
        score: test error of a network and a seed; None: it diverges.
        stop_at: the seed at which somebody presses Ctrl-C.
    """

    def __init__(self, score: Scores) -> None:
        super().__init__()
        self.score = score
        self.stop_at: int | None = None

    def train(self, config: RunConfig, runs: Path) -> None:
        model, seed = config.model.name, config.seed
        if seed == self.stop_at:
            raise Stopped(2)
        error = self.score(model, seed)
        write_run(
            runs,
            config.name,
            seed,
            model=model,
            connection="none" if "plain" in model else "add",
            epochs=1,
            test={"error": error or 0.0},
            state="diverged" if error is None else "finished",
            settings=config.to_dict(),
        )
        self.trained.append((model, seed))
