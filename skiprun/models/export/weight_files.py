"""The weights of a network alone, to be loaded where its code is: safetensors, and a state dict of torch."""

from __future__ import annotations

import io
from pathlib import Path

import torch
from torch import Tensor, nn

from skiprun.models.export.base import Facts, Format
from skiprun.models.weights.weight_file import read_weight_file


def state_of(model: nn.Module) -> dict[str, Tensor]:
    """Return the weights and buffers of a network, each on its own and in one piece."""
    return {name: tensor.detach().clone().contiguous() for name, tensor in model.state_dict().items()}


def safetensors_bytes(model: nn.Module, _: Tensor, facts: Facts, __: bool) -> bytes:
    """Return weights as safetensors, with facts in the header."""
    from safetensors.torch import save

    return save(state_of(model), dict(facts))


def torch_bytes(model: nn.Module, _: Tensor, facts: Facts, __: bool) -> bytes:
    """Return weights as torch.save writes them: a dict of `state_dict`, and `metadata` with the facts."""
    buffer = io.BytesIO()
    torch.save({"state_dict": state_of(model), "metadata": dict(facts)}, buffer)
    return buffer.getvalue()


def outputs_of_weights(file: Path, images: Tensor, model: nn.Module) -> Tensor:
    """Return what a freshly built network computes of images with the weights of a file."""
    model.load_state_dict(read_weight_file(file).state)
    return model.eval()(images)


SAFETENSORS = Format("safetensors", ("safetensors",), safetensors_bytes, outputs_of_weights)
STATE_DICT = Format("state dict", (), torch_bytes, outputs_of_weights)
