"""Loaders of plain YAML 1.2: PyYAML without what no config has.

PyYAML follows YAML 1.1, whose surprises cost experiments: `1e-4` is text, `no` is false, `0777` is 511, the
last of two equal keys wins. The loaders here read numbers and booleans as YAML 1.2 does; aliases and tags are
refused.
"""

from __future__ import annotations

import re

import yaml
from yaml.composer import Composer

from skiprun.errors import printable

MAX_DEPTH = 20
# "C:\new": what stands behind a drive begins a line.
BROKEN_PATH = re.compile(r"[A-Za-z]:.*[\x00-\x1f\x7f-\xa0]", re.DOTALL)
ESCAPES = "in double quotes a backslash begins an escape; write a path with / or in single quotes"


class NotPlainError(yaml.MarkedYAMLError):
    """What YAML has and a config does not."""


class PlainComposer(Composer):
    """Composer that gives up at what no config has: tags, aliases, depth."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Read a node and what is below it."""
        event = self.peek_event()  # type: ignore[attr-defined]
        if problem := f"nested more than {MAX_DEPTH} deep" if self.depth > MAX_DEPTH else _not_plain(event):
            raise NotPlainError(problem=problem, problem_mark=event.start_mark)
        self.depth += 1
        node: yaml.Node | None = super().compose_node(parent, index)
        self.depth -= 1
        return node


class Loader(PlainComposer, yaml.SafeLoader):
    """SafeLoader of plain YAML, with 1.2's numbers and booleans."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 - the base class has it so


def _not_plain(event: yaml.Event) -> str | None:
    """Return what a config has no use for, if a part of YAML is that."""
    if isinstance(event, yaml.AliasEvent):
        return "found an alias; write the value out"
    if tag := getattr(event, "tag", None):
        return f"found the tag '{tag}'; only plain YAML is read"
    if isinstance(event, yaml.ScalarEvent) and event.style == '"' and BROKEN_PATH.match(event.value):
        return f"found '{printable(event.value)}'; {ESCAPES}"
    return None


for _tag, _pattern, _first in [
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?(0|[1-9][0-9]*)", list("-+0123456789")),
    # Digits behind a zero, such as skip_levels: 0111, stay text.
    ("float", r"(?![-+]?0[0-9]+$)[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?", list("-+.0123456789")),
    ("float", r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", list("-+.")),
]:
    Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), _first)
Loader.add_constructor("tag:yaml.org,2002:int", lambda _, node: _whole_number(node.value))
Loader.add_constructor("tag:yaml.org,2002:str", lambda _, node: _whole_signs(node.value))


LibYAML = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # where PyYAML was built with it


class FastLoader(PlainComposer, LibYAML):  # type: ignore[misc, valid-type]
    """The same by libyaml: five times as fast, and laxer with tabs and commas that only hands write."""

    yaml_implicit_resolvers = Loader.yaml_implicit_resolvers

    def __init__(self, text: str) -> None:
        LibYAML.__init__(self, text)
        Composer.__init__(self)


def _whole_number(text: str) -> int | str:
    """Return a whole number; one of absurd length stays text and is refused by its field."""
    return int(text) if len(text) < 30 else text


def _whole_signs(text: str) -> str:
    """Return a text in which two surrogates, as JSON writes a sign such as an emoji, are that sign."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
