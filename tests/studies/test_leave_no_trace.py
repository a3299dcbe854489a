"""Every study of the registry that sends images through a network: a fault within it leaves no trace.

The rest of what studies promise is a contract, see `skiprun.experiment.contracts.studies`.
"""

from __future__ import annotations

import pytest
import torch
from torch import nn

from skiprun.experiment.contracts.study_trial import Faulty, few, given, network
from skiprun.experiment.contracts.tracks import require_untouched, tracks
from skiprun.registry import STUDIES
from skiprun.studies.signature import needs

# A map of weights only reads the network.
PASSING = [name for name in STUDIES.names() if len(needs(STUDIES[name].target)) > 1]


@pytest.mark.parametrize("fault", [RuntimeError("in the middle"), KeyboardInterrupt()])
@pytest.mark.parametrize("name", PASSING)
def test_a_fault_within_a_network_leaves_no_trace(
    name: str, fault: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = STUDIES[name].target
    kind = "densenet_cifar" if name == "reuse" else "resnet20"
    model = network(kind)
    needed = given(study, model, kind)
    before, stream = tracks(model), torch.get_rng_state()
    faulty = Faulty(nn.Conv2d.forward, fault, at=30)
    monkeypatch.setattr(nn.Conv2d, "forward", lambda layer, images: faulty(layer, images))
    with pytest.raises(type(fault)):
        study(**needed, **few(study))
    require_untouched(model, before)
    assert torch.equal(stream, torch.get_rng_state())
