"""The loop, the only one: forward, loss, backward, probes, clip, step; each epoch evaluate, log, checkpoint.

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
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from skiprun.config import RunConfig
from skiprun.connections.fade import set_skip_strength, skip_strength
from skiprun.errors import CheckpointError, ConfigError, Diverged, InputError, Stopped, counted, memory_needed
from skiprun.models import SMALLER_NETWORK
from skiprun.run import differences, recorded_config
from skiprun.tasks import Task
from skiprun.training.checkpoint import TO_GO_ON, Checkpoints, load, not_finite, refuse_incomplete, save
from skiprun.training.compilation import TrainingPass
from skiprun.training.device import Placement
from skiprun.training.evaluate import MOST_AT_ONCE, Batches, evaluate
from skiprun.training.graph import StepGraph
from skiprun.training.metrics import MetricsLog, Record
from skiprun.training.optim import (
    clip,
    goes_on,
    learning_rate,
    make_optimizer,
    put_learning_rate_on,
    set_learning_rate,
    steps_a_unit,
    total_steps,
)
from skiprun.training.randomness import Order, seed_step
from skiprun.training.recompute import recompute_blocks
from skiprun.training.stopping import SAVE

ROWS_A_FETCH = 20
SECONDS_A_SAVE = 300.0


class Data(Protocol):
    """What the loop needs of a dataset (see skiprun.data.Loaders)."""

    @property
    def fingerprint(self) -> str:
        """A digest of the pictures, their labels and the split."""

    @property
    def train(self) -> Any:
        """The training split; it has a length."""

    def train_batch(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Return augmented pictures and targets."""

    def batches(self, split: str, batch_size: int) -> Batches:
        """Return a split in its order."""


class Probe(Protocol):
    """What the loop needs of an instrument (see skiprun.probes)."""

    hooks: bool

    def tags(self, model: nn.Module) -> list[str]:
        """Return the names of the values."""

    def watch(self, model: nn.Module) -> contextlib.AbstractContextManager[None]:
        """Watch one forward and backward pass."""

    def read(self) -> Tensor:
        """Return the values of the watched pass, [len(tags)] on the device."""


@runtime_checkable
class Progress(Protocol):
    """Somebody who wants to know how far the run is."""

    def step(self, step: int, steps: int) -> None:
        """A step is done."""

    def epoch(self, record: Record) -> None:
        """An epoch is done."""


class Silence:
    """Progress that nobody watches."""

    def step(self, step: int, steps: int) -> None:
        """Say nothing."""

    def epoch(self, record: Record) -> None:
        """Say nothing."""


