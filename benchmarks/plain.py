"""A plain PyTorch script for the demo's experiment: python -m benchmarks.plain EPOCHS SEED NETWORK...

It prints a JSON line a network: its test error in percent, and its training loss over the last epoch.
"""

from __future__ import annotations

import json
import sys
import tempfile

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.tensorboard import SummaryWriter

from skiprun.models import build_model
from skiprun.system.torchvision_repair import torchvision


def main(epochs: int, seed: int, names: list[str]) -> None:
    """Train each network, with its losses, errors and gradient norms in TensorBoard, as scripts do it."""
    digits = load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32)[:, None] / 16
    images = (images - images.mean()) / images.std()
    train, test = train_test_split(range(len(images)), test_size=360, stratify=digits.target, random_state=0)
    labels = torch.tensor(digits.target)
    crop = torchvision.transforms.RandomCrop(8, 1)
    torch.manual_seed(seed)
    for name in names:
        batches = DataLoader(
            TensorDataset(images[train[144:]], labels[train[144:]]), 64, shuffle=True, drop_last=True
        )
        model = build_model(name, 10, 1)
        optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9, weight_decay=1e-4)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * len(batches))
        writer, step = SummaryWriter(tempfile.mkdtemp()), 0
        for epoch in range(epochs):
            model.train()
            losses = []
            for x, y in batches:
                x = torch.stack([crop(each) for each in x])
                loss = F.cross_entropy(model(x), y)
                optimizer.zero_grad()
                loss.backward()
                if step % 10 == 0:
                    for key, parameter in model.named_parameters():
                        assert parameter.grad is not None
                        writer.add_scalar(f"grad/{key}", parameter.grad.norm().item(), step)
                torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                schedule.step()
                losses.append(loss.item())
                writer.add_scalar("loss", losses[-1], step)
                step += 1
            model.eval()
            with torch.no_grad():
                wrong = (model(images[train[:144]]).argmax(1) != labels[train[:144]]).float().mean().item()
            writer.add_scalar("error", wrong, epoch)
            torch.save(
                {"model": model.state_dict(), "optimizer": optimizer.state_dict()},
                f"{writer.log_dir}/last.pt",
            )
        with torch.no_grad():
            wrong = (model(images[test]).argmax(1) != labels[test]).float().mean().item()
        writer.close()
        print(
            json.dumps({"network": name, "error": 100 * wrong, "loss": sum(losses) / len(losses)}), flush=True
        )


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
