"""What a study looked at: for its document, and in a line for people."""

from __future__ import annotations

from skiprun.experiment.study_runner.images import RandomImages
from skiprun.experiment.study_runner.study_inputs import StudyInputs


def record_of(inputs: StudyInputs) -> dict[str, object]:
    """Return which network, weights and images a study looked at."""
    which = inputs.selection.weights if inputs.target.runs else "initial"
    config = inputs.configs[0]
    dataset = config.data.name + ", " if inputs.target.shape is None else ""
    return {
        "model": config.model.model_dump(mode="json", exclude_none=True, exclude_defaults=True),
        "seeds": [config.seed for config in inputs.configs],
        "weights": f"{which} weights",
        "data": dataset + inputs.source.about(inputs.split) + _whose_data(inputs),
        "device": str(inputs.device),
    }


def _whose_data(inputs: StudyInputs) -> str:
    """Say which data it is where it is not a run's own."""
    if inputs.data_is_own or isinstance(inputs.source, RandomImages):
        return ""
    return f" of other data ({inputs.source.loaders.fingerprint[:12]})"


def summary_of(inputs: StudyInputs) -> str:
    """Return one line for people: which weights and which images."""
    record = record_of(inputs)
    seeds = f" with {len(inputs.configs)} seeds" if len(inputs.configs) > 1 else ""
    return f"{record['weights']}{seeds}, {record['data']}, on {record['device']}."
