"""Segmentation from a config to masks: a run, its overlays, its verdict, what it writes of new images."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import Tensor
from typer.testing import CliRunner

from skiprun.claims.comparison import compare_runs
from skiprun.cli.app import app
from skiprun.config.experiment import RunConfig
from skiprun.config_file import build_config, load_config
from skiprun.data.datasets.cells import draw_image
from skiprun.errors import BadImage, ConfigError, InputError
from skiprun.experiment import evaluate, load_model, predict_masks, train
from skiprun.experiment.predictors import load_segmenter
from skiprun.experiment.prepare import prepare
from skiprun.inference.mask_images import mask_png, voc_colour
from skiprun.inference.masks import resized_classes
from skiprun.inference.output_files import MaskFolder
from skiprun.inference.sliding_window import sliding_window, spans
from skiprun.reports import write_comparison
from skiprun.run import Run
from skiprun.training.views.overlay_panels import fitted
from tests.support import CONFIGS


def small_config(**sections: Any) -> RunConfig:
    plain = {
        "name": "small",
        "model": {"name": "unet", "width": 4, "depth": 2},
        "data": {
            "name": "cells",
            "batch_size": 16,
            "image_size": 32,
            "augment": {"flip": True, "rot90": True},
        },
        "optim": {"name": "adamw", "lr": 0.01, "weight_decay": 0.0},
        "schedule": {"epochs": 3},
        "compute": {"precision": "fp32", "threads": 1},
    }
    return build_config(plain | sections)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A small U-Net after three epochs on drawn cells."""
    return train(small_config(), runs=tmp_path_factory.mktemp("runs"))


def cell_images(folder: Path, *sizes: int) -> list[Path]:
    files = []
    for side in sizes:
        image, labels = draw_image(np.random.default_rng(side), side)
        files.append(folder / f"cells{side}.png")
        Image.fromarray(image).save(files[-1])
        Image.fromarray((labels > 0).astype(np.uint8) * 255).save(folder / f"true{side}.png")
    return files


def test_a_run_has_the_scores_of_masks(run: Run) -> None:
    summary = run.summary()
    assert set(summary["test"]) == {"loss", "iou", "dice", "boundary", "pixel_error"}
    assert (summary["data"]["score_name"], summary["data"]["better"]) == ("iou", "higher")
    assert summary["test"]["iou"] > 0.5


def test_the_best_checkpoint_is_that_of_the_highest_validation_iou(run: Run) -> None:
    epochs = [record for record in run.metrics() if record.get("epoch_end")]
    assert run.summary()["best"]["val"]["iou"] == max(record["val/iou"] or 0 for record in epochs)


def test_a_finished_run_is_evaluated_to_its_own_scores(run: Run) -> None:
    assert evaluate(run)["iou"] == pytest.approx(run.summary()["test"]["iou"], abs=1e-6)


def test_overlays_are_drawn_from_the_same_images_and_shown_in_tensorboard(run: Run) -> None:
    *files, worst = sorted((run.path / "overlays").iterdir())
    assert [file.name for file in files] == [f"epoch-{epoch:04}.png" for epoch in (1, 2, 3)]
    assert worst.name == "worst.png"
    first, last = (np.asarray(Image.open(file)) for file in (files[0], files[-1]))
    assert first.shape == (4 * 160, 4 * 160, 3)
    assert np.array_equal(first[:, :320], last[:, :320])  # image and truth
    assert not np.array_equal(first[:, 320:], last[:, 320:])  # prediction and errors
    events = EventAccumulator(str(run.path), size_guidance={"images": 0})
    events.Reload()
    shown = events.Images("overlays")
    assert [image.encoded_image_string for image in shown] == [file.read_bytes() for file in files]


def test_the_worst_test_images_are_drawn_last_and_shown_on_the_page(run: Run, tmp_path: Path) -> None:
    comparison = compare_runs([run])
    scores = comparison.groups[0].first.images
    assert scores is not None
    lowest = np.argsort(scores.values, kind="stable")[:4]
    images, _ = prepare(small_config()).loaders.test.take(torch.from_numpy(lowest))
    drawn = np.asarray(Image.open(run.path / "overlays" / "worst.png"))
    for row, image in enumerate(images):
        assert np.array_equal(
            drawn[160 * row : 160 * row + 160, :160], fitted(image.permute(1, 2, 0).expand(-1, -1, 3).numpy())
        )
    page = write_comparison(comparison, tmp_path / "out").read_text()
    assert page.count("data:image/webp") == 2
    assert f"the test images where it is worst, iou from top to bottom {scores.values.min():.4f}, " in page
    assert "the same images of the validation split, after epoch 3." in page


