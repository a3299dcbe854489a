"""What `skiprun check` asks of a plug-in, asked of everything that the package registers itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from skiprun.experiment.contracts import CONTRACTS, Contract, Subject, contracts_of
from skiprun.registry import CLAIMS, CONNECTIONS, DATASETS, PROBES, STUDIES, SYMPTOMS
from tests.support import ROOT
from tests.support.command_line import run_here

HERE = {each.kind: each for each in (CONNECTIONS, PROBES, STUDIES, CLAIMS, SYMPTOMS)}
CASES = [
    pytest.param(each, Subject(each.kind, entry), id=f"{entry.name}-{each.test.__name__}")
    for each in CONTRACTS
    if each.kind in HERE
    for entry in HERE[each.kind]
]


@pytest.mark.parametrize(("contract", "subject"), CASES)
def test_what_the_package_brings_keeps_its_contracts(contract: Contract, subject: Subject) -> None:
    outcome = contract.outcome(subject)
    assert outcome.kept is not False, outcome.why


BROKEN = '''
import torch
from torch import nn

from skiprun.connections import Connection
from skiprun.registry import CONNECTIONS, MODELS, PROBES, STUDIES, SYMPTOMS
from skiprun.studies.base import StudyResult


@CONNECTIONS.register("in_place", formula="y = x + f(x)", paper="none")
class InPlace(Connection):
    """Changes f(x)."""

    def forward(self, x, fx):
        return fx.add_(x)


@CONNECTIONS.register("uncertain", formula="y = d(x) + f(x)", paper="")
class Uncertain(Connection):
    """Chance in evaluation, an option without a type, weights that are not saved."""

    def __init__(self, site, strength=0.5):
        super().__init__(site)
        self.weight = torch.randn(site.branch_channels, 1, 1)

    def forward(self, x, fx):
        return nn.functional.dropout(x, 0.5) * self.weight + fx


@CONNECTIONS.register("cut", formula="y = x + f(x)", paper="none")
class Cut(Connection):
    """No gradient, another shape."""

    def forward(self, x, fx):
        return x.detach()[..., 1:] + fx[..., 1:]


@MODELS.register("own_linear", family="own", input=(1, 8, 8), year=1958, paper="none", summary="A layer.")
def own_linear(num_classes: int, in_channels: int, hidden: int = 4):
    return nn.Sequential(nn.Flatten(), nn.Linear(64, num_classes))


@PROBES.register("leaky")
class Leaky:
    """Leaves a hook."""

    hooks = True

    def tags(self, model):
        return ["leaky"]

    def watch(self, model):
        model.register_forward_hook(lambda *_: None)
        return torch.enable_grad()

    def read(self):
        return torch.tensor([1.0])


@STUDIES.register("meddle", paper="none")
def meddle(model, *, seed: int = 0):
    """Meddle."""
    model.eval()
    torch.randn(1)
    return StudyResult([{"number": 1}], "No sentence", {})


@SYMPTOMS.register("always", looks_for="anything", reads=("lr",))
def always(log):
    """See it always."""
    return StudyResult([], "Seen.", {})
'''
SEEN = {
    "in_place": {"leaves_its_inputs": "an operation is made in place", "passes_gradients": "own.py, line 15"},
    "uncertain": {
        "describes_itself": "says not where it is from",
        "says_its_options": "option 'strength' has no type",
        "is_certain_in_evaluation": "chance is left in evaluation",
        "is_saved": "not in its state_dict",
    },
    "cut": {
        "keeps_the_shape": "found [8, 4, 5, 4], not [8, 4, 5, 5]",
        "passes_gradients": "no gradient reaches x",
    },
    "own_linear": {
        "says_its_options": "option 'hidden' has no line",
        "takes_what_the_data_has": "with 3 channels",
    },
    "leaky": {"changes_nothing": "hooks are left", "leaves_after_a_fault": "the hooks of the network"},
    "meddle": {
        "describes_itself": "option 'seed' has no line",
        "says_what_it_found": "its verdict is no sentence",
        "leaves_no_trace": "the modes of the network are not as before",
    },
    "always": {"is_silent_where_all_is_well": "", "is_silent_where_nothing_was_measured": ""},
}


def test_what_is_broken_is_named_with_its_reason_and_nothing_else_is(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(BROKEN)
    done = run_here("check", "own.py", "--json", folder=tmp_path)
    assert done.returncode == 2 and done.stderr == ""
    words = {(each.kind, each.promise): each.test.__name__ for each in CONTRACTS}
    broken: dict[str, dict[str, str]] = {}
    for each in json.loads(done.stdout):
        if each["kept"] is False:
            broken.setdefault(each["name"], {})[words[each["kind"], each["contract"]]] = each["why"]
    for name, reasons in SEEN.items():
        for contract, why in reasons.items():
            assert why in broken[name][contract], (name, contract)
    assert broken["leaky"].keys() == SEEN["leaky"].keys()
    assert {*broken["uncertain"]} - {"computes_in_channels_last"} == {*SEEN["uncertain"]}


def test_the_example_keeps_every_contract_and_is_told_line_by_line(tmp_path: Path) -> None:
    done = run_here("check", str(ROOT / "examples" / "plugin" / "halved.py"), folder=tmp_path)
    assert done.returncode == 0, done.stdout
    lines = done.stdout.splitlines()
    assert lines[0] == "connection halved" and lines[-1] == "11 contracts: 11 kept."
    assert all(line.startswith("  kept      ") for line in lines[1:-1])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("def (:", "cannot be imported (SyntaxError"),
        ("x = 1", "own.py registers nothing: a decorator such as @CONNECTIONS.register"),
        (None, "there is no such file"),
    ],
)
def test_what_cannot_be_checked_is_refused_in_words(content: str | None, said: str, tmp_path: Path) -> None:
    if content:
        (tmp_path / "own.py").write_text(content)
    done = run_here("check", "own.py", folder=tmp_path)
    assert done.returncode == 2 and said in done.stderr and done.stderr.count("error:") == 1


def test_a_dataset_whose_images_are_elsewhere_is_not_tried_and_the_way_is_said(tmp_path: Path) -> None:
    outcome = contracts_of("dataset")[2].outcome(Subject("dataset", DATASETS["cifar10"], tmp_path))
    assert outcome.kept is None and "--root" in outcome.why
