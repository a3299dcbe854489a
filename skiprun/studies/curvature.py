"""Curvature at the trained weights: the largest and the smallest eigenvalue of the loss's Hessian.

|l_min / l_max| is Li et al. 2018's number for convexity (section 6): close to 0 where the loss bends up in
every direction that matters. By Lanczos iteration (scipy's eigsh) on products of the Hessian with a vector.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy.sparse.linalg import LinearOperator, eigsh
from torch import Tensor, nn

from skiprun.registry import STUDIES
from skiprun.studies.base import Batches, Figure, Loss, Row, StudyResult, isolated_copy
from skiprun.studies.signature import Seed

FIGURES = (
    Figure(
        "Ends of the spectrum", "bars", "end", "eigenvalue", "end of the Hessian's spectrum", "eigenvalue"
    ),
)


@STUDIES.register("curvature", paper="Li et al. 2018, section 6", figures=FIGURES, example="digits-resnet20")
def curvature(
    model: nn.Module, batches: Batches, loss: Loss, *, tolerance: float = 0.01, seed: Seed = 0
) -> StudyResult:
    """Measure the Hessian's largest and smallest eigenvalue.

    The third number, |l_min / l_max|, says how far from convex the loss is there.

    Args:
        model: a trained network, looked at in evaluation mode.
        batches: their mean loss is what is differentiated.
        loss: mean loss of a batch.
        tolerance: relative error of the eigenvalues at which the iteration stops.
        seed: seed of the first vector.
    """
    with isolated_copy(model, seed) as copy:
        hessian = Hessian(copy.eval(), batches, loss)
        start = torch.randn(hessian.size, dtype=torch.float64).numpy()
        operator = LinearOperator((hessian.size, hessian.size), matvec=hessian.times, dtype=np.float64)
        low, high = sorted(
            eigsh(operator, k=2, which="BE", v0=start, tol=tolerance, return_eigenvectors=False)
        )
    rows: list[Row] = [
        {"end": "smallest", "eigenvalue": float(low)},
        {"end": "largest", "eigenvalue": float(high)},
    ]
    ratio = abs(float(low) / float(high)) if high else 0.0
    facts = {"smallest": float(low), "largest": float(high), "ratio": ratio, "products": hessian.products}
    word = "Convex" if low >= 0 else "Nearly convex" if ratio < 0.05 else "Not convex"
    return StudyResult(
        rows, f"{word}: eigenvalues from {low:.3g} to {high:.3g}, |l_min / l_max| = {ratio:.3f}.", facts
    )


class Hessian:
    """The second derivative of a mean loss, as products with vectors."""

    def __init__(self, model: nn.Module, batches: Batches, loss: Loss) -> None:
        self.model, self.batches, self.loss = model, batches, loss
        self.parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self.size = sum(parameter.numel() for parameter in self.parameters)
        self.products = 0

    def times(self, vector: np.ndarray) -> np.ndarray:
        """Return the product with a vector, the mean over the batches by their images."""
        self.products += 1
        parts = torch.from_numpy(vector.reshape(-1)).split(
            [parameter.numel() for parameter in self.parameters]
        )
        direction = [part.view_as(each).to(each) for part, each in zip(parts, self.parameters, strict=True)]
        images = sum(len(targets) for _, targets in self.batches)
        total = sum(self.of_batch(*batch, direction) * (len(batch[1]) / images) for batch in self.batches)
        assert isinstance(total, Tensor)
        return total.numpy()

    def of_batch(self, images: Tensor, targets: Tensor, direction: list[Tensor]) -> Tensor:
        """Return the product of one batch's Hessian with a direction, flat, on the CPU."""
        value = self.loss(self.model(images), targets)
        gradients = torch.autograd.grad(value, self.parameters, create_graph=True)
        products = torch.autograd.grad(
            gradients, self.parameters, grad_outputs=direction, materialize_grads=True
        )
        return torch.cat([product.flatten() for product in products]).double().cpu()