def test_overlays_do_not_change_a_bit_of_the_training(run: Run, tmp_path: Path) -> None:
    without = train(small_config(log={"tensorboard": False}), runs=tmp_path)
    assert without.summary()["test"] == run.summary()["test"]
    assert not (without.path / "overlays").exists()


def test_a_network_for_labels_is_refused_for_masks_and_the_other_way_round() -> None:
    with pytest.raises(
        ConfigError, match="'resnet20' learns one label an image, and dataset 'cells' has masks"
    ):
        prepare(small_config(model={"name": "resnet20"}))
    with pytest.raises(ConfigError, match="'unet' learns masks, and dataset 'digits' has one label an image"):
        prepare(small_config(data={"name": "digits"}))


def test_a_network_whose_levels_are_all_off_is_the_control(run: Run, tmp_path: Path) -> None:
    """The comparison says what the skips are worth against it, in every score."""
    model = {"name": "unet", "width": 4, "depth": 2, "skip_levels": "00"}
    control = train(small_config(name="none", model=model), runs=tmp_path)
    assert control.summary()["model"]["connection"] == "none"
    sentences = [line for line in compare_runs([run, control]).verdict.sentences if "are worth" in line]
    assert [line.split()[2] for line in sentences] == ["iou", "dice", "boundary", "pixel_error"]


def test_masks_are_written_in_the_size_of_each_image(run: Run, tmp_path: Path) -> None:
    files = cell_images(tmp_path, 32, 50)
    Image.fromarray(np.zeros((17, 90), np.uint8)).save(tmp_path / "odd.png")
    found = list(predict_masks(run, [*files, tmp_path / "odd.png"], MaskFolder(tmp_path / "masks")))
    sizes = [Image.open(item["mask"]).size for item in found]
    assert sizes == [(32, 32), (50, 50), (90, 17)]
    assert all(set(np.unique(np.asarray(Image.open(item["mask"])))) <= {0, 255} for item in found)
    assert all(sum(item["shares"].values()) == pytest.approx(1) for item in found)


def test_masks_resemble_the_truth(run: Run, tmp_path: Path) -> None:
    (file,) = cell_images(tmp_path, 64)
    list(predict_masks(run, [file], MaskFolder(tmp_path / "masks")))
    found, true = (
        np.asarray(Image.open(tmp_path / name)) > 0 for name in ("masks/cells64.png", "true64.png")
    )
    assert (found & true).sum() / (found | true).sum() > 0.5


def test_tiles_give_what_the_whole_image_gives(run: Run) -> None:
    """Depth 2 sees 22 pixels to each side, less than half of the overlap."""
    model = load_model(run)
    image, _ = draw_image(np.random.default_rng(1), 150)

    def logits(pixels: np.ndarray) -> Tensor:
        with torch.no_grad():
            return model(torch.from_numpy(pixels.copy())[None, None].float() / 255)

    # Tiles begin at multiples of 4, as pooling does.
    corner = image[:128, :128]
    assert np.array_equal(sliding_window(corner, logits, 64, 48), sliding_window(corner, logits, 512, 64))


def test_no_tile_is_larger_than_said() -> None:
    seen = []

    def logits(pixels: np.ndarray) -> Tensor:
        seen.append(pixels.shape)
        return torch.ones(1, 1, *pixels.shape)

    assert sliding_window(np.zeros((1000, 130), np.uint8), logits, 256, 64).all()
    assert max(seen) == (256, 130) and len(seen) == 5


@pytest.mark.parametrize("length", [10, 64, 65, 100, 1000])
def test_spans_cover_every_pixel_once(length: int) -> None:
    pixels = [
        pixel
        for begin, low, high in spans(length, 64, 16)
        for pixel in range(low, high)
        if pixel - begin < 64
    ]
    assert pixels == list(range(length))


def test_logits_are_enlarged_as_torch_does(run: Run) -> None:
    torch.manual_seed(0)
    small = torch.randn(1, 3, 8, 8)
    expected = torch.nn.functional.interpolate(small, (600, 40), mode="bilinear").argmax(1)[0].numpy()
    assert (resized_classes(small, 600, 40) == expected).mean() > 0.999


