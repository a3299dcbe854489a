"""The formats by the options that ask for them."""

from __future__ import annotations

from skiprun.models.export.base import Format
from skiprun.models.export.graphs import ONNX, PT2
from skiprun.models.export.weight_files import SAFETENSORS, STATE_DICT

FORMATS: dict[str, Format] = {
    "onnx": ONNX,
    "pt2": PT2,
    "safetensors": SAFETENSORS,
    "state-dict": STATE_DICT,
}
