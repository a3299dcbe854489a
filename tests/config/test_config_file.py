"""Reading YAML: every problem at once, with place, what was found, what is allowed and the nearest name."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from skiprun.config import RunConfig
from skiprun.config_file import build_config, load_config
from skiprun.errors import ConfigError, InputError, did_you_mean
from skiprun.system.yaml_file import MAX_BYTES, parse, read_yaml
from tests.support import CONFIGS

GOOD = "model: {name: resnet20}\ndata: {name: digits}\nschedule: {epochs: 2}\n"


def written(tmp_path: Path, text: str | bytes) -> Path:
    file = tmp_path / "cfg.yaml"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return file


def problems(tmp_path: Path, text: str | bytes, *overrides: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        load_config(written(tmp_path, text), overrides)
    assert caught.value.exit_code == 2
    return str(caught.value).replace(f"{tmp_path}/", "").split("\n")


def test_silence_means_the_defaults_and_the_stem_is_the_name(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, GOOD))
    assert (config.name, config.seed, config.optim.lr, config.data.batch_size) == ("cfg", 0, 0.1, 128)


def test_a_saved_config_reads_back_the_same(tmp_path: Path) -> None:
    import yaml

    config = load_config(written(tmp_path, GOOD), ["optim.ema=0.99", "data.augment.crop=4"])
    file = written(tmp_path, yaml.safe_dump(config.to_dict()))
    assert load_config(file).to_dict() == config.to_dict()


ODD = {"root": "/new '\"#: \u00e9\n x", "classes": ["no", "0777", ".5", "~", ""], "options": {}}


@pytest.mark.parametrize("file", sorted(CONFIGS.rglob("*.yaml")), ids=lambda file: file.stem)
def test_what_a_program_wrote_is_read_the_same_the_fast_way(file: Path, tmp_path: Path) -> None:
    import yaml

    plain, places = read_yaml(file)
    saved = written(tmp_path, yaml.safe_dump(plain | {"odd": ODD}, sort_keys=False))
    assert read_yaml(saved, by_program=True) == read_yaml(saved)
    assert read_yaml(saved, by_program=True)[0] == plain | {"odd": ODD}
    assert read_yaml(file, by_program=True) == (plain, places)


@pytest.mark.parametrize("text", ["a: [1", "a: *b", "a: !x 1", "a: 1\na: 2", "a: " + "[" * 30 + "]" * 30])
def test_what_is_wrong_is_said_in_the_same_words_the_fast_way(text: str) -> None:
    said = []
    for by_program in (False, True):
        with pytest.raises(ConfigError) as caught:
            parse(text, "cfg.yaml", by_program)
        said.append(str(caught.value))
    assert said[0] == said[1] != ""


@pytest.mark.parametrize("text", ["1e-4", "1E-4", "1.0e-4", "0.0001", ".0001", "1.e-4"])
def test_numbers_without_a_dot_are_numbers(tmp_path: Path, text: str) -> None:
    assert (
        load_config(written(tmp_path, GOOD + f"optim: {{weight_decay: {text}}}\n")).optim.weight_decay == 1e-4
    )


def test_all_problems_are_reported_at_once_with_their_places(tmp_path: Path) -> None:
    text = "model: {name: resnet20, shortcut: D}\ndata:\n  name: digits\n  batch_sizes: 4\n"
    text += "optim: {lr: fast}\nschedule: {epochs: -1}\n"
    found = problems(tmp_path, text)
    assert [line.split(" ")[0] for line in found] == [
        "cfg.yaml:1:25",
        "cfg.yaml:4:3",
        "cfg.yaml:5:9",
        "cfg.yaml:6:12",
    ]
    assert "Did you mean 'batch_size'?" in found[1]
    assert "found 'fast'" in found[2]


def every_key() -> list[tuple[str, str]]:
    """Return every dotted key of the schema with the same key after one slip of the finger."""

    def below(section: Any, prefix: str) -> list[str]:
        keys = []
        for name, field in section.model_fields.items():
            keys.append(prefix + (field.alias or name))
            if isinstance(field.annotation, type) and hasattr(field.annotation, "model_fields"):
                keys += below(field.annotation, f"{prefix}{name}.")
        return keys

    return [(key, key + "x") for key in below(RunConfig, "")]


@pytest.mark.parametrize(("key", "typo"), every_key())
def test_F44_a_slip_in_any_key_suggests_the_right_one(tmp_path: Path, key: str, typo: str) -> None:
    (line,) = problems(tmp_path, GOOD, f"{typo}=1")
    assert f"--set {typo}: unknown key. Did you mean '{key.split('.')[-1]}'?" in line


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("seed=true", "found True; input should be a valid integer"),
        ("seed=-1", "found -1; input should be greater than or equal to 0"),
        ("seed=" + "9" * 5000, "found '9"),
        ("optim.lr=.nan", "finite"),
        ("optim.lr=.inf", "finite"),
        ("optim.lr=0", "greater than 0"),
        ("data.batch_size=64.5", "valid integer"),
        ("data.name=[digits]", "valid string"),
        ("optim.nesterov=1", "valid boolean"),
        ("optim.name=sdg", "Did you mean 'sgd'?"),
        ("name=../x", "letters, digits"),
        ("name=-rf", "letters, digits"),
        ("name='[/x]'", "letters, digits"),
        ("compute.device=tpu", "'auto', 'cpu' or 'cuda'"),
        ("optim.lr", "no 'key=value'"),
        ("optim.lr=[1", "not valid YAML"),
        ("seed.lr=1", "not a section"),
    ],
)
def test_F45_wrong_values_say_what_was_found_and_what_is_allowed(
    tmp_path: Path, override: str, says: str
) -> None:
    if override == "seed.lr=1":
        assert says in problems(tmp_path, GOOD + "seed: 1\n", override)[0]
    else:
        assert says in problems(tmp_path, GOOD, override)[0]


def test_F47_doubled_keys_name_both_lines(tmp_path: Path) -> None:
    assert problems(tmp_path, GOOD + "seed: 1\nseed: 2\n") == [
        "cfg.yaml:5:1 seed: the key is set twice (first at line 4)"
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "found nothing"),
        ("- a\n- b\n", "found a list"),
        ("42\n", "found a single value"),
        ("a: [1\n", "cfg.yaml:2:1: not valid YAML"),
        ("\tmodel: 1\n", "cfg.yaml:1:1: not valid YAML"),
        ("a: 1\n---\nb: 2\n", "not valid YAML"),
        ("a: &x {b: 1}\nc: *x\n", "found an alias"),
        ("a: &x [*x]\n", "found an alias"),
        ("a: !!python/object/apply:os.system ['true']\n", "only plain YAML"),
        ("? [1, 2]\n: 3\n", "not a plain word"),
        ("a: {<<: {b: 1}}\n", "not a plain word"),
        ("a: " + "[" * 50 + "]" * 50, "nested more than"),
        ("a: " + "{b: " * 15_000 + "}" * 15_000, "nested more than 20 deep"),
        (b"\xff\xfe\x00m", "not UTF-8"),
        (b"a: \x00b", "not valid YAML"),
        (b"PK\x03\x04" + bytes(range(256)), "not UTF-8"),
        ("a: 1\n" * 300_000, "larger than"),
    ],
)
def test_F48_to_F51_broken_files_end_in_one_message(tmp_path: Path, text: str | bytes, says: str) -> None:
    assert says in problems(tmp_path, text)[0]


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    assert load_config(written(tmp_path, b"\xef\xbb\xbf" + GOOD.encode())).model.name == "resnet20"


@pytest.mark.parametrize("by_program", [False, True])
def test_a_sign_that_json_writes_as_two_surrogates_is_one(by_program: bool) -> None:
    assert parse(r'"data \ud83d\ude00"', "--root", by_program)[0] == "data 😀"
    assert parse(r'"data \udcff"', "--root", by_program)[0] == "data \udcff"  # a byte of a name without UTF-8


def test_F52_what_is_no_file_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, says in [
        (tmp_path, "a folder"),
        (tmp_path / "pipe", "a device"),
        (tmp_path / "none.yaml", "no such file"),
    ]:
        with pytest.raises(InputError, match=says):
            load_config(path)


def test_a_missing_file_suggests_its_neighbour(tmp_path: Path) -> None:
    (tmp_path / "resnet56.yaml").write_text(GOOD)
    with pytest.raises(InputError, match=r"Did you mean 'resnet56\.yaml'"):
        load_config(tmp_path / "resnet65.yaml")


@pytest.mark.parametrize(
    ("sections", "key"),
    [
        ({"schedule": {"epochs": 2, "warmup": 3}}, "schedule.warmup"),
        ({"schedule": {"epochs": 2, "warmup": 1, "kind": "one_cycle"}}, "schedule.warmup"),
        ({"schedule": {"epochs": 2, "patience": 2}}, "schedule.patience"),
        ({"schedule": {"epochs": 2, "steps": 3}}, "schedule"),
        ({"schedule": {}}, "schedule"),
        ({"schedule": {"epochs": 9, "kind": "multistep"}}, "schedule.milestones"),
        ({"schedule": {"epochs": 9, "kind": "multistep", "milestones": [5, 3]}}, "schedule.milestones"),
        ({"schedule": {"epochs": 9, "kind": "multistep", "milestones": [5, 10]}}, "schedule.milestones"),
        ({"optim": {"clip_norm": 1, "clip_value": 1}}, "optim.clip_value"),
        ({"optim": {"nesterov": True, "name": "adamw"}}, "optim.nesterov"),
        ({"optim": {"nesterov": True, "name": "rmsprop"}}, "optim.nesterov"),
        ({"optim": {"accumulate": 3}}, "optim.accumulate"),
        ({"data": {"name": "digits", "augment": {"mixup": 1, "cutmix": 1}}}, "data.augment.cutmix"),
        (
            {"data": {"name": "digits", "augment": {"trivial_augment": True, "rand_augment": {}}}},
            "data.augment.trivial_augment",
        ),
        ({"probes": ["grad_norm", "grad_norm"]}, "probes"),
    ],
)
def test_F53_contradictions_name_their_key(sections: dict[str, Any], key: str) -> None:
    plain = {"model": {"name": "resnet20"}, "data": {"name": "digits"}, "schedule": {"epochs": 2}} | sections
    with pytest.raises(ConfigError) as caught:
        build_config(plain)
    assert [line.split(":")[0] for line in caught.value.problems] == [key]


def test_reading_a_config_does_not_import_torch() -> None:
    import subprocess
    import sys

    code = "import sys, skiprun.config_file, skiprun.run, skiprun.cli; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(("written", "read"), [("0111", "0111"), ("1110", "1110"), ('"0000"', "0000")])
def test_digits_of_skip_levels_need_no_quotes(written: str, read: str) -> None:
    plain = {"model": {"name": "unet"}, "data": {"name": "cells"}, "schedule": {"epochs": 1}}
    assert build_config(plain, [f"model.skip_levels={written}"]).model.skip_levels == read


@pytest.mark.parametrize(
    "tag", ["!!timestamp x", "!!bool maybe", "!!int {a: 1}", "!!float ''", "!!binary aGk=", "! x"]
)
@pytest.mark.parametrize("door", ["file", "key", "list", "--set"])
def test_every_tag_is_refused_where_it_stands(tmp_path: Path, tag: str, door: str) -> None:
    text = {"file": f"seed: {tag}\n", "key": f"{tag.split()[0]} seed: 1\n", "list": f"probes: [{tag}]\n"}.get(
        door, ""
    )
    line, *more = problems(tmp_path, GOOD + text, *([f"seed={tag}"] if door == "--set" else []))
    assert not more
    assert line.startswith("--set seed:1:1" if door == "--set" else "cfg.yaml:4:")
    assert "found the tag '" in line and line.endswith("; only plain YAML is read")


def test_no_more_reaches_the_parser_than_it_reads_in_a_second(tmp_path: Path) -> None:
    """It takes 0.8 s for the worst 100,000 bytes, such as 12,000 mappings of one key."""
    assert MAX_BYTES == 100_000
    assert load_config(written(tmp_path, GOOD + "#" * (MAX_BYTES - len(GOOD)))).seed == 0
    assert problems(tmp_path, GOOD + "#" * (MAX_BYTES - len(GOOD) + 1)) == [
        "cfg.yaml: larger than 100000 bytes; this is not a config"
    ]


def test_doubled_keys_and_aliases_are_refused_in_overrides_too(tmp_path: Path) -> None:
    assert problems(tmp_path, GOOD, "optim={lr: 1, lr: 2}") == [
        "--set optim:1:9 lr: the key is set twice (first at line 1)"
    ]
    assert "found an alias" in problems(tmp_path, GOOD, "probes=[&x a, *x]")[0]


def test_a_section_that_an_override_replaces_is_blamed_on_it(tmp_path: Path) -> None:
    text = GOOD + "optim: {lr: 0.1}\n"
    assert problems(tmp_path, text, "optim={lr: fast}")[0].startswith("--set optim.lr: found 'fast'")
    assert problems(tmp_path, GOOD, "optim.lr.x=1") == problems(tmp_path, GOOD, "optim.lr={x: 1}")


@pytest.mark.parametrize("path", [r'"C:\data\images"', r'"C:\new\test"', r'"D:\Users\me"'])
@pytest.mark.parametrize("door", ["file", "--set"])
def test_a_path_as_windows_writes_it_is_told_how_yaml_reads_it(tmp_path: Path, path: str, door: str) -> None:
    text = "model: {name: resnet20}\ndata: {name: image_folder, root: %s}\nschedule: {epochs: 2}\n"
    given = (text % path,) if door == "file" else (text % "x", f"data.root={path}")
    (line,) = problems(tmp_path, *given)
    assert "write a path with / or in single quotes" in line
    for right in (path.replace('"', "'"), path.strip('"'), path.replace("\\", "/")):
        assert load_config(written(tmp_path, text % right)).data.root == path.strip('"').replace(
            "\\", "/" if "/" in right else "\\"
        )


@pytest.mark.parametrize(
    ("text", "value"), [("name: 2024\n", "2024"), ("name: '1e3'\n", "1e3"), ("name: 007\n", "007")]
)
def test_b58_a_name_of_digits_is_a_name(tmp_path: Path, text: str, value: str) -> None:
    assert load_config(written(tmp_path, GOOD + text)).name == value
    assert load_config(written(tmp_path, GOOD), [text.strip().replace(": ", "=")]).name == value


def test_b58_other_words_that_yaml_reads_as_numbers(tmp_path: Path) -> None:
    config = load_config(
        written(tmp_path, GOOD), ["data.root=2024", "model.weights=20241125", "data.classes=[0, 1]"]
    )
    assert (config.data.root, config.model.weights, config.data.classes) == ("2024", "20241125", ["0", "1"])
    for given in ("name=1e3", "name=true", "name=null", "data.root=3.5"):
        assert "What is text here has to be in quotes." in problems(tmp_path, GOOD, given)[0]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("compute.device=gpu", "Did you mean 'cuda'?"),
        ("compute.precision=float32", "Did you mean 'fp32'?"),
        ("compute.precision=bfloat16", "Did you mean 'bf16'?"),
        ("schedule.warmup=2", "schedule.warmup: found 2; it must be shorter than the run of 2"),
    ],
)
def test_likely_intents_are_named(tmp_path: Path, given: str, says: str) -> None:
    assert says in problems(tmp_path, GOOD, given)[0]


def test_a_name_without_a_file_is_told_what_to_type(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"resnet20: there is no such file\. A config is a YAML file; for a network, `s"
    ):
        load_config("resnet20")
    with pytest.raises(InputError, match=r"x\.yaml: there is no such file\.$"):
        load_config(tmp_path / "x.yaml")


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("resnet22", "resnet20"),
        ("resnet151", "resnet152"),
        ("wrn28_11", "wrn28_10"),
        ("resnt20", "resnet20"),
        ("resnet2o", "resnet20"),
        ("resnetI8", "resnet18"),
    ],
)
def test_of_names_that_differ_in_a_number_the_nearest_is_meant(name: str, nearest: str) -> None:
    known = [
        "resnet1202",
        "resnet18",
        "resnet20",
        "resnet32",
        "resnet152",
        "wrn16_8",
        "wrn28_10",
        "wrn40_10",
        "plain20",
    ]
    assert did_you_mean(name, known) == f" Did you mean '{nearest}'?"


def test_what_has_to_be_a_list_is_told_with_what_it_lists() -> None:
    plain = {
        "model": {"name": "resnet20", "freeze": True},
        "data": {"name": "digits"},
        "schedule": {"epochs": 1},
    }
    with pytest.raises(
        ConfigError, match=r"model\.freeze: found True; a list is needed: .* backbone .*, stem, stage1"
    ):
        build_config(plain)


@pytest.mark.parametrize("stem", ["_draft", "опыт", "x" * 70])
def test_a_file_whose_name_no_run_can_have_is_told_how_to_give_one(tmp_path: Path, stem: str) -> None:
    file = tmp_path / f"{stem}.yaml"
    file.write_text("model: {name: resnet20}\ndata: {name: digits}\nschedule: {epochs: 1}\n")
    with pytest.raises(
        ConfigError, match=r"It is that of the file; give another as a key, or with --name\.$"
    ):
        load_config(file)
    assert load_config(file, ["name=draft"]).name == "draft"
