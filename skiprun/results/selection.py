"""Choose and sort runs by words: a name such as 'resnet*', or a condition such as 'optim.lr<0.1'."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from skiprun.config.reference import keys_of
from skiprun.errors import InputError, did_you_mean
from skiprun.results.index import Entry
from skiprun.results.run_row import RunRow
from skiprun.system.yaml_file import parse

ROW_KEYS = ("name", *(key for key in RunRow.__annotations__ if key != "name"))
SAME = {"tag": "tags", "run": "name"}
CONDITION = re.compile(r"([\w./-]+)\s*(!=|<=|>=|=|<|>)\s*(.*)", re.DOTALL)
ORDERS: dict[str, Callable[[float, float], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


@dataclass(frozen=True)
class Condition:
    """What is asked of one key; text that is asked for may hold the wildcards * and ?."""

    key: str
    sign: str
    value: object

    def holds(self, found: object) -> bool:
        """Tell whether a value is as was asked; of a list, whether one of them is."""
        if self.sign == "!=":
            return not Condition(self.key, "=", self.value).holds(found)
        values = found if isinstance(found, list | tuple) else [found]
        return any(self._is(value) for value in values)

    def _is(self, found: object) -> bool:
        if self.sign in ORDERS:
            both = (found, self.value) if is_number(found) else (_as_text(found), _as_text(self.value))
            comparable = found is not None and is_number(found) == is_number(self.value)
            return comparable and ORDERS[self.sign](*both)  # type: ignore[arg-type]
        if is_number(found) and is_number(self.value):
            return found == self.value
        return fnmatchcase(_as_text(found), _as_text(self.value))


@dataclass(frozen=True)
class Selection:
    """Which runs: those with one of the names, and all of the conditions."""

    names: Sequence[str] = ()
    conditions: Sequence[Condition] = ()

    @property
    def keys(self) -> list[str]:
        """The keys that the conditions ask for, each once."""
        return list(dict.fromkeys(condition.key for condition in self.conditions))

    def takes(self, name: str) -> bool:
        """Tell whether a run is meant, by its name and seed as in 'resnet56/seed-0'."""
        return not self.names or any(
            fnmatchcase(each, wanted) for wanted in self.names for each in (name, name.rpartition("/")[0])
        )

    def holds(self, entry: Mapping[str, object]) -> bool:
        """Tell whether a run is as was asked."""
        return all(condition.holds(entry.get(condition.key)) for condition in self.conditions)


def read_selection(words: Iterable[str]) -> Selection:
    """Return what the words of a command line ask for.

    Raises:
        InputError: a condition without a value.
    """
    names, conditions = [], []
    for word in words:
        if not (found := CONDITION.fullmatch(word)):
            names.append(word.rstrip("/"))
            continue
        key, sign, value = found.groups()
        if not value:
            raise InputError(f"{word}: found no value behind '{sign}'; write for instance state=finished")
        conditions.append(Condition(SAME.get(key, key), sign, parse(value, word)[0]))
    return Selection(names, conditions)


def refuse_unknown(keys: Iterable[str], there: Collection[str]) -> None:
    """Raise InputError for a key that neither one of some runs has nor any config."""
    for key in keys:
        if key not in there and key not in (known := [*ROW_KEYS, *there, *(each.key for each in keys_of())]):
            inner = [f" Did you mean '{each}'?" for each in known if each.endswith(f".{key}")]
            near = inner[0] if inner else did_you_mean(key, known)
            raise InputError(f"No run has a key '{key}'.{near} `skiprun runs export` shows all keys.")


def ordered(entries: Iterable[Entry], key: str, reverse: bool = False) -> list[Entry]:
    """Return entries by a value, numbers before text; those without one come last."""

    def place(entry: Entry) -> tuple[bool, object]:
        value = entry[key]
        return (False, value) if is_number(value) else (True, _as_text(value))

    entries = list(entries)
    there = [entry for entry in entries if entry.get(key) is not None]
    absent = [entry for entry in entries if entry.get(key) is None]
    return [*sorted(there, key=place, reverse=reverse), *absent]


def is_number(value: object) -> bool:
    """Tell whether a value is a number, which true and false are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _as_text(value: object) -> str:
    """Return a value as YAML has it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return ", ".join(map(_as_text, value)) if isinstance(value, list | tuple) else str(value)
