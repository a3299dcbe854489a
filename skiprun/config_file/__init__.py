"""From a YAML file and `--set` overrides to a config, or to all of its problems with their places."""

from skiprun.config_file.loading import (
    build_config,
    complete,
    complete_config,
    load_config,
    read_config,
    refuse_contradictions,
    stem_name,
    unrecorded,
)
from skiprun.config_file.overrides import Override, key_of, options_behind, override, said_by

__all__ = [
    "Override",
    "build_config",
    "complete",
    "complete_config",
    "key_of",
    "load_config",
    "options_behind",
    "override",
    "read_config",
    "refuse_contradictions",
    "said_by",
    "stem_name",
    "unrecorded",
]
