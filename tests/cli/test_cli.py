"""The command line as people and programs meet it: exit codes, stdout, stderr, run directories."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from PIL import Image
from sklearn.datasets import load_digits

from skiprun.run import Run
from skiprun.system.machine import cores
from tests.support import ROOT
from tests.support.command_line import exit_code, run_here

SMOKE = str(ROOT / "configs" / "smoke.yaml")
FAST = ["--set", "schedule.epochs=0.5", "--set", "log.tensorboard=false"]
COMMANDS = [
    "train",
    "compare",
    "config",
    "evaluate",
    "export",
    "predict",
    "models",
    "datasets",
    "connections",
    "probes",
    "runs",
    "dashboard",
    "data",
    "doctor",
    "lesson",
    "resume",
]


def start(*arguments: str, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "skiprun", *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def call(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own."""
    process = start(*arguments, folder=folder)
    out, err = process.communicate(timeout=240)
    return subprocess.CompletedProcess(arguments, process.returncode, out, err)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished smoke run in it."""
    folder = tmp_path_factory.mktemp("trained")
    done = call("train", SMOKE, folder=folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example_and_fits_80_columns(command: str, tmp_path: Path) -> None:
    shown = run_here(command, "--help", folder=tmp_path, COLUMNS="80")
    assert shown.returncode == 0
    assert max(map(len, shown.stdout.splitlines())) <= 80
    assert f"Example: skiprun {command}" in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "heavy"),
    [
        (
            ["--help"],
            ["torch", "numpy", "pydantic", "rich", "yaml", "skiprun.cli.train", "skiprun.cli.models"],
        ),
        (["models", "--help"], ["torch", "numpy", "skiprun.cli.train"]),
        (["compare", "--help"], ["torch", "numpy", "skiprun.run"]),
        (["--version"], ["torch", "numpy", "pydantic"]),
        (["runs"], ["torch"]),
        (["config"], ["torch", "numpy"]),
        (["train", "missing.yaml"], ["torch"]),
        (["train", "--hlp"], ["torch"]),
        (["lesion", "--help"], ["torch", "skiprun.studies.lesion"]),
        (["lesion", "a-run", "--draws", "0"], ["torch"]),
    ],
)
def test_what_a_command_does_not_need_is_not_imported(
    arguments: list[str], heavy: list[str], tmp_path: Path
) -> None:
    code = f"import sys; sys.argv = {['skiprun', *arguments]!r}\nimport atexit\n"
    code += f"atexit.register(lambda: print('imported', *{{*{heavy}}} & {{*sys.modules}}))\n"
    code += "import skiprun.__main__"
    shown = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert shown.stdout.splitlines()[-1] == "imported"


def test_train_leaves_the_promised_directory(trained: Path) -> None:
    run = Run(trained / "runs" / "smoke" / "seed-0")
    names = {path.name for path in run.path.iterdir()}
    assert {
        "config.yaml",
        "environment.json",
        "metrics.jsonl",
        "checkpoints",
        "studies",
        "summary.json",
    } <= names
    assert any(name.startswith("events.out.tfevents") for name in names)
    assert run.state == "finished"
    assert run.summary()["test"]["error"] < 50
    session = json.loads(run.environment_file.read_text())["sessions"][0]
    assert {"torch", "python", "device", "command", "commit", "time"} <= session.keys()
    saved = yaml.safe_load(run.config_file.read_text())
    assert saved["optim"]["momentum"] == 0.9  # silence was filled in


def test_a_finished_run_is_shown_and_not_trained_again(trained: Path) -> None:
    before = {
        path: path.stat().st_mtime_ns for path in (trained / "runs" / "smoke").rglob("*") if path.is_file()
    }
    again = run_here("train", SMOKE, folder=trained)
    assert again.returncode == 0
    assert "finished already" in again.stderr
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_changed_config_under_the_same_name_is_refused_with_the_difference(trained: Path) -> None:
    refused = run_here("train", SMOKE, "--set", "optim.lr=0.05", folder=trained)
    assert refused.returncode == 5
    assert "optim.lr: 0.1 -> 0.05" in refused.stderr
    assert "--fresh" in refused.stderr


def test_evaluate_repeats_the_test_score(trained: Path) -> None:
    shown = run_here("evaluate", "runs/smoke/seed-0", "--json", folder=trained)
    scores = json.loads(shown.stdout)
    assert scores["error"] == Run(trained / "runs/smoke/seed-0").summary()["test"]["error"]
    val = json.loads(run_here("evaluate", "smoke/seed-0", "--split", "val", "--json", folder=trained).stdout)
    assert val["error"] == Run(trained / "runs/smoke/seed-0").summary()["best"]["val"]["error"]
    assert run_here("evaluate", "smoke/seed-0", "--split", "tset", folder=trained).returncode == 2


def test_predict_labels_images_of_any_size(trained: Path) -> None:
    digits = load_digits()
    for label in range(10):
        image = Image.fromarray((digits.images[label] * 15.9).astype("uint8"))
        image.resize((32, 32), Image.Resampling.NEAREST).convert("RGB").save(trained / f"{label}.png")
    shown = run_here("predict", "smoke", *(f"{label}.png" for label in range(10)), "--json", folder=trained)
    found = json.loads(shown.stdout)
    right = sum(item["label"] == str(digits.target[index]) for index, item in enumerate(found))
    assert right >= 8
    assert len(found[0]["top"]) == 3
    (trained / "broken.png").write_bytes(b"\x89PNG\r\n")
    broken = run_here("predict", "smoke", "broken.png", folder=trained)
    assert (broken.returncode, "broken.png" in broken.stderr) == (2, True)


def test_runs_lists_and_shows(trained: Path) -> None:
    listed = json.loads(run_here("runs", "--json", folder=trained).stdout)
    assert any("smoke" in json.dumps(row) for row in listed)
    assert "finished" in run_here("runs", folder=trained).stdout
    assert run_here("runs", "show", "smoke/seed-0", folder=trained).returncode == 0
    assert run_here("runs", "show", "smok", folder=trained).returncode == 2


# All architectures are counted, once, for their table: see test_tables.
@pytest.mark.parametrize("listing", ["models *20", "datasets", "connections", "probes"])
def test_listings_are_one_json_document(listing: str, tmp_path: Path) -> None:
    shown = run_here(*listing.split(), "--json", folder=tmp_path)
    assert {"name", "summary"} <= json.loads(shown.stdout)[0].keys()


def test_json_is_alone_on_stdout(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert exit_code("train", SMOKE, *FAST, "--json", folder=tmp_path) == 0
    assert json.loads(capfd.readouterr().out)["model"]["connection"] == "add"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ["--set", "model.name=resnet57"],
            "model.name: No model is called 'resnet57'. Did you mean 'resnet56'?",
        ),
        (["--set", "model.connection=ad"], "Did you mean 'add'?"),
        (["--set", "model.connection=concat"], "does not fit resnet20"),
        (["--set", "model.depth=21"], "depth"),
        (["--set", "data.name=digit"], "Did you mean 'digits'?"),
        (["--set", "probes=[grad]"], "No probe is called 'grad'"),
        (["--set", "data.batch_size=100000"], "batch_size"),
        (["--set", "optim.lrr=1"], "Did you mean 'lr'?"),
        (["--device", "cuda"], "found cuda, but torch"),
        (["--seed", "-1"], "seed"),
        (["--name", "../x"], "name"),
    ],
)
def test_wrong_input_exits_with_2_one_message_and_no_run(
    arguments: list[str], says: str, tmp_path: Path
) -> None:
    import torch

    if "cuda" in arguments and torch.cuda.is_available():
        pytest.skip("there is a GPU")
    refused = run_here("train", SMOKE, *arguments, folder=tmp_path)
    assert refused.returncode == 2
    assert says in refused.stderr
    assert "Traceback" not in refused.stderr
    assert len(refused.stderr.strip().splitlines()) <= 5
    assert not (tmp_path / "runs").exists()


def test_several_wrong_names_are_reported_at_once(tmp_path: Path) -> None:
    refused = run_here(
        "train", SMOKE, "--set", "model.name=resnet57", "--set", "data.name=digit", folder=tmp_path
    )
    assert len(refused.stderr.strip().splitlines()) == 2


def test_cifar_without_data_and_network_names_the_place_and_leaves_nothing(tmp_path: Path) -> None:
    data = tmp_path / "cache"
    refused = run_here(
        "train", str(ROOT / "configs/resnet56_cifar.yaml"), folder=tmp_path, SKIPRUN_DATA=str(data)
    )
    assert refused.returncode == 2
    assert str(data) in refused.stderr.replace("\n", "")
    assert "cifar-10-python.tar.gz" in refused.stderr
    assert "data.download=true" in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
def test_killed_and_started_again_ends_with_the_same_bits(tmp_path: Path) -> None:
    options = ["--set", "schedule.epochs=4", "--set", "log.tensorboard=false"]
    assert run_here("train", SMOKE, *options, "--name", "whole", folder=tmp_path).returncode == 0
    process = start("train", SMOKE, *options, "--name", "parts", folder=tmp_path)
    metrics = tmp_path / "runs/parts/seed-0/metrics.jsonl"
    until = time.monotonic() + 120
    while not (metrics.exists() and '"epoch_end"' in metrics.read_text()):
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert Run(tmp_path / "runs/parts/seed-0").state == "unfinished"
    assert run_here("train", SMOKE, *options, "--name", "parts", folder=tmp_path).returncode == 0
    whole, parts = (Run(tmp_path / f"runs/{name}/seed-0") for name in ("whole", "parts"))
    records = [
        [{tag: value for tag, value in row.items() if not tag.startswith("time/")} for row in run.metrics()]
        for run in (whole, parts)
    ]
    assert records[0] == records[1]

    import torch

    weights = [torch.load(run.checkpoints / "last.pt", weights_only=True)["model"] for run in (whole, parts)]
    assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), pytest.param(signal.SIGTERM, 143, marks=pytest.mark.slow)]
)
def test_a_signal_saves_and_the_same_command_continues(number: int, code: int, tmp_path: Path) -> None:
    options = ["--set", "schedule.epochs=200", "--set", "log.tensorboard=false"]
    process = start("train", SMOKE, *options, "--set", "compute.compile=off", folder=tmp_path)
    metrics = tmp_path / "runs/smoke/seed-0/metrics.jsonl"
    until = time.monotonic() + 120
    while not (metrics.exists() and '"epoch_end"' in metrics.read_text()):
        assert time.monotonic() < until
        time.sleep(0.01)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert "The same command continues" in err
    assert "Traceback" not in err
    assert Run(tmp_path / "runs/smoke/seed-0").state == "stopped"


def test_compare_trains_what_is_missing_and_reuses_the_rest(tmp_path: Path) -> None:
    options = [
        "--set",
        "schedule.epochs=1",
        "--set",
        "log.tensorboard=false",
        "--set",
        "model.width=4",
        "--json",
    ]
    first = call("compare", "plain20", "resnet20:connection=highway", *options, folder=tmp_path)
    assert first.returncode == 0, first.stderr
    runs = sorted(path.name for path in (tmp_path / "runs").iterdir() if path.name.startswith("digits"))
    assert runs == ["digits-plain20", "digits-resnet20-connection-highway"]
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").rglob("summary.json")}
    assert len(before) == 2
    files = sorted((tmp_path / "runs").glob("*/*/environment.json"))
    shares = [json.loads(file.read_text())["sessions"][0]["cores"] for file in files]
    if len(cores()) > 1:  # each trained beside the other, on cores of its own
        assert not set(shares[0]) & set(shares[1])
    again = run_here("compare", "plain20", "resnet20:connection=highway", *options, folder=tmp_path)
    assert json.loads(again.stdout)["groups"] == json.loads(first.stdout)["groups"]
    assert {path: path.stat().st_mtime_ns for path in before} == before
    report = next((tmp_path / "runs" / "comparisons").glob("*/report.html"))
    assert {"report.md", "comparison.json"} <= {path.name for path in report.parent.iterdir()}


def test_compare_refuses_a_wrong_name_before_anything_is_trained(tmp_path: Path) -> None:
    refused = run_here("compare", "plain20", "resnet21", folder=tmp_path)
    assert refused.returncode == 2
    assert "Did you mean" in refused.stderr
    assert not (tmp_path / "runs").exists()
