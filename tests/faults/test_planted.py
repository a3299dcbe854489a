"""Code of others does not run: hooks, programs and modules in the working folder, files in their caches."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

import skiprun
from skiprun.errors import StorageError
from skiprun.experiment import environment
from skiprun.system.cache import code_folder, private_folder
from skiprun.system.machine import find_program
from skiprun.system.torch_internals import use_private_cache
from skiprun.training.acceleration.compilation import ForwardPass
from skiprun.training.acceleration.kernels import library

PLANTED = ("multiprocessing", "queue", "random", "signal", "skiprun", "tensorboard", "torch", "yaml")
CHILDREN = """
import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from skiprun.data.folders.workers import in_order
from skiprun.system.machine import safe_interpreters
from skiprun.system.processes import ready
from skiprun.studies import plane

class Even:
    def row(self, point, evaluate):
        return {"x": point[0], "pid": os.getpid()}

if __name__ == "__main__":
    found = set(in_order(abs, [-1, -2], 2))
    with ProcessPoolExecutor(1, ready()) as pool:
        found.add(pool.submit(abs, -3).result())
    found |= {row["x"] for row in plane.scores(Even(), None, [(4, 0), (5, 0)], 2)}
    print(sorted(found))
"""
EXPERIMENT = """
model: {name: resnet20, width: 4}
data: {name: digits, batch_size: 64}
schedule: {steps: 2}
compute: {device: cpu}
"""


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    """A file that is there once planted code has run."""
    return tmp_path / "ran"


@pytest.fixture
def planted(tmp_path: Path, marker: Path) -> Path:
    """A working folder with files named as modules that skiprun, its libraries and children import."""
    folder = tmp_path / "work"
    folder.mkdir()
    for name in PLANTED:
        (folder / f"{name}.py").write_text(
            f"open({str(marker)!r}, 'a').write({name!r})\nraise SystemExit({name!r})\n"
        )
    (folder / "one.yaml").write_text(EXPERIMENT)
    return folder


def run(*words: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if name != "TORCHINDUCTOR_CACHE_DIR"}
    return subprocess.run(
        [sys.executable, *words],
        cwd=cwd,
        capture_output=True,
        text=True,
        env=clean | environment,
        timeout=600,
    )


def test_no_kind_of_child_imports_from_the_working_folder(
    planted: Path, marker: Path, tmp_path: Path
) -> None:
    script = tmp_path / "script.py"
    script.write_text(CHILDREN)
    done = run(str(script), cwd=planted)
    assert done.stdout == "[1, 2, 3, 4, 5]\n", done.stderr
    assert not marker.exists(), marker.read_text()


@pytest.mark.parametrize(
    "words", [[str(Path(sys.executable).parent / "skiprun"), "train", "one.yaml"], ["-m", "skiprun", "runs"]]
)
def test_no_command_imports_from_the_working_folder(words: list[str], planted: Path, marker: Path) -> None:
    (planted / "skiprun.py").unlink()  # what `python -m skiprun` means is Python's to say
    done = run(*words, cwd=planted)
    assert done.returncode == 0, done.stderr
    assert not marker.exists(), marker.read_text()


def git(folder: Path, *words: str) -> None:
    subprocess.run(
        ["git", "-C", str(folder), "-c", "user.email=a@b", "-c", "user.name=x", *words], check=True
    )


@pytest.fixture
def hooked(tmp_path: Path, marker: Path) -> Path:
    """A repository whose own configuration starts a program whenever git looks for changes."""
    folder = tmp_path / "repository"
    package = folder / "skiprun"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    git(tmp_path, "init", "-q", str(folder))
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "all")
    hook = folder / "hook.sh"
    hook.write_text(f"#!/bin/sh\necho hook >> {marker}\n")
    hook.chmod(0o755)
    git(folder, "config", "core.fsmonitor", str(hook))
    return folder


def commit() -> str | None:
    """Return what a new process would find."""
    environment.commit_of_code.cache_clear()
    return environment.commit_of_code()


@pytest.fixture
def forgotten() -> Iterator[None]:
    """Keep the commit that a test finds from the tests after it."""
    yield
    environment.commit_of_code.cache_clear()


@pytest.mark.skipif(find_program("git") is None, reason="needs git")
@pytest.mark.usefixtures("forgotten")
def test_no_hook_of_a_repository_runs(hooked: Path, marker: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(hooked)
    monkeypatch.setenv("GIT_DIR", str(hooked / ".git"))
    elsewhere = commit()
    monkeypatch.delenv("GIT_DIR")
    assert commit() == elsewhere, "the commit is that of the code, wherever it is started"
    monkeypatch.setattr(skiprun, "__file__", str(hooked / "skiprun" / "__init__.py"))
    whole = commit()
    assert whole and len(whole) >= 7 and not whole.endswith("+")
    (hooked / "skiprun" / "__init__.py").write_text("changed")
    assert commit() == f"{whole}+"
    assert not marker.exists()


@pytest.mark.usefixtures("forgotten")
def test_code_that_was_installed_has_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(skiprun, "__file__", str(tmp_path / "site-packages" / "skiprun" / "__init__.py"))
    assert commit() is None


def test_programs_are_not_looked_for_in_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "compiler"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    for entry in (".", "", f"..{os.sep}{tmp_path.name}"):
        monkeypatch.setenv("PATH", f"{entry}{os.pathsep}/usr/bin")
        assert find_program("compiler") is None, entry
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_program("compiler") == str(program)


def test_a_folder_for_code_is_this_users_alone(tmp_path: Path) -> None:
    assert private_folder(tmp_path / "new" / "code").stat().st_mode & 0o777 == 0o700
    readable = tmp_path / "readable"
    readable.mkdir(mode=0o755)
    assert private_folder(readable).stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o775, 0o722])
def test_a_folder_that_others_can_write_to_is_refused(mode: int, tmp_path: Path) -> None:
    folder = tmp_path / "code"
    folder.mkdir()
    folder.chmod(mode)
    with pytest.raises(
        StorageError, match=r"Others can write to .*/code, so .* is run; remove it\. .*\$SKIPRUN_DATA"
    ):
        private_folder(folder)


def test_a_folder_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = private_folder(tmp_path / "code")
    monkeypatch.setattr(os, "geteuid", lambda: folder.stat().st_uid + 1)
    with pytest.raises(
        StorageError, match=r"/code belongs to another user, so no code in it is run\. .*\$SKIPRUN_DATA"
    ):
        private_folder(folder)


@pytest.mark.parametrize(("mode", "allowed"), [(0o755, True), (0o1777, True), (0o777, False), (0o775, False)])
def test_a_parent_in_which_others_can_replace_the_folder_is_refused(
    mode: int, allowed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in OpenSSH's StrictModes; a sticky folder, as /tmp is, lets nobody replace what is another's."""
    parent = tmp_path / "cache"
    parent.mkdir()
    monkeypatch.setattr("grp.getgrgid", lambda number: SimpleNamespace(gr_name="staff", gr_mem=[]))
    parent.chmod(mode)
    refusal = pytest.raises(
        StorageError, match=rf"Others can write to {parent} and so replace .*\$SKIPRUN_DATA"
    )
    for path in (parent / "code", parent / "skiprun" / "compiled"):
        with contextlib.nullcontext() if allowed else refusal:
            assert private_folder(path) == path


