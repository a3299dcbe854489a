"""Broken configs (F44 to F56): one message with file and key, exit code 2, no traceback, no file, no hang."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skiprun.config import RunConfig
from skiprun.config_file import build_config, load_config
from skiprun.errors import InputError
from tests.support import ROOT
from tests.support.command_line import exit_code
from tests.support.corpus import CORPUS, GOOD, MESSAGES, messages, row_of

HANG = 20  # seconds: far more than any of these takes


@contextlib.contextmanager
def no_hang() -> Iterator[None]:
    """Let what takes for ever fail."""

    def ring(number: int, frame: Any) -> None:
        raise AssertionError("it hangs")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(HANG)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def call(folder: Path, *arguments: str) -> int:
    """Run the command line in this process, in a folder."""
    with no_hang():
        return exit_code(*arguments, folder=folder)


@pytest.mark.parametrize("name", CORPUS, ids=lambda name: f"{row_of(name)}-{name}")
def test_a_broken_file_ends_with_2_and_nothing_written(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.yaml").write_bytes(CORPUS[name])
    assert call(tmp_path, "train", "config.yaml") == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert all(line.isprintable() for line in err.splitlines())
    assert "Traceback" not in err
    assert err.startswith("error: config.yaml")
    assert len(err.splitlines()) <= 13
    assert [file.name for file in tmp_path.iterdir()] == ["config.yaml"]


def test_the_messages_of_broken_files_are_these() -> None:
    assert len(CORPUS) >= 80
    assert messages() == MESSAGES.read_text(), (
        "look at the difference; `python -m tests.support.corpus` takes it over"
    )


def test_F46_a_number_without_a_point_is_a_number(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(GOOD + "optim: {lr: 1e-3, weight_decay: 5E-4}\n")
    optim = load_config(tmp_path / "config.yaml").optim
    assert (optim.lr, optim.weight_decay) == (0.001, 0.0005)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["model.name=resnet_cifar", "model.depth=21"], r"model.depth: found 21; .*20"),
        (["schedule.warmup=3"], r"schedule.warmup: found 3; it must be shorter than the run of 2"),
        (["schedule.epochs=1e308"], r"schedule.epochs: found 1e\+308; input should be less than or equal to"),
        (["data.batch_size=5000"], r"data.batch_size: found 5000, but the training split has 1,293 images"),
        (["optim.accumulate=3"], r"optim.accumulate: found 3, which does not divide data.batch_size 128"),
        (["model.options.num_classes=100"], r"model.options.num_classes: is not chosen; the dataset says it"),
        (
            ["model.options.connection=none"],
            r"model.options.connection: is no option of resnet20; say model.connection",
        ),
        (
            ["model.name=resnet18", "data.batch_size=8", "optim.accumulate=8"],
            r"data.batch_size: found 8, with optim.accumulate 8 one image at a time, "
            r".*'resnet18'.* use 16 or more",
        ),
    ],
    ids=[
        "F53-depth",
        "F53-warmup",
        "endless",
        "F53-batch",
        "F53-accumulate",
        "F66-classes",
        "F66-connection",
        "F68-one-image",
    ],
)
def test_what_does_not_fit_together_is_refused_with_both_keys_and_nothing_written(
    given: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.yaml").write_text(GOOD)
    assert call(tmp_path, "train", "config.yaml", *(word for each in given for word in ("--set", each))) == 2
    err = capsys.readouterr().err
    assert re.fullmatch(rf"error: --set {says}.*\n", err), err
    assert [file.name for file in tmp_path.iterdir()] == ["config.yaml"]


def test_F52_devices_and_pipes_and_folders_end_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "loop.yaml").symlink_to(tmp_path / "loop.yaml")
    for path in ("pipe.yaml", "folder.yaml", "loop.yaml", "/dev/zero", "none.yaml", "a" * 300 + ".yaml"):
        assert call(tmp_path, "train", path) == 2, path


def test_F54_no_name_leads_outside(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("../../x", "/tmp/x", "..", ".", "a/../../b"):
        (tmp_path / "in" / "config.yaml").write_text(GOOD)
        assert call(tmp_path / "in", "train", "config.yaml", "--name", name) == 2
        assert call(tmp_path / "in", "train", "config.yaml", "--set", f"name='{name}'") == 2
    assert [file.name for file in tmp_path.iterdir()] == ["in"]


def test_F55_a_folder_of_images_is_only_read(tmp_path: Path) -> None:
    (tmp_path / "images").symlink_to(tmp_path / "images")
    (tmp_path / "config.yaml").write_text(
        f"model: {{name: resnet20}}\ndata: {{name: image_folder, root: {tmp_path}/images/../images}}\n"
        "schedule: {epochs: 1}\n"
    )
    assert call(tmp_path, "train", "config.yaml") == 2
    assert sorted(file.name for file in tmp_path.iterdir()) == ["config.yaml", "images"]


@pytest.mark.parametrize(
    "environment", [{"PYTHONIOENCODING": "ascii"}, {"COLUMNS": "20"}, {"TERM": "dumb"}], ids=str
)
def test_F56_odd_terminals_get_no_traceback(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "b\u00e4d.yaml").write_text("name: \u00e4\n")
    for arguments in (["train", "b\u00e4d.yaml"], ["connections"], ["runs"]):
        shown = subprocess.run(
            [sys.executable, "-m", "skiprun", *arguments],
            cwd=tmp_path,
            env=os.environ | environment | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            check=False,
        )
        assert b"Traceback" not in shown.stderr
        assert shown.returncode == (2 if arguments[0] == "train" else 0), shown.stderr


def test_F56_a_reader_that_leaves_early_gets_no_traceback(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    shown = subprocess.run(
        [sys.executable, "-m", "skiprun", "connections"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writing)
    assert b"Traceback" not in shown.stderr


# Fuzz. (a) text that nearly is YAML; (b) trees that nearly are configs; (c) configs that are valid come back
# the same.
WORDS = st.sampled_from(
    [
        "model",
        "data",
        "optim",
        "schedule",
        "name",
        "seed",
        "lr",
        "epochs",
        "resnet20",
        "digits",
        "true",
        "null",
        "1e-3",
    ]
)
SIGNS = st.sampled_from(
    [*":{}[],-#&*!|>'\"%@`?~\n\t ", ": ", "\n  ", "- ", "---\n", "<<", "!!int ", "\x00", "\ufeff"],
)
TEXT = st.lists(st.one_of(WORDS, SIGNS, st.text(max_size=3)), max_size=40).map("".join)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    WORDS,
    st.integers(10**40, 10**41),
)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(WORDS | st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=8,
)


def every_key(section: Any = RunConfig, prefix: str = "") -> Iterator[str]:
    """Yield the dotted keys of the schema."""
    for name, field in section.model_fields.items():
        yield prefix + name
        if isinstance(field.annotation, type) and hasattr(field.annotation, "model_fields"):
            yield from every_key(field.annotation, f"{prefix}{name}.")


KEYS = sorted(every_key())
QUIET = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]


def loads_or_is_refused(path: Path, content: bytes, *overrides: str) -> None:
    """Read a config; what is wrong must be an InputError with words, and a valid one come back the same."""
    path.write_bytes(content)
    with no_hang():
        try:
            config = load_config(path, overrides)
        except InputError as error:
            assert str(error) and error.exit_code == 2
        else:
            assert build_config(config.to_dict()).to_dict() == config.to_dict()


def fuzz_text(path: Path) -> Any:
    return given(TEXT)(lambda text: loads_or_is_refused(path, (GOOD + text).encode("utf-8", "surrogatepass")))


def fuzz_trees(path: Path) -> Any:
    plain = yaml.safe_load(GOOD)
    trees = st.dictionaries(st.sampled_from([key.split(".")[0] for key in KEYS]), TREES, max_size=3)
    return given(trees)(lambda tree: loads_or_is_refused(path, yaml.safe_dump(plain | tree).encode()))


def fuzz_overrides(path: Path) -> Any:
    pairs = st.lists(st.tuples(st.sampled_from(KEYS), SCALARS | TREES), max_size=3)
    return given(pairs)(
        lambda pairs: loads_or_is_refused(
            path,
            GOOD.encode(),
            *(f"{key}={yaml.safe_dump(value, default_flow_style=True)}" for key, value in pairs),
        )
    )


def fuzz_bytes(path: Path) -> Any:
    return given(st.binary(max_size=200))(lambda content: loads_or_is_refused(path, content))


@pytest.mark.parametrize("fuzz", [fuzz_text, fuzz_trees, fuzz_overrides, fuzz_bytes])
@pytest.mark.parametrize("cases", [80, pytest.param(2500, marks=pytest.mark.slow)])
def test_F45_F48_fuzzed_configs_load_or_are_refused(fuzz: Any, cases: int, tmp_path: Path) -> None:
    limits = settings(max_examples=cases, deadline=None, suppress_health_check=QUIET, database=None)
    limits(fuzz(tmp_path / "config.yaml"))()


def test_F50_no_tag_is_run(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_bytes(CORPUS["python tag"])
    assert call(tmp_path, "train", "config.yaml") == 2
    assert not (tmp_path / "ran").exists()


def test_F54_names_on_the_disk_cannot_steer_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("\x1b[2J", "[red]x[", "plain"):
        (tmp_path / "runs" / name / "seed-0").mkdir(parents=True)
        (tmp_path / "runs" / name / "seed-0" / "config.yaml").write_text(GOOD)
    assert call(tmp_path, "runs") == 0
    assert call(tmp_path, "train", "\x1b[2J.yaml") == 2
    out, err = capsys.readouterr()
    assert "\x1b" not in out + err
    assert "[red]x[" in out and "plain" in out
    assert "\\x1b[2J.yaml: there is no such file" in err
