"""How a training ends: done, stopped, diverged or failed; its status and its memory are recorded."""

from __future__ import annotations

import contextlib
import logging

import torch

from skiprun.errors import Diverged, OutOfMemory, Stopped, StorageError, is_out_of_memory, kept, out_of_memory
from skiprun.run import Run, State
from skiprun.training.gpu_record import describe_gpu
from skiprun.training.process_group import explain_lost_rank
from skiprun.training.trainer import Trainer

log = logging.getLogger(__name__)


def fit(trainer: Trainer, run: Run, until: float = 1.0) -> dict[str, float] | None:
    """Train to the end and return the test scores; any other end is recorded, with what is kept.

    Args:
        trainer: of the run.
        run: its directory.
        until: the share after which it pauses, where None is returned.
    """
    try:
        if (test := trainer.fit(until)) is None:
            run.record_status("stopped", trainer.step, f"paused at step {trainer.step} of {trainer.steps}")
        return test
    except BaseException as error:
        said = in_words(error, trainer)
        try:
            with contextlib.suppress(StorageError):  # on a full disk, the error itself is what must be heard
                run.record_status(state_after(said), trainer.step, str(said))
            if said is error:
                raise
            raise said from error
        finally:
            del said  # or it and this frame would keep each other, and the trainer with its memory
    finally:
        record_memory(run, trainer.setup.device)


def early_stop_note(trainer: Trainer) -> str:
    """Say where a run stopped early, and how it would go on."""
    schedule, best = trainer.config.schedule, trainer.best.record
    whole = f"--{'epochs' if schedule.epochs else 'steps'} {schedule.length:g}"
    return (
        f"Stopped early at step {trainer.step} of {trainer.steps}: validation was no better than at epoch "
        f"{best['epoch']:g} for {schedule.patience} epochs (schedule.patience). `skiprun resume` goes on "
        f"with {whole}."
    )


def in_words(error: BaseException, trainer: Trainer) -> BaseException:
    """Return an error with what it means for a run, as far as that is known."""
    error = explain_lost_rank(error, trainer.ranks)
    if is_out_of_memory(error):
        error = out_of_memory(error)
    if isinstance(error, StorageError | OutOfMemory):
        return type(error)(
            f"{error} Training stopped at step {trainer.step}; {kept(trainer.checkpoints.step)}."
        )
    return error


def state_after(error: BaseException) -> State:
    """Return what an error leaves a run in."""
    if isinstance(error, Diverged):
        return "diverged"
    return "stopped" if isinstance(error, Stopped | KeyboardInterrupt) else "failed"


def record_memory(run: Run, device: torch.device) -> None:
    """Say how much memory of a GPU the session took at most, and add that to its record."""
    gpu = describe_gpu(device)
    if "peak_memory_bytes" in gpu:
        log.info(f"This process took {gpu['peak_memory_bytes'] / 1e9:.2f} GB of the GPU's memory at most.")
        with contextlib.suppress(StorageError):
            run.amend_session({"gpu": gpu})
