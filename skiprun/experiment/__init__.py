"""Build runs from configs and back: the only package that imports all the others."""

from skiprun.experiment.compare import compare, compare_commands
from skiprun.experiment.evaluating import evaluate, score
from skiprun.experiment.finished import choose_split, load_model, load_run, rebuild
from skiprun.experiment.foreign import rebuild_file
from skiprun.experiment.many import train_missing
from skiprun.experiment.noise import noise, noise_commands
from skiprun.experiment.parts import Parts, prepare
from skiprun.experiment.plan import experiment_digest, plan_comparison
from skiprun.experiment.predict import predict, predict_masks
from skiprun.experiment.sweeps.sweep import sweep, sweep_commands
from skiprun.experiment.train import train

__all__ = [
    "Parts",
    "choose_split",
    "compare",
    "compare_commands",
    "evaluate",
    "experiment_digest",
    "load_model",
    "load_run",
    "noise",
    "noise_commands",
    "plan_comparison",
    "predict",
    "predict_masks",
    "prepare",
    "rebuild",
    "rebuild_file",
    "score",
    "sweep",
    "sweep_commands",
    "train",
    "train_missing",
]
