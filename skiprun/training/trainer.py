"""The training loop: forward, loss, backward, probes, clip, step; each epoch evaluate, log, checkpoint.

What differs between problems is in the Task, what watches is in the Probes. Learning rate, data order and
every random draw are functions of the step: weights, optimizer and counters continue with the same bits.
"""

from __future__ import annotations

import contextlib
import math
from functools import partial

import torch
from torch import Tensor, nn

from skiprun.config import RunConfig
from skiprun.data.contract import TrainingData
from skiprun.errors import Diverged, InputError, Stopped, counted, explain_out_of_memory
from skiprun.inference.kept_images import Keep, KeptImages
from skiprun.tasks import Task
from skiprun.training import resume
from skiprun.training.acceleration.compilation import ForwardPass
from skiprun.training.acceleration.fewer_launches import FewerLaunches
from skiprun.training.acceleration.graph import make_graph
from skiprun.training.acceleration.step_maker import StepMaker, aside
from skiprun.training.best import BestCheckpoint
from skiprun.training.device import DeviceSetup, memory_advice
from skiprun.training.ema import make_ema_model
from skiprun.training.evaluation import Evaluator
from skiprun.training.metrics import MetricsLog, tagged
from skiprun.training.micro_batches import micro_batches
from skiprun.training.optim import clip, load_optimizer, make_optimizer
from skiprun.training.overlap import overlapped, summing
from skiprun.training.pending import PendingMetrics
from skiprun.training.placing import put_trained
from skiprun.training.randomness import draws_for_a_batch, seed_step
from skiprun.training.sample_order import BatchSampler
from skiprun.training.schedule import StepSettings
from skiprun.training.state import Checkpoint, find_not_finite
from skiprun.training.step_state import StepState
from skiprun.training.stopping import SAVE, Wishes
from skiprun.training.surroundings import Surroundings
from skiprun.training.synchronized_norm import take_statistics
from skiprun.training.timers import Timers
from skiprun.training.totals import EpochTotals

STEPS_AHEAD = 2  # that data is read before it is wanted


