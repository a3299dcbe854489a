"""One study of one network of a claim, in a process of its own; what it finds is kept under what it is."""

from __future__ import annotations

import hashlib
import inspect
import json
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import torch

import skiprun
from skiprun.config_file import build_config
from skiprun.errors import SkiprunError
from skiprun.experiment.study_runner.sample_selection import SampleSelection
from skiprun.experiment.study_runner.study import StudyRequest, run_study
from skiprun.experiment.study_runner.study_target import StudyTarget
from skiprun.experiment.study_runner.study_targets import own_shape
from skiprun.registry import STUDIES
from skiprun.results.study_documents import Document
from skiprun.run import Run
from skiprun.studies.signature import options
from skiprun.system.documents import read_cached, write_sealed
from skiprun.system.files import make_folder
from skiprun.system.machine import cores


@dataclass(frozen=True)
class StudyWork:
    """A study of a network.

    Attributes:
        study: a name of the registry.
        options: of the study.
        look: fields of `SampleSelection`.
        seed: of the network; of the study, where that has a seed and networks of its own.
        config: of the network as plain data; None for a study of its own networks.
        run: where it was trained; None for a network as it is drawn.
    """

    study: str
    options: Mapping[str, object]
    look: Mapping[str, object]
    seed: int
    config: Mapping[str, object] | None = None
    run: Path | None = None

    @cached_property
    def key(self) -> str:
        """A digest of all that the findings depend on, with the study's source and the trained run."""
        module = sys.modules[STUDIES[self.study].module]
        said = {
            "study": [self.study, inspect.getsource(module), dict(self.options), dict(self.look), self.seed],
            "network": self.config,
            "run": Run(self.run).summary() if self.run else None,
            "versions": [skiprun.__version__, str(torch.__version__)],
        }
        text = json.dumps(said, sort_keys=True, default=str)
        return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()

    def file(self, kept: Path) -> Path:
        """Return where the document is kept, below a folder."""
        return kept / f"{self.study}-{self.key}.json"

    def known(self, kept: Path) -> Document | None:
        """Return the document that is kept, if it is there and whole."""
        return read_cached(self.file(kept), Document)

    def make(self) -> Document:
        """Make the study."""
        entry, chosen = STUDIES[self.study], dict(self.options)
        if self.config is None and "seed" in options(entry.target):
            chosen["seed"] = self.seed
        look: Any = {**entry.info.look, **self.look}
        request = StudyRequest(self.study, self._targets(), SampleSelection(**look), chosen)
        [document] = run_study(request, keep=False)
        return document

    def _targets(self) -> list[StudyTarget]:
        """Return the network, if there is one."""
        if self.config is None:
            return []
        config = build_config(dict(self.config))
        if self.run:
            return [StudyTarget(config.name, (config,), (Run(self.run),))]
        return [StudyTarget(config.name, (config,), shape=own_shape(config))]


def make_here(work: StudyWork, kept: Path) -> SkiprunError | None:
    """Make a study in this process and keep what it found; return an error as one that can be passed on."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # nothing is lost but this one study
    torch.set_num_threads(len(cores()))  # a process that is forked has its parent's number, and fewer cores
    try:
        document = work.make()
    except SkiprunError as error:
        whose = f" of {work.config['name']}" if work.config else ""
        passed = SkiprunError(f"{work.study}{whose}: {error}")
        passed.exit_code = error.exit_code
        return passed
    make_folder(kept)
    write_sealed(work.file(kept), cast(Mapping[str, object], document))
    return None
