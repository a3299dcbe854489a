"""Build the optimizer, the learning rate schedule and gradient clipping from the config."""

from __future__ import annotations

import inspect
import math
from bisect import bisect_right
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from skiprun.config import OptimConfig, RunConfig, ScheduleConfig
from skiprun.models.weights.freeze import parameter_groups


class Uncompiled:
    """Methods of an optimizer without what keeps torch's compiler out of them: its import takes half a second."""

    add_param_group = inspect.unwrap(torch.optim.Optimizer.add_param_group)
    load_state_dict = inspect.unwrap(torch.optim.Optimizer.load_state_dict)
    state_dict = inspect.unwrap(torch.optim.Optimizer.state_dict)
    zero_grad = inspect.unwrap(torch.optim.Optimizer.zero_grad)


class SGD(Uncompiled, torch.optim.SGD):
    """Stochastic gradient descent."""

    step = torch.no_grad()(inspect.unwrap(torch.optim.SGD.step))


class AdamW(Uncompiled, torch.optim.AdamW):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019)."""

    step = torch.no_grad()(inspect.unwrap(torch.optim.AdamW.step))


def make_optimizer(
    model: nn.Module, config: OptimConfig, device: torch.device, backbone_lr: float | None = None
) -> torch.optim.Optimizer:
    """Return SGD or AdamW over the parameters that learn.

    Args:
        model: the network.
        config: `decay: weights` spares biases and norms (dim < 2) the weight decay.
        device: where the parameters are.
        backbone_lr: factor on the learning rate of all layers but the head; None is 1.
    """
    groups = []
    for group in parameter_groups(model, backbone_lr):
        spared = [each for each in group["params"] if config.decay == "weights" and each.ndim < 2]
        decayed = [each for each in group["params"] if config.decay == "all" or each.ndim >= 2]
        groups += [group | {"params": decayed, "weight_decay": config.weight_decay}] if decayed else []
        groups += [group | {"params": spared, "weight_decay": 0.0}] if spared else []
    fused = device.type in ("cpu", "cuda")
    if config.name == "adamw":
        betas, capturable = (config.momentum, 0.999), device.type == "cuda"
        return AdamW(groups, lr=config.lr, betas=betas, fused=fused, capturable=capturable)
    return SGD(groups, lr=config.lr, momentum=config.momentum, nesterov=config.nesterov, fused=fused)


def total_steps(config: RunConfig, samples: int) -> int:
    """Return the length of a run in steps, for a training split of so many samples."""
    schedule = config.schedule
    return schedule.steps or max(1, round((schedule.epochs or 1) * samples / config.data.batch_size))


def steps_a_unit(config: RunConfig, samples: int) -> float:
    """Return how many steps the unit is in which a schedule counts: an epoch, or one."""
    return samples / config.data.batch_size if config.schedule.epochs else 1.0


def average_note(decay: float | None, steps: int) -> str | None:
    """Say that a weight average reaches back further than a run of so many steps, where it does."""
    if decay is None or (span := round(1 / (1 - decay))) <= steps:
        return None
    way_out = f"{1 - 10 / steps:.2g} would average over a tenth of it" if steps > 20 else "so few steps need none"
    return (
        f"optim.ema {decay:g} averages over the last {span:,} steps, longer than the run of {steps:,}: "
        f"{decay ** (steps - 1):.0%} of what is evaluated at its end are the weights of the first step; {way_out}."
    )


def learning_rate(config: ScheduleConfig, peak: float, step: int, steps: int, unit: float = 1.0) -> float:
    """Return the learning rate of a step: a function of the step alone, so that nothing has to be saved.

    Warm-up rises linearly and reaches the peak with its last step; the cosine falls from there to nothing at the end,
    or to the step where it begins again (Loshchilov and Hutter 2017). A unit of the schedule is `unit` steps, however
    long the run is: a longer one has the same warm-up and milestones.
    """
    warmup = round(config.warmup * unit)
    if step < warmup:
        return peak * (step + 1) / warmup
    if config.kind == "cosine":
        begins = [(warmup, peak), *((restart.step, restart.lr) for restart in config.restarts), (steps, 0.0)]
        cycle = bisect_right([begin for begin, _ in begins[1:-1]], step)
        (begin, top), (end, _) = begins[cycle : cycle + 2]
        return top * 0.5 * (1 + math.cos(math.pi * (step - begin) / max(1, end - begin)))
    if config.kind == "multistep":
        passed = bisect_right([round(milestone * unit) for milestone in config.milestones], step)
        return peak * float(config.factor**passed)
    return peak


def goes_on(old: ScheduleConfig, new: ScheduleConfig) -> bool:
    """Tell whether a schedule is another one made longer: a run can go from the one to the other."""
    kept = [each.model_dump(exclude={"epochs", "steps", "restarts"}) for each in (old, new)]
    same_unit = (old.epochs is None) == (new.epochs is None)
    further = new.restarts[: len(old.restarts)] == old.restarts
    begun_again = old.kind != "cosine" or len(new.restarts) > len(old.restarts)
    return kept[0] == kept[1] and same_unit and further and begun_again and new.length > old.length


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give every group the rate times its own `scale`."""
    for group in optimizer.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(rate * group["scale"])
        else:
            group["lr"] = rate * group["scale"]


def put_learning_rate_on(optimizer: torch.optim.Optimizer, device: torch.device) -> None:
    """Keep the learning rate of every group in a tensor, which a captured step reads anew."""
    for group in optimizer.param_groups:
        group["lr"] = torch.tensor(float(group["lr"]), device=device)


def clip(parameters: Iterable[nn.Parameter], config: OptimConfig) -> Tensor | None:
    """Clip the gradients in place and return 1 if the norm or a value was above its limit, else 0; None if off."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    if config.clip_norm:
        norm = nn.utils.get_total_norm(gradients)
        nn.utils.clip_grads_with_norm_(
            [parameter for parameter in parameters if parameter.grad is not None], config.clip_norm, norm
        )
        return (norm > config.clip_norm).float()
    if config.clip_value:
        largest = torch.stack(torch._foreach_norm(gradients, float("inf"))).max()
        nn.utils.clip_grad_value_(parameters, config.clip_value)
        return (largest > config.clip_value).float()
    return None


def make_ema_model(model: nn.Module, decay: float | None) -> AveragedModel | None:
    """Return the exponential moving average of a network's weights and buffers; None without a decay."""
    if decay is None:
        return None
    ema_model = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True)
    ema_model.n_averaged = ema_model.n_averaged.cpu()  # it is looked at in every step
    return ema_model
