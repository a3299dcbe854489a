"""Private parts of torch that skiprun uses, each with what it saves: a new torch breaks this file alone.

Seconds of one core, torch 2.13, the median of five.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import BinaryIO

import torch
from torch import Tensor, nn
from torch._ops import OpOverload as OpOverload  # an operation, as a dispatch mode is told of it
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim import _muon
from torch.utils._python_dispatch import TorchDispatchMode

from skiprun.system.cache import code_folder

BatchNorm = _BatchNorm  # what BatchNorm1d, 2d, 3d and SyncBatchNorm have in common


class Uncompiled:
    """Methods of an optimizer without what keeps torch's compiler out of them: importing that takes 2.1 s."""

    add_param_group = inspect.unwrap(torch.optim.Optimizer.add_param_group)
    load_state_dict = inspect.unwrap(torch.optim.Optimizer.load_state_dict)
    state_dict = inspect.unwrap(torch.optim.Optimizer.state_dict)
    zero_grad = inspect.unwrap(torch.optim.Optimizer.zero_grad)


class DispatchMode(TorchDispatchMode):
    """A dispatch mode for which torch does not import its compiler, only to keep it out: 1.6 s."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False

    def compute(self, operation: OpOverload, args: Sequence[object], kwargs: Mapping[str, object]) -> object:
        """Return the result of an operation; a mode says here what becomes of it."""
        return operation(*args, **kwargs)

    def __torch_dispatch__(
        self,
        func: OpOverload,
        types: Sequence[type],
        args: Sequence[object] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> object:
        return self.compute(func, args, kwargs or {})


def storage_id(tensor: Tensor) -> int:
    """Return what identifies the memory that a tensor views, on the meta device too (all addresses are 0)."""
    return tensor.untyped_storage()._cdata


def norms(tensors: list[Tensor]) -> tuple[Tensor, ...]:
    """Return the Euclidean norm of each tensor by a few kernels for all, as clip_grad_norm_ does.

    For the 167 gradients of resnet56 that is 0.7 ms a step instead of 1.3, and on a GPU a few launches
    instead of 167.
    """
    return torch._foreach_norm(tensors)


def orthogonalized(matrix: Tensor) -> Tensor:
    """Return a matrix with all singular values near 1, in bfloat16, as torch.optim.Muon takes it.

    Its own step reads the learning rate as a number: a GPU would wait for it, and a graph would keep it.
    """
    coefficients = _muon.DEFAULT_A, _muon.DEFAULT_B, _muon.DEFAULT_C
    return _muon._zeropower_via_newtonschulz(matrix, coefficients, _muon.DEFAULT_NS_STEPS, _muon.EPS)


def has_hooks(layer: nn.Module) -> bool:
    """Tell whether somebody watches the forward pass of a layer, which then has to be called."""
    return bool(layer._forward_hooks or layer._forward_pre_hooks)


def fake_tensors() -> AbstractContextManager[object]:
    """Return a context where tensors, also those of a file, have a shape and take no memory."""
    from torch._subclasses.fake_tensor import FakeTensorMode

    return FakeTensorMode()


def names_in_pickle(stream: BinaryIO) -> set[str]:
    """Return the classes and functions that a stream's next pickle names; torch asks it of zip files only."""
    from torch._weights_only_unpickler import get_globals_in_pkl

    return get_globals_in_pkl(stream)


def inductor_options() -> list[str]:
    """Return the options that torch.compile's own compiler knows; each version of torch has others."""
    return torch._inductor.list_options()


def backward_compiled_at_once() -> AbstractContextManager[object]:
    """Return a context in which torch.compile compiles the backward pass of a graph with its forward pass.

    Torch's own choice is the first backward pass, where an error of the compiler comes out of `backward()`.
    """
    from torch._functorch import config

    return config.patch(force_non_lazy_backward_lowering=True)


def raised_by_compiler(error: BaseException) -> BaseException:
    """Return what a compiler raised, of an error of torch.compile whose first line only names it."""
    inner = getattr(error, "inner_exception", None)
    return inner if isinstance(inner, BaseException) else error


def use_private_cache() -> str:
    """Let torch keep compiled code in the user's cache, or where the environment says; return the place.

    Torch's own choice, which it writes to the environment when it is imported, is a folder in the temporary
    one, of a name that another user can take first; precompiled headers always lie there.
    """
    folder = str(code_folder())
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", folder)
    from torch._inductor import codecache
    from torch._inductor.runtime.cache_dir_utils import default_cache_dir

    if os.environ["TORCHINDUCTOR_CACHE_DIR"] == default_cache_dir():
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = folder
    codecache._HEADER_DIR = f"{folder}/precompiled_headers"
    codecache._HEADER_LOCK_DIR = f"{folder}/precompiled_headers/locks"
    return os.environ["TORCHINDUCTOR_CACHE_DIR"]
