"""From a YAML file and `--set` overrides to a config, or to all of its problems with their places."""

from skiprun.config_file.loading import (
    build_config,
    complete_config,
    is_file,
    load_config,
    read_config,
    refuse_contradictions,
    stem_name,
    unrecorded,
    validate,
)
from skiprun.config_file.overrides import (
    Override,
    Overrides,
    key_of,
    options_behind,
    override,
    override_texts,
    said_by,
    split_options,
)

__all__ = [
    "Override",
    "Overrides",
    "build_config",
    "complete_config",
    "is_file",
    "key_of",
    "load_config",
    "options_behind",
    "override",
    "override_texts",
    "read_config",
    "refuse_contradictions",
    "said_by",
    "split_options",
    "stem_name",
    "unrecorded",
    "validate",
]