def test_a_parent_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stat = Path.stat
    others = os.stat_result((0o40755, 0, 0, 2, os.geteuid() + 1, 0, 0, 0, 0, 0))
    monkeypatch.setattr(Path, "stat", lambda path, **how: others if path == tmp_path else stat(path, **how))
    with pytest.raises(
        StorageError, match=f"{tmp_path} belongs to another user, who could replace .*SKIPRUN_DATA"
    ):
        private_folder(tmp_path / "home" / "compiled")


@pytest.mark.parametrize(("members", "allowed"), [([], True), (["me"], True), (["me", "other"], False)])
def test_the_own_group_of_a_user_may_write_to_a_parent(
    members: list[str], allowed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many systems make a group for each user, and let it write to what the user makes."""
    monkeypatch.setattr("pwd.getpwuid", lambda number: SimpleNamespace(pw_name="me"))
    monkeypatch.setattr("grp.getgrgid", lambda number: SimpleNamespace(gr_name="me", gr_mem=members))
    tmp_path.chmod(0o775)
    with contextlib.nullcontext() if allowed else pytest.raises(StorageError, match="Others can write"):
        private_folder(tmp_path / "compiled")


def test_a_link_on_the_way_to_code_is_followed_once(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "cache").symlink_to(tmp_path / "disk")
    assert private_folder(tmp_path / "cache" / "code") == tmp_path / "disk" / "code"
    (tmp_path / "disk").chmod(0o777)
    with pytest.raises(StorageError, match=f"Others can write to {tmp_path / 'disk'}"):
        private_folder(tmp_path / "cache" / "code")


def test_another_folder_for_code_is_had_by_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: tmp_path / "cache")
    assert code_folder() == tmp_path / "cache" / "compiled"
    code_folder().chmod(0o777)
    monkeypatch.setenv("SKIPRUN_DATA", str(tmp_path / "own"))
    assert code_folder() == tmp_path / "own" / "compiled"
    monkeypatch.delenv("SKIPRUN_DATA")
    with pytest.raises(StorageError, match="Others can write to"):
        code_folder()


PLANT = (
    "#include <cstdio>\n"
    '__attribute__((constructor)) static void run() {{ fclose(fopen("{marker}", "w")); }}\n'
)


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A user's cache in which nothing is compiled yet."""
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: tmp_path / "cache")
    monkeypatch.delenv("SKIPRUN_DATA")
    library.library.cache_clear()
    yield tmp_path / "cache"
    library.library.cache_clear()


