"""`skiprun` in float64, where sums in another order are the same to many digits."""

import torch

from skiprun.cli import main

torch.set_default_dtype(torch.float64)
main()
