"""A plug-in file of one's own: found beside the config, recorded, found again; a stranger's is not run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from skiprun.config import Role, RunConfig, role_of
from skiprun.experiment.comparison_request import ComparisonRequest
from skiprun.experiment.plan import plan_comparison
from skiprun.experiment.plugins import TRUSTED, import_plugin
from skiprun.system.plugin_file import find_plugin
from tests.support import ROOT
from tests.support.command_line import run_here
from tests.support.plugins import forget_plugins

EXAMPLE = ROOT / "examples" / "plugin" / "halved.py"
CONFIG = {
    "name": "own",
    "import": "halved.py",
    "model": {"name": "resnet_cifar", "depth": 8, "width": 4, "connection": "halved"},
    "data": {"name": "digits"},
    "schedule": {"epochs": 0.25},
    "compute": {"device": "cpu", "compile": "off"},
    "log": {"tensorboard": False},
}


def write_project(folder: Path) -> Path:
    """Write a connection into a folder, and a config that names it."""
    shutil.copy(EXAMPLE, folder)
    (folder / "own.yaml").write_text(yaml.safe_dump(CONFIG))
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a connection, and a config that names it."""
    return write_project(tmp_path)


@pytest.fixture(scope="module")
def trained_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Such a folder with the run of that config."""
    folder = write_project(tmp_path_factory.mktemp("trained"))
    assert run_here("train", "own.yaml", folder=folder).returncode == 0
    forget_plugins()
    return folder


@pytest.fixture
def trained(trained_once: Path, tmp_path: Path) -> Path:
    """The run directory in a copy of that folder."""
    shutil.copytree(trained_once, tmp_path, dirs_exist_ok=True)
    run = tmp_path / "runs" / "own" / "seed-0"
    config = (run / "config.yaml").read_text().replace(str(trained_once), str(tmp_path))
    (run / "config.yaml").write_text(config)
    return run


def test_a_run_records_the_place_and_the_digest_and_is_scored_from_another_folder(
    trained: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    recorded = yaml.safe_load((trained / "config.yaml").read_text())
    file = trained.parents[2] / "halved.py"
    assert recorded["import"] == [str(file)]
    assert recorded["imported"] == {"halved.py": find_plugin(str(file)).digest}
    done = run_here("evaluate", str(trained), "--json", folder=tmp_path_factory.mktemp("elsewhere"))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["error"] == pytest.approx(
        json.loads((trained / "summary.json").read_text())["test"]["error"]
    )


def test_a_file_that_changed_is_another_experiment_for_training_and_refused_for_the_rest(
    trained: Path,
) -> None:
    project = trained.parents[2]
    (project / "halved.py").write_text(EXAMPLE.read_text().replace("/ 2", "/ 3"))
    again = run_here("train", "own.yaml", folder=project)
    assert again.returncode == 5 and "imported.halved.py: " in again.stderr
    forget_plugins()
    for command in ("evaluate", "gradflow", "resume"):
        refused = run_here(command, str(trained), folder=project)
        assert refused.returncode == 2, (command, refused.stderr)
        assert "halved.py is code that a run names, and is not imported: it changed since" in refused.stderr
        assert f"add --import {project / 'halved.py'}" in refused.stderr
    said = run_here("evaluate", str(trained), "--import", "halved.py", folder=project)
    assert said.returncode == 0 and "changed since the run began, and is used as it is now" in said.stderr


def test_a_file_that_moved_is_named_with_import(trained: Path) -> None:
    project = trained.parents[2]
    (project / "lab").mkdir()
    (project / "halved.py").rename(project / "lab" / "halved.py")
    gone = run_here("evaluate", str(trained), folder=project)
    assert gone.returncode == 2
    assert "there is no such file. Name the place of 'halved.py' with --import." in gone.stderr
    found = run_here("--import=lab/halved.py", "evaluate", str(trained), folder=project)
    assert found.returncode == 0 and "changed" not in found.stderr


CANARY = "\nfrom pathlib import Path\nPath(__file__).with_name('it-ran').touch()\n"


@pytest.mark.parametrize("door", ["evaluate", "resume", "gradflow", "train"])
@pytest.mark.parametrize("place", ["in the run", "beside the run", "in the folder of runs", "elsewhere"])
def test_the_code_of_a_strangers_run_does_not_run(trained: Path, place: str, door: str) -> None:
    """He can write what he likes into the run directory, and the right digest too where the file is his."""
    folders = {
        "in the run": trained,
        "beside the run": trained.parent,
        "in the folder of runs": trained.parents[1],
        "elsewhere": trained.parents[2] / "lab",
    }
    file = folders[place] / "evil.py"
    file.parent.mkdir(exist_ok=True)
    file.write_text(EXAMPLE.read_text() + CANARY)
    recorded = yaml.safe_load((trained / "config.yaml").read_text())
    known = {} if place == "elsewhere" else {"evil.py": find_plugin(str(file)).digest}
    recorded |= {"import": [str(file)], "imported": known}
    (trained / "config.yaml").write_text(yaml.safe_dump(recorded))
    (trained / "summary.json").unlink()
    named = trained / "config.yaml" if door == "train" else trained
    refused = run_here(door, str(named), folder=trained.parents[2])
    why = "the run recorded no digest of it" if place == "elsewhere" else "it lies among runs, in "
    assert refused.returncode == 2 and f"not imported: {why}" in refused.stderr, refused.stderr
    assert not (file.parent / "it-ran").exists()


@pytest.mark.parametrize("door", ["evaluate", "resume", "gradflow", "train"])
def test_a_strangers_run_that_names_its_code_as_one_word_runs_none(trained: Path, door: str) -> None:
    """What may be a list may be a word, and is as little trusted."""
    file = trained.parents[2] / "evil.py"
    file.write_text(EXAMPLE.read_text() + CANARY)
    recorded = yaml.safe_load((trained / "config.yaml").read_text())
    recorded |= {"import": str(file), "imported": {}}
    (trained / "config.yaml").write_text(yaml.safe_dump(recorded))
    (trained / "summary.json").unlink()
    named = trained / "config.yaml" if door == "train" else trained
    refused = run_here(door, str(named), folder=trained.parents[2])
    assert refused.returncode == 2 and "not imported: the run recorded no digest" in refused.stderr
    assert not (file.parent / "it-ran").exists()


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_not_imported_for_a_run(trained: Path) -> None:
    file = trained.parents[2] / "halved.py"
    os.chown(file, 12345, -1)
    refused = run_here("evaluate", str(trained), folder=trained.parents[2])
    assert refused.returncode == 2 and "not imported: it belongs to another user" in refused.stderr


def test_a_plug_in_behind_import_is_recorded_by_the_runs_that_use_it(project: Path) -> None:
    import_plugin(project / "halved.py")
    plan = plan_comparison(
        ComparisonRequest(["resnet20", "resnet20:connection=halved"], runs=project / "runs")
    )
    plain, own = (item.config for item in plan)
    assert plain and own
    assert plain.imports == [] and plain.imported == {}
    assert own.imports == [str(project / "halved.py")] and [*own.imported] == ["halved.py"]


def test_what_ran_is_recorded_though_the_file_changed_since(project: Path) -> None:
    digest = find_plugin(str(project / "halved.py")).digest
    import_plugin(project / "halved.py")
    (project / "halved.py").write_text("")
    asked = ComparisonRequest(["resnet20:connection=halved"], runs=project / "runs")
    (planned,) = plan_comparison(asked)
    assert planned.config and planned.config.imported == {"halved.py": digest}


def test_a_network_of_ones_own_is_found_by_the_protocol_that_imports_it(project: Path) -> None:
    (project / "nets.py").write_text(
        "from functools import partial\n"
        "from torch import nn\n"
        "from skiprun.registry import MODELS\n"
        "def build(pixels, num_classes=10, in_channels=1, **options):\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(pixels, num_classes))\n"
        "facts = {'summary': 'One layer.', 'family': 'own', 'input': (1, 8, 8), 'year': 1958}\n"
        "MODELS.register('linear', paper='none', **facts)(partial(build, 64))\n"
    )
    protocol = {key: value for key, value in CONFIG.items() if key not in ("name", "model")}
    (project / "short.yaml").write_text(yaml.safe_dump(protocol | {"import": ["nets.py"]}))
    (planned,) = plan_comparison(ComparisonRequest(["linear"], project / "short.yaml", runs=project / "runs"))
    assert planned.config and [*planned.config.imported] == ["nets.py"]


def test_what_is_imported_is_listed_and_counted(project: Path) -> None:
    shown = run_here("connections", "--import", "halved.py", "--json", folder=project)
    assert "y = (x + f(x)) / 2" in shown.stdout
    counted = run_here(
        "models", "show", "resnet20:connection=halved", "--import", "halved.py", folder=project
    )
    assert counted.returncode == 0 and "halved" in counted.stdout


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("def (:", "halved.py cannot be imported (SyntaxError: invalid syntax (halved.py, line 1))"),
        ("import there_is_none", "(ModuleNotFoundError: No module named 'there_is_none'). Mend it."),
        (None, "halved.py: there is no such file."),
    ],
)
def test_a_file_that_cannot_be_imported_is_told_in_one_message(
    project: Path, content: str | None, said: str
) -> None:
    (project / "halved.py").write_text(content) if content else (project / "halved.py").unlink()
    for words in (["train", "own.yaml"], ["connections", "--import", "halved.py"]):
        done = run_here(*words, folder=project)
        assert done.returncode == 2 and said in done.stderr, done.stderr
        assert done.stderr.count("error:") == 1
    assert not (project / "runs").exists()


def test_a_changed_file_takes_the_place_of_what_it_registered(project: Path) -> None:
    """As in a notebook, where one process trains again and again."""
    for divisor in ("2", "3"):
        (project / "halved.py").write_text(EXAMPLE.read_text().replace("/ 2", f"/ {divisor}"))
        done = run_here("connections", "--import", "halved.py", "--json", folder=project)
        assert f"y = (x + f(x)) / {divisor}" in done.stdout


def test_the_place_of_a_plug_in_is_no_part_of_the_experiment_but_its_content_is() -> None:
    assert role_of("import") is Role.RECORD
    assert role_of("imported.seed.py") is Role.EXPERIMENT
    assert RunConfig.model_validate(CONFIG).to_dict()["import"] == ["halved.py"]


def test_an_installed_module_is_found_without_importing_its_package(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = project / "own_lab"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit('imported')")
    (package / "halves.py").write_text(EXAMPLE.read_text())
    monkeypatch.syspath_prepend(project)
    found = find_plugin("own_lab.halves")
    assert found.path == package / "halves.py" and found.name == "own_lab.halves"
    assert "own_lab" not in sys.modules


@pytest.mark.slow
def test_the_example_is_compared_over_three_seeds_killed_and_continued(tmp_path: Path) -> None:
    """In processes of its own: workers find the file, and a killed run goes on with it."""
    command = [sys.executable, "-m", "skiprun", "compare", "resnet20", "resnet20:connection=halved"]
    command += [
        "--seeds",
        "3",
        "--import",
        str(EXAMPLE),
        "--set",
        "schedule.epochs=3",
        "--set",
        "model.width=8",
    ]
    environment = os.environ | {TRUSTED: ""}
    first = subprocess.Popen(command, cwd=tmp_path, env=environment, start_new_session=True)
    own = tmp_path / "runs" / "digits-resnet20-connection-halved"
    while first.poll() is None and not [*own.glob("seed-*/checkpoints/last.pt")]:
        try:
            first.wait(0.2)
        except subprocess.TimeoutExpired:
            continue
    os.killpg(first.pid, 9)
    first.wait()
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len([*own.glob("seed-*/summary.json")]) == 3
    digest = find_plugin(str(EXAMPLE)).digest
    for file in own.glob("seed-*/config.yaml"):
        assert yaml.safe_load(file.read_text())["imported"] == {"halved.py": digest}
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    scored = [sys.executable, "-m", "skiprun", "evaluate", str(own / "seed-0")]
    assert subprocess.run(scored, cwd=elsewhere, env=environment).returncode == 0
