"""Every error that a user can meet, with its message and exit code."""

from skiprun.errors.images import BadImage, BadImages, grouped, refuse
from skiprun.errors.kinds import (
    BrokenPlugin,
    CheckpointError,
    ConfigError,
    DataNotFound,
    Diverged,
    InputError,
    OptionError,
    OtherData,
    OutOfMemory,
    SkiprunError,
    Stopped,
    StorageError,
    UnknownName,
    kept,
)
from skiprun.errors.memory import explain_out_of_memory, is_out_of_memory, out_of_memory
from skiprun.errors.runs import RunBusy, RunLengthened, RunTaken
from skiprun.errors.words import counted, did_you_mean, first_line, percent, printable, some

__all__ = [
    "BadImage",
    "BadImages",
    "BrokenPlugin",
    "CheckpointError",
    "ConfigError",
    "DataNotFound",
    "Diverged",
    "InputError",
    "OptionError",
    "OtherData",
    "OutOfMemory",
    "RunBusy",
    "RunLengthened",
    "RunTaken",
    "SkiprunError",
    "Stopped",
    "StorageError",
    "UnknownName",
    "counted",
    "did_you_mean",
    "explain_out_of_memory",
    "first_line",
    "grouped",
    "is_out_of_memory",
    "kept",
    "out_of_memory",
    "percent",
    "printable",
    "refuse",
    "some",
]
