"""The training loop: forward, loss, backward, probes, clip, step; each epoch evaluate, log, checkpoint.

What differs between problems is in the Task, what watches is in the Probes. Learning rate, data order and every random
draw are functions of the step, so a checkpoint holds weights, optimizer and counters, and nothing else is needed to
continue with the same bits.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from skiprun.config import RunConfig
from skiprun.connections.fade import set_skip_strength, skip_strength
from skiprun.data.contract import TrainingData, micro_batches
from skiprun.errors import Diverged, InputError, Stopped, counted, memory_needed
from skiprun.inference.evaluate import MOST_AT_ONCE, evaluate_batches
from skiprun.models import SMALLER_NETWORK
from skiprun.probes.base import Probe
from skiprun.system.progress import NullProgress, Progress
from skiprun.tasks import Task
from skiprun.training import resume
from skiprun.training.acceleration.activation_checkpointing import recompute_blocks
from skiprun.training.acceleration.compilation import TrainingPass
from skiprun.training.acceleration.graph import make_graph
from skiprun.training.best import Best
from skiprun.training.checkpoint import Checkpoints, not_finite
from skiprun.training.device import DeviceSetup, less_memory
from skiprun.training.metrics import MetricsLog, PendingMetrics, tagged
from skiprun.training.optim import clip, make_ema_model, make_optimizer
from skiprun.training.randomness import Order, seed_step
from skiprun.training.schedule import learning_rate, set_learning_rate, steps_a_unit, total_steps
from skiprun.training.state import Checkpoint
from skiprun.training.stopping import SAVE
from skiprun.training.totals import EpochTotals

SECONDS_A_SAVE = 300.0


class Trainer:
    """Trains one network: `resume` takes over the last checkpoint if there is one, `fit` trains to the end.

    Attributes:
        step: steps made.
        epoch: whole epochs that are over.
        validated: the step after which was validated last.
        best: the best validation.
        final: scores of the last epoch, by split.
    """

    def __init__(
        self,
        model: nn.Module,
        task: Task,
        data: TrainingData,
        config: RunConfig,
        setup: DeviceSetup,
        checkpoints: Checkpoints,
        open_log: Callable[[int], MetricsLog],
        probes: Sequence[Probe] = (),
        progress: Progress | None = None,
        stop_signal: Callable[[], int | None] = lambda: None,
        evaluation_batch: int = MOST_AT_ONCE,
    ) -> None:
        self.task, self.data, self.config, self.setup = task, data, config, setup
        self.checkpoints, self.open_log, self.probes = checkpoints, open_log, probes
        self.progress, self.stop_signal = progress or NullProgress(), stop_signal
        self.evaluation_batch = evaluation_batch

        layout = torch.channels_last if config.compute.channels_last else torch.contiguous_format
        with memory_needed(f"while the network is moved to {setup.device}", SMALLER_NETWORK):
            self.model = model.to(setup.device, memory_format=layout)  # type: ignore[call-overload]
        if config.compute.activation_checkpointing:
            recompute_blocks(self.model)
        self.forward_pass = TrainingPass(self.model, setup.way)
        self.trainable = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        self.optimizer = make_optimizer(self.model, config.optim, setup.device, config.model.backbone_lr)
        self.ema_model = make_ema_model(self.model, config.optim.ema)

        self.order = Order(config.seed, len(data.train), config.data.batch_size, setup.device)
        self.steps = total_steps(config, len(data.train))
        self.unit = steps_a_unit(config, len(data.train))
        self.step = self.epoch = self.validated = 0
        self.totals = EpochTotals(setup.device)
        self.best = Best(checkpoints.best, task)
        self.final: dict[str, dict[str, float]] = {}
        self.seconds = {"epoch": 0.0, "train": 0.0}
        self.pending = PendingMetrics([tag for probe in probes for tag in probe.tags(self.model)])
        self.notes: list[str] = []
        self.saved_at = time.monotonic()
        self.saved_step: int | None = None

        # A probe with hooks has to see the step in Python, so that a captured step has no probes then.
        captured = partial(self.optimizer_step, watched=not any(probe.hooks for probe in probes))
        self.graph = make_graph(config, captured, self.optimizer, setup.device)

    def resume(self) -> None:
        """Take over the last checkpoint, if there is one, and open the log from there; notes are for people.

        Raises:
            CheckpointError: there are checkpoints, and none can be used, or they are of another experiment.
        """
        samples, device = len(self.data.train), self.setup.device
        state, self.notes = resume.read_last(self.checkpoints, self.config, self.data.fingerprint, samples, device)
        if state is not None:
            resume.restore_conditions(state, self.config.compute, self.forward_pass)
            self.notes += resume.changed_conditions(state, resume.conditions(self.setup, self.forward_pass))
            self.load_state_dict(state)
            self.best.recover(self.evaluated, self.step)
        self.log = self.open_log(state["metrics_bytes"] if state else 0)
        self.notes += self.log.problems(state.get("metrics_sum") if state else None)

    def fit(self) -> dict[str, float]:
        """Train to the end, and return loss and scores of the test split.

        Raises:
            Diverged: a loss was not finite; the last good checkpoint is kept.
            Stopped: a signal asked; the state is saved.
        """
        with self.log:
            # Not `step < steps`: a run may be stopped after its last step, before that is validated.
            while self.validated < self.steps:
                images = counted(self.config.micro_batch, "image")
                with memory_needed(f"in a training step of {images}", less_memory(self.config)):
                    self.train_to(min(self.steps, self.order.steps(self.epoch + 1)))
                self.end_epoch()
            return self.test()

    def train_to(self, end: int) -> None:
        """Train up to a step, saving when a signal asks or a long time has passed."""
        self.model.train()
        started = time.monotonic()
        while self.step < end:
            self.train_step()
            self.progress.step(self.step, self.steps)
            signal_number = self.stop_signal()
            if signal_number or time.monotonic() - self.saved_at > SECONDS_A_SAVE:
                started = self._update_timers(started)
                self.save()
            if signal_number and signal_number != SAVE:
                raise Stopped(signal_number, self.step)
        self.flush_metrics()
        self._update_timers(started)

    def train_step(self) -> None:
        """Make one step; what it found stays on the device until `flush_metrics`."""
        # Every draw of a step is a function of the seed and its number, so that no generator's state is ever saved.
        seed_step(self.config.seed, self.step)
        lr = learning_rate(self.config.schedule, self.config.optim.lr, self.step, self.steps, self.unit)
        set_learning_rate(self.optimizer, lr)
        if fading := self.config.model.skip_schedule:
            epoch = self.step * self.config.data.batch_size / self.order.samples
            set_skip_strength(self.model, skip_strength(fading, epoch))

        batch = micro_batches(*self.data.train_batch(self.order.batch(self.step)), self.config)
        logged = self.step == 0 or (self.step + 1) % self.config.log.every == 0
        # A CUDA graph runs no hook: a step that a hook has to see is made without.
        if self.graph and not (logged and any(probe.hooks for probe in self.probes)):
            metrics = self.graph(*batch)
        else:
            metrics = self.optimizer_step(*batch, watched=logged)
        if self.ema_model:
            self.ema_model.update_parameters(self.model)

        self.pending.add(metrics, {"step": self.step + 1, "epoch": self.epoch, "lr": lr} if logged else None)
        self.step += 1
        if self.pending.is_full:
            self.flush_metrics()

    def optimizer_step(self, *batch: Tensor, watched: bool) -> Tensor:
        """Change the weights by one batch, and return its mean loss and, if watched, the values of the probes.

        Nothing here waits for the device or depends on a value, so that a CUDA graph can hold it.

        Args:
            batch: images and targets of each micro-batch in turn.
            watched: let the probes watch.
        """
        probes = self.probes if watched else ()
        eager = any(probe.hooks for probe in probes)  # a compiled pass runs no hook
        self.optimizer.zero_grad(set_to_none=True)
        with contextlib.ExitStack() as watching:
            for probe in probes:
                watching.enter_context(probe.watch(self.model))
            # The terms that the loss is a mean over, of all micro-batches: void pixels are not spread evenly.
            sizes = torch.stack([self.task.sizes(targets) for targets in batch[1::2]]).sum(0)
            loss = torch.zeros((), device=self.setup.device)
            for images, targets in zip(batch[::2], batch[1::2], strict=True):
                with self.setup.autocast():
                    output = self.forward_pass(images, eager)
                share = self.task.loss(output, targets, sizes)
                share.backward()
                loss += share.detach()
                self.totals.add_batch(self.task.counts(output.detach(), targets))
        # Probes read the gradient of the loss, not the clipped one.
        metrics = torch.cat([loss.reshape(1), *(probe.read() for probe in probes)])
        clipped = clip(self.trainable, self.config.optim)
        self.totals.add_step(loss, clipped)
        self.optimizer.step()
        return metrics

    def flush_metrics(self) -> None:
        """Fetch the losses and rows since the last time, the only synchronization within an epoch, and log the rows."""
        rows, not_finite_ago = self.pending.fetch()
        if not_finite_ago is not None:
            raise self.diverged("loss", self.step - not_finite_ago)
        for row in rows:
            self.log.append(row)

    def end_epoch(self) -> None:
        """Evaluate, log, keep the best and save, where an epoch ends, or the run within one."""
        loss, clipped, steps = self.totals.fetch()
        assert self.totals.counts is not None, "an epoch has at least one step"
        train = {"loss": loss, **self.task.scores(self.totals.counts)}
        val = self.evaluate("val")
        if not math.isfinite(val["loss"]):
            raise self.diverged("validation loss", self.step)
        if math.isnan(val[self.task.score_name]):
            raise InputError(f"In the validation split is nothing that {self.task.score_name} could score; enlarge it.")
        record = {"step": self.step, "epoch": self.order.epochs(self.step), "epoch_end": True}
        record |= tagged("train", train, loss="epoch_loss") | tagged("val", val)
        record |= {"grad/clipped_fraction": clipped, "time/epoch_s": self.seconds["epoch"]}
        record["time/images_per_s"] = steps * self.config.data.batch_size / self.seconds["epoch"]
        self.log.append(record)
        self.final = {"train": train, "val": val}
        self.best.update({"step": self.step, "epoch": record["epoch"], "val": val}, self.evaluated)
        self.validated = self.step
        if self.order.epochs(self.step) == self.epoch + 1:  # else a longer run goes on within the epoch
            self.epoch += 1
            self.totals.reset()
            self.seconds["epoch"] = 0.0
        self.save()
        self.progress.epoch(record)

    @property
    def evaluated(self) -> nn.Module:
        """The network whose weights count: their moving average, or the trained one."""
        return self.ema_model.module if self.ema_model else self.model

    def evaluate(self, split: str) -> dict[str, float]:
        """Return loss and scores of a split, from the averaged weights if there are any."""
        batches = self.data.batches(split, self.evaluation_batch)
        part = f"in the evaluation of the {split} split, {self.evaluation_batch} images at a time"
        with memory_needed(part, f"Free some, and the same command continues. {less_memory(self.config)}"):
            return evaluate_batches(self.evaluated, self.task, batches, self.setup.autocast)

    def test(self) -> dict[str, float]:
        """Score the test split, once, with the best weights, and log it as the last record."""
        self.evaluated.load_state_dict(self.best.load(self.setup.device))
        scores = self.evaluate("test")
        self.log.append({"step": self.step, "epoch": self.order.epochs(self.step), **tagged("test", scores)})
        self.log.sync()
        return scores

    def save(self) -> None:
        """Write last.pt.

        Raises:
            Diverged: the weights are not finite; the last good checkpoint is kept.
        """
        self.flush_metrics()
        if bad := not_finite(self.model.state_dict()):
            raise self.diverged(f"network's {bad}", self.step)
        self.checkpoints.save_last({**self.state_dict(), **self.log.sync()})
        self.saved_at, self.saved_step = time.monotonic(), self.step

    def state_dict(self) -> Checkpoint:
        """Return all that a continued run cannot compute again."""
        state: Checkpoint = {
            "config": self.config.to_dict(),
            "data": self.data.fingerprint,
            "samples": len(self.data.train),
            "model": self.model.state_dict(),
            "ema_model": self.ema_model.state_dict() if self.ema_model else None,
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "epoch": self.epoch,
            "validated": self.validated,
            "totals": self.totals.state_dict(),
            "seconds": self.seconds,
            "best": self.best.record,
            "final": self.final,
        }
        return {**resume.conditions(self.setup, self.forward_pass), **state}

    def load_state_dict(self, state: Checkpoint) -> None:
        """Take over weights, optimizer and counters; CheckpointError where they do not fit this run."""
        with resume.fitting(self.checkpoints.last):
            self.model.load_state_dict(state["model"])
            self.optimizer.load_state_dict(state["optimizer"])
            if self.ema_model:
                self.ema_model.load_state_dict(state["ema_model"] or {})
            self.totals.load_state_dict(state["totals"])
            self.step, (self.epoch, self.validated) = state["step"], resume.last_validation(state, self.order)
            self.seconds = {clock: float(state["seconds"][clock]) for clock in self.seconds}
            self.best.load_state_dict(state["best"])
            self.final = state["final"]
        self.saved_step = self.step

    def _update_timers(self, started: float) -> float:
        """Add the time since `started` to the clocks and return now."""
        now = time.monotonic()
        self.seconds = {clock: seconds + now - started for clock, seconds in self.seconds.items()}
        return now

    @property
    def kept_step(self) -> int | None:
        """The step of last.pt; None if there is none, also where somebody deleted it while the run went on."""
        return self.saved_step if self.checkpoints.last.exists() else None

    def diverged(self, what: str, step: int) -> Diverged:
        """Return the error of a value that is not finite."""
        lr = learning_rate(self.config.schedule, self.config.optim.lr, step - 1, self.steps, self.unit)
        return Diverged(what, step, lr, self.kept_step)
