"""What a run that several ranks train together must fulfil, and how its parts are made ready for that."""

from __future__ import annotations

from dataclasses import replace

from skiprun.config import RunConfig
from skiprun.errors import ConfigError, InputError, counted
from skiprun.experiment.parts import Parts
from skiprun.models.weights.digest import weights_digest
from skiprun.registry import PROBES
from skiprun.system.ranks import Ranks
from skiprun.training.synchronized_norm import synchronize_batch_norms


def share(parts: Parts, ranks: Ranks) -> Parts:
    """Return the parts of a run as a rank needs them; alone, as they are.

    Raises:
        ConfigError: a batch cannot be shared evenly, or a probe would see a part of it only.
        InputError: this rank has other data or other weights than rank 0.
    """
    if ranks.count == 1:
        return parts
    check_ranks(parts.config, ranks.count)
    refuse_other_parts(parts, ranks)
    setup = parts.setup
    if parts.config.compute.sync_batch_norm and synchronize_batch_norms(parts.model, setup.device):
        setup = replace(setup, execution="eager" if setup.execution == "fused" else setup.execution)
    each = parts.config.data.batch_size // ranks.count
    note = f"{ranks.count} ranks train it, each on {counted(each, 'image')} of a batch."
    return replace(parts, setup=setup, notes=(*parts.notes, note))


def check_ranks(config: RunConfig, count: int) -> None:
    """Refuse what cannot be computed by so many ranks."""
    problems = []
    size, parts = config.data.batch_size, count * config.optim.accumulate
    if size % parts:
        below, above = size // parts * parts, -(-size // parts) * parts
        nearest = f"{below} or {above}" if below else str(above)
        each = f", each in {counted(config.optim.accumulate, 'micro-batch')}," if parts > count else ""
        problems.append(
            f"{config.place('data.batch_size')}: found {size}, which {count} ranks{each} cannot share "
            f"evenly; the nearest are {nearest}"
        )
    problems += [
        f"{config.place('probes')}: found '{name}', which looks inside the pass over a whole batch; a rank "
        f"of {count} has a part of it: leave it out, or train in one process"
        for name in config.probes
        if PROBES[name].target.hooks
    ]
    if problems:
        raise ConfigError(problems)


def refuse_other_parts(parts: Parts, ranks: Ranks) -> None:
    """Refuse to train with data or weights that are not those of rank 0."""
    mine = {"data": parts.loaders.fingerprint, "initial weights": weights_digest([parts.model])}
    of_first = ranks.once(lambda: mine)
    other = [what for what, found in mine.items() if of_first[what] != found]
    if other:
        raise InputError(f"Rank {ranks.rank} has other {' and '.join(other)} than rank 0.")
