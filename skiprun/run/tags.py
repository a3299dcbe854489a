"""Tags of a run: words that a person gives it, to find it by."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from typing_extensions import TypedDict

from skiprun.config.fields import LONGEST_NAME
from skiprun.errors import InputError
from skiprun.run.files import RunFiles
from skiprun.system.documents import read_document
from skiprun.system.files import write_json

TAG = rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{LONGEST_NAME - 1}}}"


class Tags(TypedDict):
    """tags.json."""

    tags: list[str]


def tags_of(run: RunFiles) -> list[str]:
    """Return the tags of a run, in the order of the alphabet.

    Raises:
        StorageError: tags.json is damaged.
    """
    if not run.tags_file.exists():
        return []
    return read_document(run.tags_file, Tags, "delete it; only the run's tags are lost")["tags"]


def change_tags(run: RunFiles, add: Iterable[str] = (), remove: Collection[str] = ()) -> list[str]:
    """Give a run tags, take others away, and return those that it has then.

    Raises:
        StorageError: tags.json is damaged, or cannot be written.
    """
    tags = sorted({*tags_of(run), *add} - {*remove})
    write_json(run.tags_file, {"tags": tags})
    return tags


def refuse_bad_tags(tags: Iterable[str]) -> None:
    """Raise InputError for a word that can be no tag."""
    for tag in tags:
        if not re.fullmatch(TAG, tag):
            raise InputError(
                f"'{tag}' can be no tag: letters, digits, '.', '_' and '-' are allowed, {LONGEST_NAME} at "
                "most, a letter or digit first."
            )
