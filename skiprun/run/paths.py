"""The files of a run directory.

runs/<name>/seed-<s>/
    config.yaml        the whole config, every default filled in
    environment.json   versions, device, command and commit of every session that trained it
    metrics.jsonl      the truth: one JSON object a line
    events.out.*       TensorBoard's view of it
    checkpoints/       last.pt, previous.pt, best.pt
    studies/           what instruments found
    overlays/          what a network for masks saw, as epochs ended
    status.json        how the latest session ended
    tags.json          words that a person gave it
    test.npz           what the best weights say of each image of the test split
    summary.json       written last: its presence means the run is done
"""

from __future__ import annotations

from pathlib import Path

from skiprun.run.places import name_of


class RunPaths:
    """A run directory by the names of its files."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config_file = path / "config.yaml"
        self.environment_file = path / "environment.json"
        self.metrics_file = path / "metrics.jsonl"
        self.status_file = path / "status.json"
        self.tags_file = path / "tags.json"
        self.images_file = path / "test.npz"
        self.summary_file = path / "summary.json"
        self.checkpoints = path / "checkpoints"
        self.studies = path / "studies"
        self.overlays = path / "overlays"

    def __repr__(self) -> str:
        return f"Run('{self.path}')"

    @property
    def root(self) -> Path:
        """The folder of all runs."""
        return self.path.parent.parent

    @property
    def name(self) -> str:
        """Name and seed, as in 'resnet56_cifar/seed-0'."""
        return name_of(self.path)
