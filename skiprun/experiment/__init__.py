"""Build runs from configs and back: the only package that imports all the others."""

from skiprun.experiment.compare import compare
from skiprun.experiment.comparison_request import ComparisonRequest
from skiprun.experiment.evaluating import evaluate
from skiprun.experiment.evaluation_report import write_evaluation
from skiprun.experiment.export import export
from skiprun.experiment.finished import choose_split, load_model, load_run, rebuild
from skiprun.experiment.foreign import rebuild_file
from skiprun.experiment.foreign_weights import ForeignWeights
from skiprun.experiment.many import Launcher, train_missing
from skiprun.experiment.noise import noise, plan_noise
from skiprun.experiment.parts import Parts
from skiprun.experiment.plan import experiment_digest, plan_comparison
from skiprun.experiment.predict import predict, predict_masks
from skiprun.experiment.prepare import prepare
from skiprun.experiment.run_comparison import compare_commands, run_comparison
from skiprun.experiment.scoring import Evaluation, evaluate_in_detail, score
from skiprun.experiment.study import study
from skiprun.experiment.sweeps.plan_sweep import plan_sweep
from skiprun.experiment.sweeps.sweep import sweep
from skiprun.experiment.train import train

__all__ = [
    "ComparisonRequest",
    "Evaluation",
    "ForeignWeights",
    "Launcher",
    "Parts",
    "choose_split",
    "compare",
    "compare_commands",
    "evaluate",
    "evaluate_in_detail",
    "experiment_digest",
    "export",
    "load_model",
    "load_run",
    "noise",
    "plan_comparison",
    "plan_noise",
    "plan_sweep",
    "predict",
    "predict_masks",
    "prepare",
    "rebuild",
    "rebuild_file",
    "run_comparison",
    "score",
    "study",
    "sweep",
    "train",
    "train_missing",
    "write_evaluation",
]
