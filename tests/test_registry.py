"""Names and things: found without a list, given once, suggested when misspelled."""

import py_compile
import zipfile
from pathlib import Path

import pytest

from skiprun.errors import SkiprunError, UnknownName, did_you_mean
from skiprun.infos import Info
from skiprun.registry import CONNECTIONS, DATASETS, MODELS, PROBES, TASKS, Registry, modules


def test_the_wings_fill_the_registries() -> None:
    assert {"none", "add", "highway", "concat"} <= set(CONNECTIONS.names())
    assert {"plain20", "plain56", "resnet20", "resnet110", "resnet1202", "resnet18", "plain50"} <= set(
        MODELS.names()
    )
    assert {"digits", "cifar10", "cifar100", "mnist", "fashion_mnist", "svhn", "image_folder"} <= set(
        DATASETS.names()
    )
    assert "classification" in TASKS
    assert "grad_norm" in PROBES


def test_unknown_connection_suggests_the_nearest() -> None:
    with pytest.raises(UnknownName, match=r"No connection is called 'ad'\. Did you mean 'add'\?") as caught:
        CONNECTIONS["ad"]
    assert caught.value.exit_code == 2


def test_a_name_is_given_once() -> None:
    registry: Registry[int, Info] = Registry("thing", "skiprun.tasks", Info)
    registry.register("one")(1)
    with pytest.raises(ValueError, match="registered twice"):
        registry.register("one")(2)


def test_a_misspelled_fact_is_refused() -> None:
    with pytest.raises(
        TypeError, match=r"connection 'twice': .* 'papr'.*; its facts may be summary, paper, formula"
    ):
        CONNECTIONS.register("twice", formula="y = 2 x + f(x)", papr="none")


def test_a_fact_that_every_entry_of_a_kind_has_is_asked_for() -> None:
    with pytest.raises(TypeError, match=r"model 'oneblock': .* 'family'"):
        MODELS.register("oneblock", input=(3, 16, 16), year=2026)


def test_wild_cards() -> None:
    assert {"plain20", "plain50"} <= set(MODELS.names("plain?0"))
    assert all(name.startswith("plain") for name in MODELS.names("plain*"))
    assert MODELS.names("no such*") == []


def test_every_entry_says_what_it_is() -> None:
    for registry in (CONNECTIONS, MODELS, DATASETS, PROBES):
        for entry in registry:
            assert entry.summary, f"{registry.kind} {entry.name}"


def test_a_number_of_any_length_has_a_nearest_one() -> None:
    assert did_you_mean("resnet" + "9" * 5000, ["resnet20"]) == " Did you mean 'resnet20'?"


def test_a_source_is_read_as_python_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "windows_module.py").write_bytes(b"\xef\xbb\xbfWORD = 'plain'\n")
    (tmp_path / "latin_module.py").write_bytes(b"# coding: latin-1\nWORD = 'caf\xe9'\n")
    monkeypatch.setitem(modules.own_files, "own_module", tmp_path / "windows_module.py")
    assert modules.source_of("windows_module") == modules.source_of("own_module") == "WORD = 'plain'\n"
    assert "café" in modules.source_of("latin_module")
    with zipfile.ZipFile(tmp_path / "package.zip", "w") as archive:
        archive.writestr("zipped_module.py", "WORD = 'zipped'\n")
    monkeypatch.syspath_prepend(tmp_path / "package.zip")
    assert modules.source_of("zipped_module") == "WORD = 'zipped'\n"


def test_a_plug_in_may_lack_its_source_and_skiprun_may_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    source = tmp_path / "source.py"
    source.write_text("WORD = 'compiled'\n")
    py_compile.compile(str(source), str(tmp_path / "compiled_module.pyc"))
    assert modules.source_of("compiled_module") == ""
    (tmp_path / "compiled_module.pyc").rename(tmp_path / "lone.pyc")
    monkeypatch.setattr(modules, "_folders", lambda _: [str(tmp_path)])
    with pytest.raises(SkiprunError, match="without its sources"):
        modules.source_of("skiprun.lone")