class Trainer:
    """Trains one network; `fit` continues from the last checkpoint if there is one."""

    def __init__(
        self,
        model: nn.Module,
        task: Task,
        data: Data,
        config: RunConfig,
        placement: Placement,
        checkpoints: Checkpoints,
        open_log: Callable[[int], MetricsLog],
        probes: Sequence[Probe] = (),
        progress: Progress | None = None,
        stop_requested: Callable[[], int | None] = lambda: None,
        say: Callable[[str], None] = lambda message: None,
        evaluation_batch: int = MOST_AT_ONCE,
    ) -> None:
        self.evaluation_batch = evaluation_batch
        self.task, self.data, self.config, self.placement = task, data, config, placement
        self.checkpoints, self.probes, self.stop_requested = checkpoints, probes, stop_requested
        self.progress = progress or Silence()
        layout = torch.channels_last if config.compute.channels_last else torch.contiguous_format
        with memory_needed(f"while the network is moved to {placement.device}", SMALLER_NETWORK):
            self.model = model.to(placement.device, memory_format=layout)  # type: ignore[call-overload]
        if config.compute.activation_checkpointing:
            recompute_blocks(self.model)
        self.network = TrainingPass(self.model, placement.way, say)
        self.learning = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        self.optimizer = make_optimizer(self.model, config.optim, placement.device, config.model.backbone_lr)
        self.average = self._make_average()
        self.order = Order(config.seed, len(data.train), config.data.batch_size, placement.device)
        self.steps = total_steps(config, len(data.train))
        self.unit = steps_a_unit(config, len(data.train))
        self.tags = [tag for probe in probes for tag in probe.tags(self.model)]
        # Steps made, whole epochs that are over, and the step after which was validated last.
        self.step = self.epoch = self.validated = 0
        # Of this epoch: loss, steps, clipped steps, and then the task's counts.
        self.sums = torch.zeros(3, dtype=torch.float64, device=placement.device)
        self.best: dict[str, Any] = {}
        self.final: dict[str, dict[str, float]] = {}
        self.seconds = {"epoch": 0.0, "train": 0.0}
        self.unfetched: list[tuple[Record, Tensor]] = []
        self.unchecked: list[Tensor] = []
        self.saved_at = time.monotonic()
        self.saved_step: int | None = None
        self.notes: list[str] = []
        state = self._restore()
        self.log = open_log(state.get("metrics_bytes", 0))
        self.notes += self.log.problems(state.get("metrics_sum"))
        # A probe with hooks has to see the step in Python, and a strength that fades is a number in Python.
        self.graph: StepGraph | None = None
        unusable = placement.device.type != "cuda" or config.model.skip_schedule is not None
        if config.compute.cuda_graph and unusable:
            self.notes.append("compute.cuda_graph: true is not used; it is for a GPU, and for no model.skip_schedule.")
        elif config.compute.cuda_graph:
            put_learning_rate_on(self.optimizer, placement.device)
            watched = not any(probe.hooks for probe in self.probes)
            self.graph = StepGraph(partial(self._learn, watched=watched), placement.device, say)

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
                with memory_needed(f"in a training step of {images}", self._fewer_at_once()):
                    self._run_to(min(self.steps, self.order.steps(self.epoch + 1)))
                self._end_epoch()
            return self._test()

    def _test(self) -> dict[str, float]:
        """Score the test split, once, with the best weights, and log it as the last record."""
        best = load(self.checkpoints.best, self.placement.device)
        if best["step"] != self.best["step"]:
            raise CheckpointError(
                f"{self.checkpoints.best}: of step {best['step']}, not {self.best['step']}, the best."
            )
        self.evaluated.load_state_dict(best["model"])
        scores = self.evaluate("test")
        tagged = {f"test/{name}": value for name, value in scores.items()}
        self.log.append({"step": self.step, "epoch": self.order.epochs(self.step), **tagged})
        self.log.sync()
        return scores

    def evaluate(self, split: str) -> dict[str, float]:
        """Return loss and scores of a split, from the averaged weights if there are any."""
        batches = self.data.batches(split, self.evaluation_batch)
        part = f"in the evaluation of the {split} split, {self.evaluation_batch} images at a time"
        with memory_needed(part, f"Free some, and the same command continues. {self._fewer_at_once()}"):
            return evaluate(self.evaluated, self.task, batches, self.placement.autocast)

    def _fewer_at_once(self) -> str:
        """Say what would take less memory: fewer images, or less of each."""
        if self.config.micro_batch == 1:
            try_smaller = "Try --fresh with a smaller data.image_size or model.width"
            return f"{try_smaller}, or with --set compute.activation_checkpointing=true."
        smaller = self.config.micro_batch // 2 * self.config.optim.accumulate
        return f"Try --fresh with --set data.batch_size={smaller}, or with a larger optim.accumulate."

    @property
    def evaluated(self) -> nn.Module:
        """The network whose weights count: the average, or the trained one."""
        return self.average.module if self.average else self.model

    def _run_to(self, end: int) -> None:
        """Train up to a step, saving when a signal asks or a long time has passed."""
        self.model.train()
        started = time.monotonic()
        while self.step < end:
            self._train_step()
            self.progress.step(self.step, self.steps)
            signal_number = self.stop_requested()
            if signal_number or time.monotonic() - self.saved_at > SECONDS_A_SAVE:
                started = self._lap(started)
                self._save()
            if signal_number and signal_number != SAVE:
                raise Stopped(signal_number, self.step)
        self._fetch()
        self._lap(started)

    def _lap(self, started: float) -> float:
        """Add the time since `started` to the clocks and return now."""
        now = time.monotonic()
        self.seconds = {clock: seconds + now - started for clock, seconds in self.seconds.items()}
        return now

    def _train_step(self) -> None:
        """Make one step of the optimizer."""
        seed_step(self.config.seed, self.step)
        rate = learning_rate(self.config.schedule, self.config.optim.lr, self.step, self.steps, self.unit)
        set_learning_rate(self.optimizer, rate)
        if fading := self.config.model.skip_schedule:
            epoch = self.step * self.config.data.batch_size / self.order.samples
            set_skip_strength(self.model, skip_strength(fading, epoch))
        logged = self.step == 0 or (self.step + 1) % self.config.log.every == 0
        hooked = logged and any(probe.hooks for probe in self.probes)
        batch = self._batch()
        row = self.graph(*batch) if self.graph and not hooked else self._learn(*batch, watched=logged)
        self.unchecked.append(row[0])
        if logged:
            self.unfetched.append(({"step": self.step + 1, "epoch": self.epoch, "lr": rate}, row))
        if self.average:
            self.average.update_parameters(self.model)
        self.step += 1
        if len(self.unfetched) >= ROWS_A_FETCH:
            self._fetch()

    def _batch(self) -> list[Tensor]:
        """Return the pictures and targets of this step, one pair a micro-batch."""
        pictures, targets = self.data.train_batch(self.order.batch(self.step))
        if self.config.compute.channels_last:
            pictures = pictures.contiguous(memory_format=torch.channels_last)
        parts = self.config.optim.accumulate
        return [each for pair in zip(pictures.chunk(parts), targets.chunk(parts), strict=True) for each in pair]

    def _learn(self, *batch: Tensor, watched: bool) -> Tensor:
        """Change the weights by one batch, and return its mean loss and, if watched, the values of the probes.

        Nothing here waits for the device or depends on a value, so that a CUDA graph can hold it.
        """
        self.optimizer.zero_grad(set_to_none=True)
        probes = self.probes if watched else ()
        with contextlib.ExitStack() as watching:
            for probe in probes:
                watching.enter_context(probe.watch(self.model))
            loss = self._forward_backward(batch, eager=any(probe.hooks for probe in probes))
        row = torch.cat([loss.reshape(1), *(probe.read() for probe in probes)])
        clipped = clip(self.learning, self.config.optim)
        if clipped is not None:
            self.sums[2] += clipped
        self.optimizer.step()
        return row

    def _forward_backward(self, batch: Sequence[Tensor], eager: bool) -> Tensor:
        """Fill the gradients from micro-batches, and return the loss of all of them as one."""
        sizes = torch.stack([self.task.sizes(targets) for targets in batch[1::2]]).sum(0)
        total = torch.zeros((), device=self.placement.device)
        for pictures, targets in zip(batch[::2], batch[1::2], strict=True):
            with self.placement.autocast():
                output = self.network(pictures, eager)
            loss = self.task.loss(output, targets, sizes)
            loss.backward()
            total += loss.detach()
            self._count(output.detach(), targets)
        self.sums[0] += total.double()
        self.sums[1] += 1
        return total

    def _count(self, output: Tensor, targets: Tensor) -> None:
        """Add a batch to the scores of the epoch."""
        counts = self.task.counts(output, targets)
        if len(self.sums) == 3:
            self.sums = torch.cat([self.sums, torch.zeros_like(counts)])
        self.sums[3:] += counts

    def _fetch(self) -> None:
        """Bring the rows since the last fetch from the device, the only synchronization within an epoch."""
        if self.unchecked:
            finite = torch.stack(self.unchecked).isfinite().tolist()
            if not all(finite):
                self._diverged("loss", self.step - len(finite) + finite.index(False) + 1)
            self.unchecked = []
        if self.unfetched:
            for (record, _), row in zip(
                self.unfetched, torch.stack([row for _, row in self.unfetched]).tolist(), strict=True
            ):
                self.log.append(record | dict(zip(["train/loss", *self.tags], row, strict=True)))
            self.unfetched = []

    def _end_epoch(self) -> None:
        """Evaluate, log, keep the best and save, where an epoch ends, or the run within one."""
        loss, steps, clipped = self.sums[:3].tolist()
        train = {"loss": loss / steps, **self.task.scores(self.sums[3:])}
        val = self.evaluate("val")
        if not math.isfinite(val["loss"]):
            self._diverged("validation loss", self.step)
        if math.isnan(val[self.task.score_name]):
            raise InputError(f"In the validation split is nothing that {self.task.score_name} could score; enlarge it.")
        record = self._epoch_record(train, val, clipped / steps, round(steps))
        self.log.append(record)
        self.final = {"train": train, "val": val}
        self._keep_if_best(val)
        self.validated = self.step
        if self.order.epochs(self.step) == self.epoch + 1:  # else a longer run goes on within the epoch
            self.epoch += 1
            self.sums.zero_()
            self.seconds["epoch"] = 0.0
        self._save()
        self.progress.epoch(record)

    def _epoch_record(self, train: dict[str, float], val: dict[str, float], clipped: float, steps: int) -> Record:
        scores = {f"train/{name}": value for name, value in train.items() if name != "loss"}
        seconds = self.seconds["epoch"]
        return {
            "step": self.step,
            "epoch": self.order.epochs(self.step),
            "epoch_end": True,
            "train/epoch_loss": train["loss"],
            **scores,
            **{f"val/{name}": value for name, value in val.items()},
            "grad/clipped_fraction": clipped,
            "time/epoch_s": seconds,
            "time/images_per_s": steps * self.config.data.batch_size / seconds,
        }

    def _keep_if_best(self, val: dict[str, float]) -> None:
        """Write best.pt if validation went better than ever before: by the score, then by the loss."""
        if not self.best or self._rank(val) < self._rank(self.best["val"]):
            self.best = {"step": self.step, "epoch": self.order.epochs(self.step), "val": val}
            self._write_best()

    def _rank(self, val: dict[str, float]) -> tuple[float, float]:
        """Return what is lower for better scores of a validation."""
        score = val[self.task.score_name]
        return (score if self.task.better == "lower" else -score), val["loss"]

    def _write_best(self) -> None:
        save(self.checkpoints.best, {"model": self.evaluated.state_dict(), **self.best})

    def _make_average(self) -> AveragedModel | None:
        """Return the exponential moving average of the weights, if the config asks for one."""
        decay = self.config.optim.ema
        if decay is None:
            return None
        average = AveragedModel(self.model, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True)
        average.n_averaged = average.n_averaged.cpu()  # it is looked at in every step
        return average

    def _save(self) -> None:
        """Write last.pt, unless the weights are not finite."""
        self._fetch()
        if bad := not_finite(self.model.state_dict()):
            self._diverged(f"network's {bad}", self.step)
        self.checkpoints.save_last(self._state() | self.log.sync())
        self.saved_at, self.saved_step = time.monotonic(), self.step

    def _state(self) -> dict[str, Any]:
        """Return all that a continued run cannot compute again."""
        return {
            "torch": str(torch.__version__),
            "threads": torch.get_num_threads(),
            "pass": self.network.way,
            "precision": self.placement.precision,
            "device": str(self.placement.device),
            "config": self.config.plain(),
            "data": self.data.fingerprint,
            "samples": len(self.data.train),
            "model": self.model.state_dict(),
            "average": self.average.state_dict() if self.average else None,
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "epoch": self.epoch,
            "validated": self.validated,
            "sums": self.sums,
            "seconds": self.seconds,
            "best": self.best,
            "final": self.final,
        }

    def _restore(self) -> dict[str, Any]:
        """Load the last checkpoint and return it; an empty one if there is none."""
        state, self.notes = self.checkpoints.load_last(self.placement.device)
        if state is None:
            return {}
        self._refuse_another(state)
        if self.config.compute.threads is None:
            torch.set_num_threads(state["threads"])
        if self.config.compute.compile == "auto":
            self.network.way = state.get("pass", "eager")
        now = {
            "torch": str(torch.__version__),
            "threads": torch.get_num_threads(),
            "pass": self.network.way,
            "precision": self.placement.precision,
            "device": str(self.placement.device),
        }
        then = {key: state.get(key, "unknown") for key in now}
        changed = [f"{key} {then[key]} -> {value}" for key, value in now.items() if then[key] != value]
        if changed:
            self.notes.append(f"Not bit-identical to an uninterrupted run: {', '.join(changed)}.")
        try:
            self._take_over(state)
        except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
            what = f"{type(error).__name__}: {str(error).splitlines()[0]}" if str(error) else type(error).__name__
            raise CheckpointError(f"{self.checkpoints.last}: does not fit this run ({what}).") from None
        self._recover_best()
        return state

    def _take_over(self, state: dict[str, Any]) -> None:
        """Take weights, optimizer and counters from a state."""
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.average:
            self.average.load_state_dict(state["average"])
        self.step, self.epoch, self.sums = state["step"], state["epoch"], state["sums"]
        self.validated = state["validated"] if "validated" in state else self._validated_by_earlier_version()
        self.seconds = {clock: float(state["seconds"][clock]) for clock in self.seconds}
        self.best, self.final = state["best"], state["final"]
        if self.best:
            float(self.best["val"][self.task.score_name]), int(self.best["step"])
        self.saved_step = self.step

    def _validated_by_earlier_version(self) -> int:
        """Return the step that was validated last, of a state that counts the part of an epoch as a whole one."""
        end = self.order.steps(self.epoch) if self.epoch else 0
        if end > self.step:
            self.epoch -= 1
        return min(end, self.step)

    def _refuse_another(self, state: dict[str, Any]) -> None:
        """Raise CheckpointError unless a state is of this experiment, this seed and this dataset."""
        if "optimizer" not in state:
            raise CheckpointError(f"{self.checkpoints.last}: holds weights only; it is a copy of another file.")
        refuse_incomplete(self.checkpoints.last, state, TO_GO_ON)
        try:
            theirs = recorded_config(state["config"])
        except ConfigError as error:
            raise CheckpointError(f"{self.checkpoints.last}: its config cannot be read ({error}).") from None
        longer = goes_on(theirs.schedule, self.config.schedule)
        changed = differences(
            theirs.revised(schedule=self.config.plain()["schedule"]) if longer else theirs, self.config
        )
        if theirs.seed != self.config.seed:
            changed.append(f"seed: {theirs.seed} -> {self.config.seed}")
        if changed:
            raise CheckpointError(f"{self.checkpoints.last}: of another experiment ({'; '.join(changed)}).")
        if state["data"] != self.data.fingerprint:
            sizes = f"{state.get('samples', '?')} pictures to train on then, {len(self.data.train)} now"
            raise CheckpointError(
                f"{self.checkpoints.last}: the dataset has changed since ({sizes}); bring it back, or start it "
                "over with `skiprun train --fresh`."
            )

    def _recover_best(self) -> None:
        """Make sure that best.pt is whole; write it again if the weights at hand are the best."""
        if not self.best:
            return
        try:
            load(self.checkpoints.best)
        except CheckpointError:
            if self.best["step"] != self.step:
                raise
            self._write_best()

    @property
    def kept_step(self) -> int | None:
        """The step of last.pt; None if there is none, also where somebody deleted it while the run went on."""
        return self.saved_step if self.checkpoints.last.exists() else None

    def _diverged(self, what: str, step: int) -> None:
        rate = learning_rate(self.config.schedule, self.config.optim.lr, step - 1, self.steps, self.unit)
        raise Diverged(what, step, rate, self.kept_step)
