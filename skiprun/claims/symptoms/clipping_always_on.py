"""Symptom: the gradient is clipped in nearly every step.

Clipping is for the few steps that are too long; the threshold belongs at one half to ten times the usual norm
(Pascanu et al. 2013, section 3.2). Where it cuts all of them, each step is as long as the threshold times the
rate, whatever the gradient says. At the start of a run that is usual; in its second half, when gradients are
small, it is not.
"""

from __future__ import annotations

from skiprun.claims.symptom import Symptom
from skiprun.errors import percent
from skiprun.registry import SYMPTOMS
from skiprun.results.run_log import RunLog, mean, part

ALWAYS = 0.95  # of the steps


@SYMPTOMS.register(
    "clipping_always_on",
    looks_for="a gradient that is cut short in nearly every step",
    reads=("grad/clipped_fraction",),
    paper="Pascanu et al. 2013, section 3.2",
)
def clipping_always_on(log: RunLog) -> Symptom | None:
    """In the second half of the run still nearly every gradient was clipped."""
    clipped, limit = log.curve("grad/clipped_fraction"), log.setting("optim.clip_norm")
    late = part(clipped, 0.5)
    if len(clipped) < 2 or mean(late) < ALWAYS:
        return None
    norms = log.curve("grad/total")[-1:]
    usual = f", though its norm is {norms[0].value:.3g} at the end" if norms and limit else ""
    to = f" to {limit:g}" if limit else ""
    higher = f"optim.clip_norm={2 * norms[0].value:.2g}" if norms and limit else "a higher limit"
    return Symptom(
        f"The gradient is cut short{to} in {percent(mean(late))} of the steps in the second half{usual}. So "
        "all steps are equally long, and the learning rate means something else than it says.",
        (late[-1], *norms),
        f"{higher}, so that only outliers are cut, or none; then a smaller optim.lr, if the loss gets "
        "restless.",
    )
