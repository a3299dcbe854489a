"""Labels of images by a trained network, the most likely first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import torch
from torch import nn

from skiprun.errors import explain_out_of_memory
from skiprun.inference.input_files import Input, read_each
from skiprun.inference.network_input import free_some, log_changes, read_normalized, size_of
from skiprun.inference.predictions import Label, Prediction
from skiprun.run.documents import DataRecord
from skiprun.system.progress import ProgressCallback


@torch.no_grad()
def predict_labels(
    model: nn.Module,
    data: DataRecord,
    inputs: Sequence[Input],
    top: int,
    skip_bad: bool,
    progress: ProgressCallback,
) -> Iterator[Prediction]:
    """Yield the labels of each image, as it comes.

    Args:
        model: gives logits [1, K], on its device.
        data: what its run recorded of its data.
        inputs: the images.
        top: number of labels.
        skip_bad: yield an image that cannot be used with a 'problem', instead of an error.
        progress: told of (done, total, what).

    Raises:
        BadImage, BadImages: all images that cannot be used, by name.
    """
    tally: Counter[str] = Counter()
    device = next(model.parameters()).device
    for image, row in read_each(inputs, lambda file: read_normalized(file, data, tally), skip_bad, progress):
        if image is None:
            yield row
            continue
        tally["used"] += 1
        with explain_out_of_memory(f"while {row['file']} was labelled", free_some(device)):
            probabilities = model(image.to(device)).softmax(1)[0]
        best = probabilities.topk(min(top, len(probabilities)))
        ranked: list[Label] = [
            {"label": data["class_names"][index], "probability": value}
            for value, index in zip(best.values.tolist(), best.indices.tolist(), strict=True)
        ]
        yield {**row, **ranked[0], "top": ranked}
    log_changes(tally, size_of(data))
