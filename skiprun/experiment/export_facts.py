"""What a program must know to use an exported network, and where it comes from."""

from __future__ import annotations

import json
from hashlib import blake2b

from torch import nn

import skiprun
from skiprun.models.build import START
from skiprun.models.export.base import Facts
from skiprun.models.weights.digest import weights_digest
from skiprun.run import Run
from skiprun.system.files import json_safe


def facts_of(run: Run, model: nn.Module) -> Facts:
    """Return them as texts, lists as JSON."""
    summary, config = run.summary(), run.config
    data = summary["data"]
    one_logit = data["task"] == "segmentation" and data["num_classes"] == 2
    facts: dict[str, object] = {
        "task": data["task"],
        "classes": data["class_names"],
        "output": "one logit a pixel; above 0: the second class" if one_logit else "a logit for each class",
        "input_shape": ["batch", *data["image_shape"]],
        "normalization": "(image / 255 - mean) / std, by channel",
        "mean": data["mean"],
        "std": data["std"],
        "conversion": data.get("conversion"),
        "model": config.model.model_dump(exclude_none=True, exclude=START),
        "run": run.name,
        "test": summary["test"],
        "dataset": data["name"],
        "config_digest": blake2b(json.dumps(config.to_dict()).encode(), digest_size=8).hexdigest(),
        "weights_digest": weights_digest([model]),
        "skiprun": skiprun.__version__,
    }
    return {
        key: value if isinstance(value, str) else json.dumps(json_safe(value)) for key, value in facts.items()
    }
