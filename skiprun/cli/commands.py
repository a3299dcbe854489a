"""The commands, in the order of the help: where each is, and an example of it."""

from __future__ import annotations

from skiprun.cli.listed import Listed, ListedGroup
from skiprun.cli.options import WithRay

COMMANDS = (
    Listed("train", "train", "configs/resnet56_cifar.yaml --set optim.lr=0.05"),
    Listed("compare", "compare", "plain20 plain56 resnet56 --seeds 3", WithRay),
    Listed("sweep", "sweep", "configs/sweeps/rates_digits.yaml --halving", WithRay),
    Listed("reproduce", "reproduce", "all --budget toy", WithRay),
    Listed("noise", "noise", "resnet20 --seeds 10 --sources init,order", WithRay),
    Listed("resume", "resume", "runs/smoke/seed-0 --epochs 10"),
    Listed("doctor", "doctor", "configs/resnet56_cifar.yaml"),
    Listed("data", "data", "configs/smoke.yaml"),
    Listed("lr-find", "lr_find", "configs/smoke.yaml optim.name=adamw"),
    Listed("evaluate", "evaluate", "runs/smoke/seed-0 --split val"),
    Listed("predict", "predict", "runs/smoke/seed-0 seven.png"),
    Listed("export", "export", "runs/smoke/seed-0 --onnx smoke.onnx"),
    Listed("new", "new", "resnet18_folder flowers.yaml"),
    Listed("lesson", "lesson", "1"),
    Listed("check", "check", "halved.py"),
    Listed("config", "config", "data.augment"),
    Listed("datasets", "listings", "--json"),
    Listed("connections", "listings"),
    Listed("probes", "listings"),
    Listed("explain", "explain", "digits-plain56/seed-0"),
    Listed("dashboard", "dashboard", "--port 6006"),
    ListedGroup("models", "models", "draw"),
    ListedGroup("runs", "runs", "export_runs", "keep_runs"),
    ListedGroup("studies", "study"),
)
