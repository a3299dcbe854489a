"""A network as a graph with its weights, computed without its code: ONNX, and torch's own .pt2.

Both are made of a trace by torch.export, for batches of any size; and for images of any size from that of the
example on, where torch.export proves that the network computes all of them alike.
"""

from __future__ import annotations

import io
import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from skiprun.errors import SkiprunError, in_a_line
from skiprun.models.export.base import INPUT, OUTPUT, Facts, Format

FACTS_FILE = "skiprun.json"  # within a .pt2 file


def open_sizes(example: Tensor, larger: bool) -> tuple[dict[int, Dim]]:
    """Return the sizes of a graph's input that are not those of the example."""
    sides = {axis: Dim(name, min=example.shape[axis]) for axis, name in ((2, "height"), (3, "width"))}
    return ({0: Dim("batch"), **(sides if larger else {})},)


def traced(model: nn.Module, example: Tensor, larger: bool) -> ExportedProgram:
    """Return a network as a graph, for batches of any size, perhaps of larger images too.

    Raises:
        SkiprunError: torch.export cannot follow it.
    """
    batch = torch.cat([example, example])[:2]  # one image alone would be taken for the only size there is
    try:
        program = torch.export.export(model, (batch,), dynamic_shapes=open_sizes(example, larger))
    except Exception as error:
        raise SkiprunError(f"torch.export cannot follow this network: {in_a_line(error)}") from error
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)  # lines of code, with their places on this machine
    return program


@contextmanager
def in_silence() -> Iterator[None]:
    """Keep the exporters' notes to themselves: what a file computes is checked afterwards."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        level = logging.root.manager.disable
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(level)


def onnx_bytes(model: nn.Module, example: Tensor, facts: Facts, larger: bool) -> bytes:
    """Return a network as ONNX, with facts in its metadata_props."""
    program = traced(model, example, larger)
    with in_silence():
        exported = torch.onnx.export(
            program,
            dynamo=True,
            dynamic_shapes=open_sizes(example, larger),
            input_names=[INPUT],
            output_names=[OUTPUT],
            verbose=False,
        )
    assert exported is not None, "the new exporter returns a program"
    proto = exported.model_proto
    proto.producer_name = "skiprun"
    for key, value in facts.items():
        proto.metadata_props.add(key=key, value=value)
    return proto.SerializeToString()


def onnx_outputs(file: Path, images: Tensor, _: nn.Module) -> Tensor:
    """Return what onnxruntime computes of images."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = torch.get_num_threads(), 4
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    return torch.from_numpy(session.run([OUTPUT], {INPUT: images.numpy()})[0])


def pt2_bytes(model: nn.Module, example: Tensor, facts: Facts, larger: bool) -> bytes:
    """Return a network as torch.export.save writes it, with facts in an extra file of the archive."""
    program, buffer = traced(model, example, larger), io.BytesIO()
    with in_silence():
        torch.export.save(program, buffer, extra_files={FACTS_FILE: json.dumps(dict(facts))})
    return buffer.getvalue()


def pt2_outputs(file: Path, images: Tensor, _: nn.Module) -> Tensor:
    """Return what torch computes of images, without the network's code."""
    with in_silence():
        return torch.export.load(file).module()(images)


ONNX = Format("ONNX", ("onnx", "onnxscript", "onnxruntime"), onnx_bytes, onnx_outputs, graph=True)
PT2 = Format("torch.export", (), pt2_bytes, pt2_outputs, graph=True)
