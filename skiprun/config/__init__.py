"""The schema of a config file: its keys, their types, defaults and meanings.

One file is one experiment. Every key is typed, has a default and a line of meaning; unknown keys are refused;
a config is frozen. This module never imports torch: names of models, datasets and connections are looked up
by `experiment`.
"""

from skiprun.config.augment import AugmentConfig, RandomResizedCropConfig
from skiprun.config.contradictions import contradictions
from skiprun.config.data import DataConfig
from skiprun.config.experiment import RunConfig, role_of, section_at
from skiprun.config.fields import Count, FileSection, Role
from skiprun.config.model import ModelConfig, SkipSchedule
from skiprun.config.schedule import ScheduleConfig
from skiprun.config.seeds import SeedsConfig, Source
from skiprun.config.training import ComputeConfig, OptimConfig

__all__ = [
    "AugmentConfig",
    "ComputeConfig",
    "Count",
    "DataConfig",
    "FileSection",
    "ModelConfig",
    "OptimConfig",
    "RandomResizedCropConfig",
    "Role",
    "RunConfig",
    "ScheduleConfig",
    "SeedsConfig",
    "SkipSchedule",
    "Source",
    "contradictions",
    "role_of",
    "section_at",
]
