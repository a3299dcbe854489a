"""A problem of a config in words: its place, what was found, what is allowed, the nearest name."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pydantic_core import ErrorDetails

from skiprun.config import FileSection, section_at
from skiprun.errors import did_you_mean
from skiprun.legacy import MOVED

# Words of other tools.
SAME = {"gpu": "cuda", "float32": "fp32", "bfloat16": "bf16"}
# Values of other tools that mean nothing here, and why.
UNUSED = {
    "mps": " Apple's GPUs are not used; 'cpu' computes on such a machine.",
    "xpu": " Intel's GPUs are not used; 'cpu' computes on such a machine.",
    "rocm": " A build of torch for AMD's GPUs calls them 'cuda'.",
    "fp16": " Its losses would have to be scaled, which is not done; 'bf16' needs no scaling.",
}


def describe_problem(
    error: ErrorDetails, source_locations: dict[str, str], source: str, whole: type[FileSection]
) -> str:
    """Say one pydantic error as 'place key: what was found, what is allowed, the nearest name'."""
    loc = [str(part) for part in error["loc"] if str(part) not in ("bool", "int", "float", "str")]
    key = ".".join(part[:60] for part in loc)
    parents = (".".join(loc[:n]) for n in range(len(loc), 0, -1))
    place = next((source_locations[parent] for parent in parents if parent in source_locations), source)
    if error["type"] == "extra_forbidden":
        fields = [field.alias or name for name, field in section_at(loc[:-1], whole).model_fields.items()]
        near = _in_a_section(loc, whole) or did_you_mean(loc[-1], fields)
        return f"{place} {key}: unknown key.{near} Allowed here: {', '.join(fields)}"
    if error["type"] == "missing":
        return f"{place} {key}: missing; {_meaning(loc, whole)}"
    message = error["msg"].removeprefix("Value error, ")
    found, allowed = error["input"], message[0].lower() + message[1:]
    near = ""
    if error["type"] == "string_pattern_mismatch":
        allowed = "letters, digits, '.', '_' and '-' are allowed, 64 at most, a letter or digit first"
        near = (
            ""
            if key in source_locations
            else " It is that of the file; give another as a key, or with --name."
        )
    if error["type"] == "literal_error" and isinstance(found, str):
        near = _nearest_word(found, re.findall(r"'([^']*)'", error["msg"]))
    if error["type"] == "list_type" and (meaning := _meaning(loc, whole)):
        allowed = f"a list is needed: {meaning}"
    if error["type"] == "string_type" and isinstance(found, bool | int | float | None):
        near = " What is text here has to be in quotes."
    return f"{place} {key}: found {quoted(found)}; {allowed}.{near}"


def _nearest_word(found: str, allowed: Sequence[str]) -> str:
    """Say which of the allowed words was meant, or why what other tools know is not among them."""
    if one_of_several := re.fullmatch(r"cuda:(\d+)", found):
        return f" CUDA_VISIBLE_DEVICES={one_of_several[1]} chooses that GPU."
    return UNUSED.get(found) or did_you_mean(SAME.get(found, found), allowed)


def _in_a_section(loc: Sequence[str], whole: type[FileSection]) -> str:
    """Say of a key that stands outside of its section where it belongs; nothing of any other."""
    if moved := MOVED.get(".".join(loc)):
        return f" It is '{moved}' now."
    homes = [name for name in whole.model_fields if loc[0] in section_at([name], whole).model_fields]
    return f" Did you mean '{homes[0]}.{loc[0]}'?" if len(loc) == 1 and len(homes) == 1 else ""


def _meaning(loc: Sequence[str], whole: type[FileSection]) -> str:
    """Return what the schema says of a missing key."""
    field = section_at(loc[:-1], whole).model_fields.get(loc[-1])
    return (field and field.description) or "this section is needed"


def quoted(value: object) -> str:
    """Return a value as a person would quote it, cut to a line's length."""
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."
