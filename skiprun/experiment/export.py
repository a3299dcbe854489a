"""Write the best weights of a run as files of other formats, each computed beside the network before."""

from __future__ import annotations

import copy
import json
import logging
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import torch
from torch import Tensor, nn

import skiprun
from skiprun.errors import DataNotFound, InputError, SkiprunError
from skiprun.experiment.finished import load_model, load_run, rebuild
from skiprun.inference.output_files import refuse_existing
from skiprun.models import build_from_config
from skiprun.models.build import START
from skiprun.models.export.base import Facts, Format
from skiprun.models.export.formats import FORMATS
from skiprun.models.weights.digest import weights_digest
from skiprun.run import Run
from skiprun.system.arguments import checked_arguments
from skiprun.system.disk import check_writable
from skiprun.system.files import json_safe, make_folder, write_bytes

log = logging.getLogger(__name__)
CHECKED = 16  # images of the validation split
# Of the largest output. Sums in another order differ by about 1e-6 in most networks; float16 weights, a wrong
# layer, or another mode of a batch norm by 1e-3 or more.
MAX_DIFFERENCE = 1e-4
# Times what float32 itself rounds in this network: in an ill-conditioned one that is more than the above.
MAX_ROUNDINGS = 10


@dataclass(frozen=True)
class ExportedFile:
    """A file that was written.

    Attributes:
        format: its name.
        file: where it is.
        bytes: its size.
        max_difference: largest difference of an output to the network's, over the checked images.
        rounding: the network's own, in float32 to float64.
        largest_output: of the network, which both are to be measured by.
        images: how many were checked.
    """

    format: str
    file: str
    bytes: int
    max_difference: float
    rounding: float
    largest_output: float
    images: int


@checked_arguments
def export(
    run: Run | Path | str,
    files: Mapping[str, Path | str],
    root: Path | str | None = None,
    other_data: bool = False,
    overwrite: bool = False,
) -> list[ExportedFile]:
    """Write the best weights of a finished run, each file whole or not at all, after it was checked.

        skiprun.export("smoke", {"onnx": "smoke.onnx", "safetensors": "smoke.safetensors"})

    What a file computes is compared with the network, in fp32 on the CPU, on images of the validation split.

    Args:
        run: a finished run, by object, directory or name.
        files: by format (onnx, pt2, safetensors, state-dict), where to.
        root: where the run's data is now; None: where it was.
        other_data: check on data that is not the run's own, too.
        overwrite: replace files that are there.

    Raises:
        InputError: no such format, a package is missing, or a file would be replaced.
        SkiprunError: a file computes something else than the network; it is not written.
    """
    places = {name: Path(place) for name, place in files.items()}
    formats = {name: known_format(name) for name in places}
    check_places(list(places.values()), overwrite)
    exporter = Exporter.of(run if isinstance(run, Run) else load_run(run), root, other_data)
    return [exporter.write(formats[name], place) for name, place in places.items()]


def known_format(name: str) -> Format:
    """Return a format whose packages are there.

    Raises:
        InputError: there is no such format, or a package is missing.
    """
    if name not in FORMATS:
        raise InputError(f"No format is called '{name}'; there are {', '.join(FORMATS)}.")
    FORMATS[name].check_installed()
    return FORMATS[name]


def check_places(places: Sequence[Path], overwrite: bool) -> None:
    """Refuse files that would be replaced, and folders that cannot be written, before anything is read."""
    if not places:
        raise InputError(f"Say what is to be written: {', '.join(f'--{name} FILE' for name in FORMATS)}.")
    if len({place.absolute() for place in places}) < len(places):
        raise InputError("Two formats would be written to one file; give each its own.")
    for place in places:
        if place.is_dir():
            raise InputError(f"{place} is a folder; name a file in it.")
        check_writable(place.parent)
    refuse_existing(places, overwrite)


@dataclass(frozen=True, eq=False)
class Exporter:
    """A network with its best weights, and what it computes.

    Attributes:
        run: whose it is.
        model: on the CPU, in evaluation mode.
        images: on which files are checked, [N, C, H, W].
        facts: of the network, for the metadata of files.
    """

    run: Run
    model: nn.Module
    images: Tensor
    facts: Facts

    @classmethod
    def of(cls, run: Run, root: Path | str | None, other_data: bool) -> Exporter:
        """Rebuild a finished run; without its data, files are checked on noise, which is said."""
        summary = run.summary()
        try:
            parts = rebuild(run, root, other_data, "cpu")
            model, images = parts.model, next(parts.loaders.batches("val", CHECKED))[0].contiguous()
        except DataNotFound as error:
            model = load_model(run)
            shape = summary["data"]["image_shape"]
            images = torch.randn(CHECKED, *shape, generator=torch.Generator().manual_seed(0))
            log.warning(f"Checked on noise, as the run's data is not there: {error}")
        return cls(run, model, images, facts_of(run, model))

    @torch.no_grad()
    def write(self, form: Format, place: Path) -> ExportedFile:
        """Write a file, after what it computes was compared.

        Raises:
            SkiprunError: that is something else than the network does; nothing is written.
        """
        expected, exact = self.model(self.images), copy.deepcopy(self.model).double()(self.images.double())
        content = form.write(self.model, self.images, self.facts)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, place.name)
            file.write_bytes(content)
            found = form.outputs(file, self.images, self.fresh_network())
        difference, rounding, largest = (
            each.abs().max().item() for each in (found - expected, expected - exact, expected)
        )
        if not difference <= max(MAX_DIFFERENCE * largest, MAX_ROUNDINGS * rounding):
            raise SkiprunError(
                f"{place} was not written: as {form.name}, it computes something else; outputs differ "
                f"by {difference:.2g}, float32 rounds by {rounding:.2g}, and the largest is {largest:.3g}."
            )
        make_folder(place.parent)
        write_bytes(place, content)
        return ExportedFile(
            form.name, str(place), len(content), difference, rounding, largest, len(self.images)
        )

    def fresh_network(self) -> nn.Module:
        """Return the network that the run's config describes, with weights that are drawn."""
        data = self.run.summary()["data"]
        return build_from_config(self.run.config.model, data["num_classes"], data["image_shape"][0])


def facts_of(run: Run, model: nn.Module) -> dict[str, str]:
    """Return what a program must know to use a network, and where it comes from: texts, lists as JSON."""
    summary, config = run.summary(), run.config
    data = summary["data"]
    one_logit = data["task"] == "segmentation" and data["num_classes"] == 2
    facts: dict[str, object] = {
        "task": data["task"],
        "classes": data["class_names"],
        "output": "one logit a pixel; above 0: the second class" if one_logit else "a logit for each class",
        "input_shape": ["batch", *data["image_shape"]],
        "normalization": "(image / 255 - mean) / std, by channel",
        "mean": data["mean"],
        "std": data["std"],
        "conversion": data.get("conversion"),
        "model": config.model.model_dump(exclude_none=True, exclude=START),
        "run": run.name,
        "test": summary["test"],
        "dataset": data["name"],
        "config_digest": blake2b(json.dumps(config.to_dict()).encode(), digest_size=8).hexdigest(),
        "weights_digest": weights_digest([model]),
        "skiprun": skiprun.__version__,
    }
    return {
        key: value if isinstance(value, str) else json.dumps(json_safe(value)) for key, value in facts.items()
    }