def test_a_resized_run_predicts_at_its_size(tmp_path: Path) -> None:
    for split in ("train", "val"):
        for each in range(6):
            image, labels = draw_image(np.random.default_rng(each), 48)
            for kind, values in (("images", image), ("masks", (labels > 0).astype(np.uint8) * 255)):
                (tmp_path / split / kind).mkdir(parents=True, exist_ok=True)
                Image.fromarray(values).save(tmp_path / split / kind / f"{each}.png")
    data = {
        "name": "mask_folder",
        "root": str(tmp_path),
        "image_size": 24,
        "batch_size": 4,
        "val_fraction": 0.3,
    }
    trained = train(small_config(data=data, schedule={"steps": 2}), runs=tmp_path / "runs")
    seen = []
    segmenter = load_segmenter(trained, "cpu")
    segmenter.model.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0].shape))
    with torch.no_grad():
        mask = segmenter.mask(np.zeros((70, 90, 3), np.uint8), Counter())
    assert mask.shape == (70, 90) and seen == [(1, 1, 24, 24)]


def test_a_bad_image_is_named_or_left_out(run: Run, tmp_path: Path) -> None:
    (file,) = cell_images(tmp_path, 32)
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"nothing")
    with pytest.raises(BadImage, match=r"broken.png is not a readable image"):
        list(predict_masks(run, [broken, file], MaskFolder(tmp_path / "out")))
    found = list(predict_masks(run, [broken, file], MaskFolder(tmp_path / "out"), skip_bad=True))
    assert "problem" in found[0] and Path(found[1]["mask"]).exists()


def test_no_image_is_replaced_by_its_mask(run: Run, tmp_path: Path) -> None:
    (file,) = cell_images(tmp_path, 32)
    with pytest.raises(InputError, match="would be replaced by its mask"):
        list(predict_masks(run, [file], MaskFolder(tmp_path)))
    other = tmp_path / "b"
    other.mkdir()
    (twin,) = cell_images(other, 32)
    with pytest.raises(InputError, match="would both get the mask"):
        list(predict_masks(run, [file, twin], MaskFolder(tmp_path / "out")))


def test_more_classes_are_written_as_numbers_with_colours() -> None:
    import io

    image = Image.open(io.BytesIO(mask_png(np.array([[0, 1, 20]], np.uint8), 21)))
    assert image.mode == "P" and np.asarray(image).tolist() == [[0, 1, 20]]
    assert [voc_colour(index) for index in (0, 1, 2, 15, 20)] == [
        (0, 0, 0),
        (128, 0, 0),
        (0, 128, 0),
        (192, 128, 128),
        (0, 64, 128),
    ]


def test_the_command_writes_masks_and_tells_what_it_left_out(run: Run, tmp_path: Path) -> None:
    (file,) = cell_images(tmp_path, 32)
    (tmp_path / "broken.png").write_bytes(b"nothing")
    arguments = [
        "predict",
        str(run.path),
        str(file),
        str(tmp_path / "broken.png"),
        "--out",
        str(tmp_path / "out"),
    ]
    shown = CliRunner().invoke(app, [*arguments, "--skip-bad"])
    assert shown.exit_code == 0 and "Left out 1 of 2 images" in shown.output
    assert (tmp_path / "out" / "cells32.png").exists()
    assert isinstance(CliRunner().invoke(app, [*arguments, "--overwrite"]).exception, BadImage)


@pytest.mark.parametrize("other", ["unet_none_cells", "unet_add_cells"])
def test_two_configs_of_cells_differ_by_the_connection_alone(other: str) -> None:
    one, two = (load_config(CONFIGS / f"{name}.yaml").to_dict() for name in ("unet_cells", other))
    assert one.pop("name") != two.pop("name")
    assert one["model"].pop("connection") is None and two["model"].pop("connection") == other.split("_")[1]
    assert one == two


@pytest.mark.parametrize(
    "model",
    [
        {"name": "unet", "connection": "attention_gate"},
        {"name": "resunet"},
        {"name": "unetplusplus", "deep_supervision": True},
    ],
    ids=lambda model: model["name"],
)
def test_every_kind_of_unet_trains_is_scored_and_finds_masks(model: dict[str, Any], tmp_path: Path) -> None:
    config = small_config(model={"width": 4, "depth": 2} | model, schedule={"steps": 2}, log={"every": 1})
    trained = train(config, runs=tmp_path)
    (file,) = cell_images(tmp_path, 32)
    assert trained.summary()["test"]["loss"] > 0
    assert len(list(predict_masks(trained, [file], MaskFolder(tmp_path / "masks")))) == 1
