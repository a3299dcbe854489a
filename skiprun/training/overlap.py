"""Sum gradients over the ranks while the backward pass goes on: torch's DistributedDataParallel.

Li et al. 2020, section 3.2: gradients are sent in buckets, as soon as all of one are there. It divides their
sum by the number of ranks unless it is told otherwise; here each loss is a share of the batch's already.
"""

import contextlib

import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed import GradBucket  # type: ignore[attr-defined]
from torch.futures import Future
from torch.nn.parallel import DistributedDataParallel


def overlapped(model: nn.Module) -> DistributedDataParallel:
    """Return a network whose backward pass leaves gradients that are summed over the ranks."""
    wrapped = DistributedDataParallel(model, broadcast_buffers=False)
    wrapped.register_comm_hook(None, _sum_bucket)
    return wrapped


def _sum_bucket(_state: None, bucket: GradBucket) -> Future[Tensor]:
    work = dist.all_reduce(bucket.buffer(), async_op=True)
    assert work
    return work.get_future().then(lambda done: done.value()[0])


def summing(model: nn.Module, last: bool) -> contextlib.AbstractContextManager[None]:
    """Return a context for one of the micro-batches of a step: only with the last one anything is sent."""
    if last or not isinstance(model, DistributedDataParallel):
        return contextlib.nullcontext()
    return model.no_sync()
