"""Streams of a GPU that part from one, go side by side, and meet there again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor


def on_streams(works: Sequence[tuple[torch.cuda.Stream, Callable[[], Tensor]]]) -> Tensor:
    """Do some works, each on its stream, from here on; return their results, stacked.

    Two may have one stream, and come one after the other: torch has 32 in all, and gives them out in turns.
    """
    here, results = torch.cuda.current_stream(), []
    for stream, work in works:
        stream.wait_stream(here)
        with torch.cuda.stream(stream):
            results.append(work())
    for stream, _ in works:
        here.wait_stream(stream)
    return torch.stack(results)


@contextmanager
def after_all(others: Sequence[torch.cuda.Stream], here: torch.cuda.Stream) -> Iterator[None]:
    """Launch on a stream, after what was launched on the others and before what will be."""
    for stream in others:
        here.wait_stream(stream)
    with torch.cuda.stream(here):
        yield
    for stream in others:
        stream.wait_stream(here)
