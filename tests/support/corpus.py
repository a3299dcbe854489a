"""Broken configs, one a kind of mistake, and what is said of each.

`python -m tests.support.corpus` writes the messages anew.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from skiprun.config_file import load_config
from skiprun.errors import InputError
from tests.support import GOLDEN

GOOD = "model: {name: resnet20}\ndata: {name: digits}\nschedule: {epochs: 2}\n"
MESSAGES = GOLDEN / "messages.txt"


def keyed(section: str, **values: str) -> dict[str, bytes]:
    """Return configs in which one key of a section has a bad value."""
    return {
        f"{section}.{key.rstrip('_0123456789')}={value[:20]!a}": overlay(
            section, key.rstrip("_0123456789"), value
        )
        for key, value in values.items()
    }


def overlay(section: str, key: str, value: str) -> bytes:
    """Return the good config with one more key."""
    lines = {
        "model": (
            f"model: {{name: resnet20, {key}: {value}}}\ndata: {{name: digits}}\nschedule: {{epochs: 2}}\n"
        ),
        "data": (
            f"model: {{name: resnet20}}\ndata: {{name: digits, {key}: {value}}}\nschedule: {{epochs: 2}}\n"
        ),
        "schedule": (
            f"model: {{name: resnet20}}\ndata: {{name: digits}}\nschedule: {{epochs: 2, {key}: {value}}}\n"
        ),
        "": f"{GOOD}{key}: {value}\n",
    }
    return lines.get(section, f"{GOOD}{section}: {{{key}: {value}}}\n").encode()


SYNTAX: dict[str, bytes] = {
    "empty": b"",
    "blank lines": b"\n\n\n",
    "comment only": b"# nothing\n",
    "a list": b"- a\n- b\n",
    "a number": b"42\n",
    "a word": b"resnet20\n",
    "null": b"null\n",
    "tab": b"\tmodel: 1\n",
    "tab below": b"model:\n\tname: resnet20\n",
    "bad indent": b"model:\n  name: resnet20\n   depth: 20\n",
    "dedent": b"model:\n    name: resnet20\n  depth: 20\n",
    "unclosed bracket": b"probes: [grad_norm\n",
    "unclosed brace": b"model: {name: resnet20\n",
    "unclosed quote": b'model: {name: "resnet20}\n',
    "stray bracket": b"model: resnet20]\n",
    "stray colon": b"model: name: resnet20\n",
    "no colon": b"model\ndata\n",
    "two documents": GOOD.encode() + b"---\n" + GOOD.encode(),
    "only a separator": b"---\n...\n---\n",
    "directive": b"%YAML 3.0\n---\na: 1\n",
    "percent": b"%foo\n",
    "at sign": b"name: @home\n",
    "backtick": b"name: `date`\n",
    "alias": b"a: &x {b: 1}\nc: *x\n",
    "unknown alias": b"a: *x\n",
    "self alias": b"a: &x [*x]\n",
    "alias bomb": b"a: &a [x,x,x]\n"
    + b"".join(b"%c: &%c [*%c,*%c,*%c]\n" % (c + 1, c + 1, c, c, c) for c in range(97, 115)),
    "merge key": b"a: {<<: {b: 1}}\n",
    "complex key": b"? [1, 2]\n: 3\n",
    "null key": b"? \n: 3\n",
    "python tag": b"a: !!python/object/apply:os.system ['touch ran']\n",
    "python name": b"a: !!python/name:os.system\n",
    "own tag": b"a: !thing 1\n",
    "binary tag": b"a: !!binary /w==\n",
    "set tag": b"a: !!set {x}\n",
    "timestamp tag": b"name: !!timestamp 2026-01-01\n",
    "bad int tag": b"seed: !!int x\n",
    "bad float tag": b"seed: !!float x\n",
    "deep list": b"a: " + b"[" * 50 + b"]" * 50,
    "deeper list": b"a: " + b"[" * 20_000 + b"]" * 20_000,
    "deeper map": b"a: " + b"{b: " * 20_000 + b"}" * 20_000,
    "long line": b"a: " + b"x" * 900_000,
    "long key": b"x" * 900 + b": 1\n",
    "too large": b"a: 1\n" * 300_000,
    "same key": GOOD.encode() + b"seed: 1\nseed: 2\n",
    "same section": GOOD.encode() + b"model: {name: plain20}\n",
    "same key below": b"model: {name: resnet20, depth: 20, depth: 32}\n",
    "latin-1": "name: caf\xe9\n".encode("latin-1"),
    "utf-16": GOOD.encode("utf-16"),
    "utf-32": GOOD.encode("utf-32"),
    "nul": b"name: a\x00b\n",
    "control": b"name: a\x07b\n",
    "escape": b'name: "\\e[31mred"\n' + GOOD.encode(),
    "zip": b"PK\x03\x04" + bytes(range(256)),
    "html": b"<!DOCTYPE html><html><body>404: Not Found</body></html>\n",
    "json with a comma": b'{"model": {"name": "resnet20"},}}\n',
    "python": b"model = dict(name='resnet20')\n",
    "missing model": b"data: {name: digits}\nschedule: {epochs: 2}\n",
    "missing name": b"model: {}\ndata: {name: digits}\nschedule: {epochs: 2}\n",
    "model is a word": b"model: resnet20\ndata: {name: digits}\nschedule: {epochs: 2}\n",
    "model is a list": b"model: [resnet20]\ndata: {name: digits}\nschedule: {epochs: 2}\n",
    "model is nothing": b"model:\ndata: {name: digits}\nschedule: {epochs: 2}\n",
}
NAMES = [
    "../x",
    "/abs",
    "-rf",
    '"a\\nb"',
    '"a\\0b"',
    "a" * 300,
    "CON",
    "nul.txt",
    "'[/x]'",
    "a.",
    "''",
    "a b",
    "~",
    "12.0",
]
NAMES += ["~", "1e3", "comparisons", "a/b", "\u00e9", '"\\e[2J"', '"[red]x[/red]"']
KEYS: dict[str, bytes] = {
    **keyed("model", depth="twenty", depth_1="0", depth_2="-20", depth_3="20.5", depth_4="true", nmae="x"),
    **keyed("model", shortcut="D", norm="batchnorm", connection="3", connections="[1]", options="{a: [1]}"),
    **keyed("model", connections_1='{"a-b": none}', init="fixup", freeze="{a: 1}", skip_schedule="{from: 1}"),
    **keyed(
        "data", batch_size="0", batch_size_1="64.5", batch_size_2="'64'", val_fraction="1", val_fraction_1="0"
    ),
    **keyed(
        "data", batch_sizes="64", augment="{crop: -1}", augment_1="{mixup: 1, cutmix: 1}", image_size="2"
    ),
    **keyed("data", resize_size="256", augment_2="{crop: 4, random_resized_crop: {}}"),
    **keyed("data", augment_3="{random_resized_crop: {scale: [0.5, 0.1]}}"),
    **keyed("data", augment_4="{rand_augment: {magnitude: 31}}"),
    **keyed("optim", class_weights="balance", class_weights_1="[1, 0]", name_1="lion"),
    **keyed("schedule", patience="0", decay_shape="sqrt", pct_start="1"),
    **keyed("optim", lr="fast", lr_1="0", lr_2=".nan", lr_3=".inf", lr_4="-1", lr_5="1e999", name="sdg"),
    **keyed("optim", momentum="1", ema="2", accumulate="3", nesterov="yes", clip_norm="0", lrr="0.1"),
    **keyed("schedule", steps="3", warmup="3", kind="linear", milestones="[3]", milestones_1="5", factor="1"),
    **keyed("", seed="-1", seed_1="9" * 5000, seed_2="true", seed_3="1.0", sede="1", device="cpu"),
    **keyed("compute", device="tpu", precision="fp16", threads="0"),
    **keyed("", probes="grad_norm", probes_1="[1]", probes_2="[grad_norm, grad_norm]"),
    **keyed("log", every="0", tensorboard="'yes'", evry="5"),
    **{f"name={name[:20]!a}": overlay("", "name", name) for name in NAMES},
}
CORPUS = SYNTAX | KEYS
# Rows of the list of faults and what is wrong; else a name is F54, syntax F48, and a value F45.
OF_ROW = {
    "F44": ["model.nmae", "data.batch_sizes", "optim.lrr", ".sede", "log.evry"],
    "F47": ["same key", "same section", "same key below"],
    "F49": [
        *("empty", "blank lines", "comment only", "a list", "a number", "a word", "null"),
        *("latin-1", "utf-16", "utf-32", "nul", "control", "zip", "html"),
    ],
    "F50": ["python tag", "python name", "own tag", "binary tag", "set tag", "timestamp tag"],
    "F51": ["alias", "unknown alias", "self alias", "alias bomb", "deep list", "deeper list", "deeper map"],
    "F52": ["too large"],
    "F53": ["schedule.steps", "schedule.warmup", "optim.accumulate", "model.init"],
}


def row_of(name: str) -> str:
    """Return the row of the list of faults that a broken file belongs to."""
    what = name.split("=")[0]
    own = next((row for row, names in OF_ROW.items() if what in names), None)
    return own or ("F54" if what == "name" else "F48" if name in SYNTAX else "F45")


def message_of(name: str, folder: Path) -> str:
    """Return what is said of a broken file called config.yaml."""
    file = folder / "config.yaml"
    file.write_bytes(CORPUS[name])
    try:
        load_config(file)
    except InputError as error:
        said = str(error).replace(f"{folder}/", "")
        return re.sub(r" Allowed here: .*", "", said)  # the keys of the schema are no part of the snapshot
    return "ACCEPTED"


def messages() -> str:
    """Return the messages of the whole corpus."""
    with tempfile.TemporaryDirectory() as folder:
        return "".join(f"--- {name}\n{message_of(name, Path(folder))}\n" for name in CORPUS)


if __name__ == "__main__":
    MESSAGES.write_text(messages())
