"""What a step is set to: learning rate and strength of skips; the length of a run in steps."""

from __future__ import annotations

import math
from bisect import bisect_right

import torch
from torch import Tensor, nn

from skiprun.config import RunConfig, ScheduleConfig
from skiprun.connections.fade import set_skip_strength, skip_strength


def total_steps(config: RunConfig, samples: int) -> int:
    """Return the length of a run in steps, for a training split of so many samples."""
    schedule = config.schedule
    return schedule.steps or max(1, round((schedule.epochs or 1) * samples / config.data.batch_size))


def steps_per_unit(config: RunConfig, samples: int) -> float:
    """Return how many steps the unit is in which a schedule counts: an epoch, or one."""
    return samples / config.data.batch_size if config.schedule.epochs else 1.0


def learning_rate(config: ScheduleConfig, peak: float, step: int, steps: int, unit: float = 1.0) -> float:
    """Return the learning rate of a step: a function of the step alone, so that nothing has to be saved.

    Warm-up rises linearly and reaches the peak with its last step; the cosine falls from there to nothing at
    the end, or to the step where it begins again (Loshchilov and Hutter 2017). So do `one_cycle` and `wsd`. A
    unit of the schedule is `unit` steps, however long the run is: a longer one has the same warm-up and
    milestones.
    """
    warmup = round(config.warmup * unit)
    if step < warmup:
        return peak * (step + 1) / warmup
    starts = [(warmup, peak), *((restart.step, restart.lr) for restart in config.restarts), (steps, 0.0)]
    cycle = bisect_right([start for start, _ in starts[1:-1]], step)
    (start, top), (end, _) = starts[cycle : cycle + 2]
    done, length = step - start, max(1, end - start)
    match config.kind:
        case "constant":
            return peak
        case "multistep":
            passed = bisect_right([round(milestone * unit) for milestone in config.milestones], step)
            return peak * float(config.factor**passed)
        case "cosine":
            return top * half_cosine(math.pi * done / length)
        case "wsd":
            return top * stable_decay(config, done, length)
        case "one_cycle":
            return one_cycle(config, top, done, length)


def half_cosine(angle: float) -> float:
    """Return what falls from 1 to 0 as an angle rises from 0 to pi."""
    return 0.5 * (1 + math.cos(angle))


def one_cycle(config: ScheduleConfig, peak: float, step: int, steps: int) -> float:
    """Return the rate of a cycle: half a cosine up to the peak, another down (Smith and Topin 2018).

    As torch.optim.lr_scheduler.OneCycleLR with `cycle_momentum=False`: the momentum of a captured step is a
    number that stays as it was.
    """
    first, top = peak / config.div_factor, config.pct_start * steps - 1
    if step <= top:
        return peak + (first - peak) * half_cosine(math.pi * (step / top if top else 1.0))
    last = first / config.final_div_factor
    return last + (peak - last) * half_cosine(math.pi * ((step - top) / (steps - 1 - top)))


def stable_decay(config: ScheduleConfig, step: int, steps: int) -> float:
    """Return the share of the peak, which falls from 1 to 0 in the last steps (Hu 2024, Hägele 2024)."""
    decay = max(1, round(config.decay_share * steps))
    share = max(0, step - (steps - decay)) / decay
    shapes = {"1-sqrt": lambda share: 1 - math.sqrt(share), "linear": lambda share: 1 - share}
    return (shapes | {"cosine": lambda share: half_cosine(math.pi * share)})[config.decay_shape](share)


def is_stable(old: RunConfig, new: RunConfig, step: int, samples: int) -> bool:
    """Tell whether a longer wsd has the rates of so many steps made: it had not begun to fall."""
    rates = {
        learning_rate(
            each.schedule,
            each.optim.lr,
            step - 1,
            total_steps(each, samples),
            steps_per_unit(each, samples),
        )
        for each in (old, new)
    }
    return old.schedule.kind == new.schedule.kind == "wsd" and len(rates) == 1


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give every group the rate times its own `scale`."""
    for group in optimizer.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(rate * group["scale"])
        else:
            group["lr"] = rate * group["scale"]


class StepSettings:
    """What is set anew for each step: the learning rate, and the strength of skips that fade."""

    def __init__(
        self, config: RunConfig, samples: int, optimizer: torch.optim.Optimizer, model: nn.Module
    ) -> None:
        self.config, self.samples, self.optimizer, self.model = config, samples, optimizer, model
        self.steps, self.unit = total_steps(config, samples), steps_per_unit(config, samples)

    def lr(self, step: int) -> float:
        """Return the learning rate of a step counted from 0."""
        return learning_rate(self.config.schedule, self.config.optim.lr, step, self.steps, self.unit)

    def apply(self, step: int) -> float:
        """Set all for a step counted from 0, and return its learning rate."""
        lr = self.lr(step)
        set_learning_rate(self.optimizer, lr)
        if fading := self.config.model.skip_schedule:
            epoch = step * self.config.data.batch_size / self.samples
            set_skip_strength(self.model, skip_strength(fading, epoch))
        return lr