class Trainer:
    """Trains one network: call `load_checkpoint` first, which also opens the log, then `fit`.

    Attributes:
        step, validated_step, epoch: steps done, now and at the last validation; whole epochs done.
        last_scores, images: scores of the newest epoch, by split; what is said of each image of test.
        notes: what `load_checkpoint` has to tell the user.
    """

    def __init__(
        self,
        model: nn.Module,
        task: Task,
        data: TrainingData,
        config: RunConfig,
        setup: DeviceSetup,
        surroundings: Surroundings,
    ) -> None:
        self.task, self.data, self.config, self.setup = task, data, config, setup
        self.surroundings, self.ranks = surroundings, surroundings.ranks
        self.checkpoints, self.probes = surroundings.checkpoints, surroundings.probes
        self.model = put_trained(model, setup.device, config)
        self.overlaps = self.ranks.count > 1 and config.compute.overlap
        self.forward_pass = ForwardPass(
            overlapped(self.model) if self.overlaps else self.model, setup.execution
        )
        self.fewer_launches = FewerLaunches(self.forward_pass, setup)
        self.trainable = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        self.optimizer = make_optimizer(self.model, config.optim, setup.device, config.model.backbone_lr)
        self.ema_model = make_ema_model(self.model, config.optim.ema)
        order = config.seed_of("order"), len(data.train), config.data.batch_size
        self.sampler = BatchSampler(*order, data.index_device, data.shard_sizes)
        self.settings = StepSettings(config, len(data.train), self.optimizer, self.model)
        self.steps, self.step, self.epoch, self.validated_step = self.settings.steps, 0, 0, 0
        self.totals = EpochTotals(setup.device)
        self.best, self.images = BestCheckpoint(self.checkpoints, task, config), KeptImages(task)
        self.last_scores: dict[str, dict[str, float]] = {}
        self.timers, self.wishes = Timers(), Wishes(surroundings.stop_signal)
        self.pending = PendingMetrics([tag for probe in self.probes for tag in probe.tags(self.model)])
        self.notes: list[str] = []
        self.conditions = partial(resume.conditions, setup, self.forward_pass, self.ranks.count)
        self.log: MetricsLog  # opened by `load_checkpoint`
        self.draws_for_a_batch = draws_for_a_batch(self.model)
        self.has_hooks = any(probe.hooks for probe in self.probes)
        state = StepState(setup.device, self.model, self.optimizer, self.totals, self.ema_model)
        how = self.ranks.count, self.forward_pass, setup.precision
        self.graph: StepMaker | None = make_graph(config, self.steps, self.has_hooks, state, *how)
        self.evaluation = Evaluator(task, data, config, setup, surroundings, captured=self.graph is not None)

    def load_checkpoint(self) -> None:
        """Load the last checkpoint if there is one, open the log where it ended, and fill in `notes`.

        Raises:
            CheckpointError: there are checkpoints, and none can be used, or they are of another experiment.
        """
        expected = self.config, self.data.fingerprint, len(self.data.train)
        state, self.notes = self.ranks.once(lambda: resume.read_last(self.checkpoints, *expected))
        if state is not None:
            how = self.config.compute, self.forward_pass, self.graph
            resume.restore_conditions(state, self.conditions(), *how)
            self.notes += resume.changed_conditions(state, self.conditions())
            self.load_state_dict(state)
            self.ranks.once(lambda: self.best.recover(self.eval_model, self.step))
        self.log = self.surroundings.open_log(state["metrics_bytes"] if state else 0)
        self.notes += self.log.problems(state.get("metrics_sum") if state else None)

    def fit(self, until: float = 1.0) -> dict[str, float] | None:
        """Train to the end, and return loss and scores of the test split; None if it pauses before.

        Args:
            until: the share of the run after which it pauses, at the next end of an epoch. What is saved
                there goes on as if nothing had been: the schedule is that of the whole run.

        Raises:
            Diverged: a loss was not finite; the last good checkpoint is kept.
            Stopped: a signal asked; the state is saved.
        """
        with self.log, self.checkpoints, aside(self.graph):
            # Not `step < steps`: a run may be stopped after its last step, before that is validated.
            while self.validated_step < self.steps and not self.stopped_early:
                if self.share_done >= until:
                    return None
                part = f"in a training step of {counted(self.config.micro_batch_size, 'image')}"
                with explain_out_of_memory(part, memory_advice(self.config)):
                    self.train_to(min(self.steps, self.sampler.steps(self.epoch + 1)))
                self.end_epoch()
            return self.test()

    @property
    def stopped_early(self) -> bool:
        """Whether validation waited `schedule.patience` epochs for a better score, and steps are left."""
        patience, best = self.config.schedule.patience, self.best.record
        if not patience or not best or self.validated_step >= self.steps:
            return False
        return self.sampler.epochs(self.validated_step) - best["epoch"] >= patience

    @property
    def share_done(self) -> float:
        """The share of the run that is trained and validated."""
        epochs = self.sampler.epochs(self.validated_step) if self.validated_step else 0.0
        return self.config.schedule.share(self.validated_step, epochs)

    def train_to(self, end: int) -> None:
        """Train up to a step, saving when a signal asks or a long time has passed."""
        self.model.train()
        self.timers.start()
        while self.step < end:
            self.train_step()
            self.surroundings.progress.step(self.step, self.steps)
            wish = self.ranks.agree(self.wishes.now())
            if wish:
                self.timers.update()
                self.save()
            if wish > SAVE:
                raise Stopped(wish - SAVE, self.step)
        self.flush_metrics()
        self.timers.update()

    def train_step(self) -> None:
        """Make one step; what it found stays on the device until `flush_metrics`."""
        # Every draw of a step is a function of the seed and its number: no generator's state is saved.
        seed_step(self.config.seed_of("augment"), self.step)
        lr = self.settings.apply(self.step)
        fetched = self.data.fetch(self.sampler.batch(self.step))
        if self.data.reads_ahead and self.step + STEPS_AHEAD < self.steps:
            self.data.prefetch(self.sampler.batch(self.step + STEPS_AHEAD))
        if self.ranks.rank and not self.draws_for_a_batch:
            seed_step(self.config.seed_of("augment"), self.step, self.ranks.rank)
        logged = self.step == 0 or (self.step + 1) % self.config.log.every == 0
        # A CUDA graph runs no hooks: if a probe has any, none watches it, and a logged step runs without it.
        if self.graph and self.graph.choice is not False and not (logged and self.has_hooks):
            metrics = self.graph(partial(self.optimizer_step, watched=not self.has_hooks), *fetched)
        else:
            metrics = self.optimizer_step(*fetched, watched=logged)
        if self.ema_model:
            self.ema_model.n_averaged += 1

        self.pending.add(metrics, {"step": self.step + 1, "epoch": self.epoch, "lr": lr} if logged else None)
        self.step += 1
        if self.pending.is_full:
            self.flush_metrics(late=True)

    def optimizer_step(self, *fetched: Tensor, watched: bool) -> Tensor:
        """Augment, forward, backward, clip, step; return the mean loss and, if watched, the probes' values.

        A CUDA graph may record this, so nothing here waits for the device or branches on the value of a
        tensor, and what changes from step to step is in tensors: `fetched`, and the generators' state.
        """
        batch = micro_batches(*self.data.prepare(*fetched), self.config)
        probes = self.probes if watched else ()
        eager = watched and self.has_hooks  # a compiled pass runs no hooks
        self.optimizer.zero_grad(set_to_none=True)
        with contextlib.ExitStack() as watching:
            for probe in probes:
                watching.enter_context(probe.watch(self.model))
            watching.enter_context(self.fewer_launches(eager))
            # Divide by the size of the whole batch: void pixels are not spread evenly over micro-batches.
            normalizers = torch.stack([self.task.normalizers(targets, training=True) for _, targets in batch])
            normalizers = normalizers.sum(0)
            self.ranks.sum([normalizers])
            loss, counts = torch.zeros((), device=self.setup.device), []
            for number, (images, targets) in enumerate(batch, 1):
                with summing(self.forward_pass.model, last=number == len(batch)):
                    with self.setup.autocast():
                        output = self.forward_pass(images, eager)
                    micro_loss = self.task.loss(output, targets, normalizers)
                    micro_loss.backward()
                loss += micro_loss.detach()
                counts.append(self.task.counts(output.detach(), targets))
        count = torch.stack(counts).sum(0)
        gradients = [parameter.grad for parameter in self.trainable if parameter.grad is not None]
        self.ranks.sum([loss, count, *([] if self.overlaps else gradients)])
        self.totals.add_batch(count)
        # Probes read the gradient of the loss, not the clipped one.
        metrics = torch.cat([loss.reshape(1), *(probe.read() for probe in probes)])
        self.totals.add_step(loss, clip(self.trainable, self.config.optim))
        self.optimizer.step()
        if self.ema_model:
            self.ema_model.update_parameters(self.model)
        return metrics

    def flush_metrics(self, late: bool = False) -> None:
        """Fetch and log losses and rows since the last call; on a GPU `late` waits for none of the newest.

        Raises:
            Diverged: one of the losses is not finite.
        """
        for rows, steps_ago in self.pending.fetch(late):
            if steps_ago is not None:
                raise self.diverged("loss", self.step - steps_ago)
            for row in rows:
                self.log.append(row)

    def end_epoch(self) -> None:
        """Evaluate, log, keep the best and save, where an epoch ends, or the run within one."""
        self.share_statistics()
        loss, clipped, steps = self.totals.fetch()
        train = {"loss": loss, **self.task.scores(self.totals.counts)}
        val = self.evaluate("val")
        if not math.isfinite(val["loss"]):
            raise self.diverged("validation loss", self.step)
        if math.isnan(val[score := self.task.score_name]):
            raise InputError(f"In the validation split is nothing that {score} could score; enlarge it.")
        epochs = self.sampler.epochs(self.step)
        record = {"step": self.step, "epoch": epochs, "epoch_end": True}
        record |= tagged("train", train, loss="epoch_loss") | tagged("val", val)
        record |= {"grad/clipped_fraction": clipped, "time/epoch_s": self.timers.seconds["epoch"]}
        record["time/images_per_s"] = steps * self.config.data.batch_size / record["time/epoch_s"]
        self.log.append(record)
        self.last_scores = {"train": train, "val": val}
        self.best.update({"step": self.step, "epoch": epochs, "val": val}, self.eval_model)
        self.validated_step = self.step
        if epochs == self.epoch + 1:  # a run may end within an epoch, which a longer run then completes
            self.epoch += 1
            self.totals.reset()
            self.timers.reset_epoch()
        self.save()
        self.surroundings.progress.epoch(record)

    @property
    def eval_model(self) -> nn.Module:
        """The network that is scored and kept as best: the moving average if any, else the trained one."""
        return self.ema_model.module if self.ema_model else self.model

    def evaluate(self, split: str, keep: Keep | None = None) -> dict[str, float]:
        """Return loss and scores of a split, from the averaged weights if there are any."""
        return self.evaluation.score(self.eval_model, split, keep)

    def test(self) -> dict[str, float]:
        """Load the best weights, score the test split, once, and log that as the last record."""
        self.eval_model.load_state_dict(self.ranks.once(self.best.load))
        scores = self.evaluate("test", self.images)
        self.images.take_in(self.ranks)
        self.log.append({"step": self.step, "epoch": self.sampler.epochs(self.step)} | tagged("test", scores))
        self.log.sync()
        return scores

    def save(self) -> None:
        """Write last.pt.

        Raises:
            Diverged: the weights are not finite; the last good checkpoint is kept.
        """
        self.flush_metrics()
        self.share_statistics()
        if bad := find_not_finite(self.model.state_dict()):
            raise self.diverged(f"network's {bad}", self.step)
        self.checkpoints.save_last({**self.state_dict(), **self.log.sync()})
        self.wishes.saved()

    def share_statistics(self) -> None:
        """Take rank 0's statistics of batch norms, where each rank has its own."""
        if self.ranks.count > 1 and not self.config.compute.sync_batch_norm:
            take_statistics([self.model, *([self.ema_model] if self.ema_model else [])], self.ranks)

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
            "validated": self.validated_step,
            "totals": self.totals.state_dict(),
            "seconds": self.timers.state_dict(),
            "best": self.best.record,
            "final": self.last_scores,
            "graph": self.graph.choice if self.graph else None,
        }
        return {**self.conditions(), **state}

    def load_state_dict(self, state: Checkpoint) -> None:
        """Load weights, optimizer and counters; raise CheckpointError where they do not fit this run."""
        with resume.fitting(self.checkpoints.last):
            self.model.load_state_dict(state["model"])
            load_optimizer(self.optimizer, state["optimizer"])
            if self.ema_model:
                self.ema_model.load_state_dict(state["ema_model"] or {})
            self.totals.load_state_dict(state["totals"])
            self.step, self.last_scores = state["step"], state["final"]
            self.epoch, self.validated_step = resume.last_validation(state, self.sampler)
            self.timers.load_state_dict(state["seconds"])
            self.best.load_state_dict(state["best"])
        self.checkpoints.saved_step = self.step

    def diverged(self, what: str, step: int) -> Diverged:
        """Return the error of a value that is not finite, in a step counted from 1."""
        return Diverged(what, step, self.settings.lr(step - 1), self.checkpoints.step)
