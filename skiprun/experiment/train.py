"""Train a config to a finished run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from skiprun.config import RunConfig
from skiprun.config_file import Overrides
from skiprun.display.anywhere import open_board
from skiprun.experiment.named import config_of
from skiprun.experiment.opening import Opening
from skiprun.experiment.train_beside import train_beside
from skiprun.run import RUNS, Run
from skiprun.system.arguments import checked_arguments
from skiprun.system.progress import Progress, ProgressCallback


@checked_arguments
def train(
    config: RunConfig | Mapping[str, object] | Path | str,
    *,
    overrides: Overrides = (),
    runs: Path | str = RUNS,
    fresh: bool = False,
    progress: Progress | bool = False,
    loading: ProgressCallback | None = None,
    profile: bool = False,
    until: float = 1.0,
) -> Run:
    """Train one config to the end, continue it where it stopped, or return it finished.

    A run that pauses is continued by the same call with a larger share, and ends with the bits of one that
    never did.

        run = skiprun.train("configs/smoke.yaml", overrides={"optim.lr": 0.05}, progress=True)
        run.summary()["test"]["error"], run.columns()["train/loss"]

    Args:
        config: a YAML file, what such a file would hold, or an architecture, which is trained on digits.
        overrides: what is changed of it, as `{"optim.lr": 0.05, "seed": 3}`.
        runs: the folder of all runs.
        fresh: delete what is there and start over.
        progress: True shows how far the run is; or somebody who is told of steps and epochs.
        loading: told of (done, total, what) while data is prepared.
        profile: say where the time of a step goes, and write trace.json.
        until: the share of the run after which it pauses, at the next end of an epoch.

    Raises:
        InputError: config, name or data is wrong, and where; nothing was written.
        RunTaken, RunBusy: the directory is that of another experiment, or of a process.
        Diverged: a loss was not finite.
    """
    config, folder = config_of(config, overrides), Path(runs).expanduser()
    if not isinstance(progress, bool):
        return train_beside(Opening(config, folder, fresh, loading), progress, until, profile)
    with open_board(progress) as board:
        opening = Opening(config, folder, fresh, loading or board.loading)
        return train_beside(opening, board.row(f"{config.name} seed {config.seed}"), until, profile)