@pytest.mark.skipif(library.find_compiler() is None, reason="needs a C++ compiler")
def test_a_planted_kernel_is_not_loaded_and_costs_one_line(
    fresh: Path,
    tmp_path: Path,
    marker: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Another user was first to make the folder, and put a library with a constructor at the right name."""
    planted = fresh / "compiled" / "norm" / f"{library._recipe('norm')[0]}.so"
    planted.parent.mkdir(parents=True)
    (tmp_path / "plant.cpp").write_text(PLANT.format(marker=marker))
    subprocess.run(["c++", "-shared", "-fPIC", "-o", str(planted), str(tmp_path / "plant.cpp")], check=True)
    (fresh / "compiled").chmod(0o777)
    network = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.ReLU())
    found = ForwardPass(network.train(), "fused")(torch.ones(2, 1, 8, 8))
    assert found.shape == (2, 4, 6, 6)
    (line,) = caplog.messages
    assert line.startswith(
        "Fusing the training pass failed, so the run goes on without: Others can write to "
    )
    assert line.endswith("Name a folder of your own with $SKIPRUN_DATA.")
    assert not marker.exists()


@pytest.mark.parametrize("before", ["", "torch's own choice", "given"])
def test_torch_keeps_its_code_in_the_private_folder(
    before: str, fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from torch._inductor import codecache
    from torch._inductor.runtime.cache_dir_utils import default_cache_dir

    for name in ("_HEADER_DIR", "_HEADER_LOCK_DIR"):
        monkeypatch.setattr(codecache, name, getattr(codecache, name))
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", default_cache_dir() if "own" in before else before)
    if not before:
        monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR")
    private = fresh / "compiled"
    assert use_private_cache() == ("given" if before == "given" else str(private))
    assert os.environ["TORCHINDUCTOR_CACHE_DIR"] == use_private_cache()
    assert codecache._HEADER_DIR.startswith(str(private)) and codecache._HEADER_LOCK_DIR.startswith(
        str(private)
    )
    assert private.stat().st_mode & 0o777 == 0o700


COMPILED = """
import torch
from skiprun.training.acceleration.compilation import ForwardPass
network = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.ReLU())
print(ForwardPass(network, "compiled")(torch.ones(2, 4)).shape)
"""


@pytest.mark.slow
@pytest.mark.skipif(library.find_compiler() is None, reason="needs a C++ compiler")
def test_a_planted_header_is_not_compiled(tmp_path: Path, marker: Path) -> None:
    """Another user holds the name that torch's headers would have in the temporary folder."""
    places = {name: str(tmp_path / name) for name in ("TMPDIR", "XDG_CACHE_HOME")}
    for place in places.values():
        Path(place).mkdir()
    for _ in range(2):
        done = run("-c", COMPILED, cwd=tmp_path, **places)
        assert "torch.Size([2, 4])" in done.stdout and "failed" not in done.stdout, done.stdout + done.stderr
        assert not list(Path(places["TMPDIR"]).iterdir()), "code lies where others can be first"
    assert list((tmp_path / "XDG_CACHE_HOME" / "skiprun" / "compiled" / "precompiled_headers").glob("*.h"))
