"""Import torchvision, with a repair of its operators beside a CPU-only torch.

torchvision's wheel on PyPI is built for CUDA. Beside a CPU-only torch its compiled operators cannot load, and
`import torchvision` then fails with "operator torchvision::nms does not exist", because it describes the
shapes of two operators that were never declared. Declaring the two schemas is enough: models, transforms and
datasets use neither operator. Where the two builds match, nothing is done.
"""

import torch

try:
    import torchvision
except RuntimeError as fault:
    if "torchvision::nms" not in str(fault):
        raise
    _schemas = torch.library.Library("torchvision", "DEF")
    _schemas.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _schemas.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    import torchvision

__all__ = ["torchvision"]
