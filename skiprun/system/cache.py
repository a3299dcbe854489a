"""The user's cache folder; its part for compiled code must belong to the user alone."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from skiprun.errors import StorageError
from skiprun.system.disk import storage_errors
from skiprun.system.files import make_folder

WAY_OUT = "Name a folder of your own with $SKIPRUN_DATA."


def cache_folder() -> Path:
    """Return $SKIPRUN_DATA, or else the user's cache folder for skiprun.

    Raises:
        StorageError: this user has neither.
    """
    chosen = os.environ.get("SKIPRUN_DATA")
    if not chosen:
        return _user_cache()
    with _home_needed():
        return Path(chosen).expanduser().absolute()


def code_folder() -> Path:
    """Return where compiled code is kept: in the user's cache, or if that cannot be private, $SKIPRUN_DATA.

    Raises:
        StorageError: neither can be a folder in which this user alone can write.
    """
    try:
        return private_folder(_user_cache() / "compiled")
    except StorageError:
        return private_folder(cache_folder() / "compiled")


def private_folder(path: Path) -> Path:
    """Return a folder that only this user can enter, made if needed: what lies in it may be run as code.

    Raises:
        StorageError: it cannot be made, belongs to another user, or others could write to it, or replace it.
    """
    with naming_the_way_out(), storage_errors("create", path):
        make_folder(path.parent)
        path = path.resolve()  # or a link on the way could lead elsewhere next time
        if os.name == "posix":
            _refuse_foreign_parents(path)
        path.mkdir(mode=0o700, exist_ok=True)
        about = path.stat()
        if hasattr(os, "geteuid") and about.st_uid != os.geteuid():
            raise StorageError(f"{path} belongs to another user, so no code in it is run.")
        if os.name == "posix" and about.st_mode & 0o022:
            raise StorageError(f"Others can write to {path}, so no code in it is run; remove it.")
        path.chmod(0o700)
    return path


def _refuse_foreign_parents(path: Path) -> None:
    """Raise StorageError where another user could replace this folder, as OpenSSH's StrictModes does."""
    for parent in path.parents:
        about = parent.stat()
        if about.st_uid not in (0, os.geteuid()):
            raise StorageError(
                f"{parent} belongs to another user, who could replace {path}, so no code in it is run."
            )
        if _is_writable_by_others(about) and not about.st_mode & stat.S_ISVTX:
            raise StorageError(
                f"Others can write to {parent} and so replace {path}, so no code in it is run."
            )


def _is_writable_by_others(about: os.stat_result) -> bool:
    """Tell whether more users than its owner can write to a folder; the owner's own group does not count."""
    by_group = about.st_mode & stat.S_IWGRP and not _is_of_one(about.st_gid)
    return bool(by_group or about.st_mode & stat.S_IWOTH)


def _is_of_one(group: int) -> bool:
    """Tell whether a group is this user's alone, as many systems make one for each and let it write."""
    import grp
    import pwd

    with contextlib.suppress(KeyError):  # of numbers without a name nothing is known
        name, known = pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(group)
        return known.gr_name == name and {*known.gr_mem} <= {name}
    return False


@contextlib.contextmanager
def naming_the_way_out() -> Iterator[None]:
    """Say of a cache that cannot be used how to have another."""
    try:
        yield
    except StorageError as error:
        raise StorageError(f"{error} {WAY_OUT}") from error


def _user_cache() -> Path:
    """Return the user's cache folder for skiprun."""
    import platformdirs

    with _home_needed():
        folder = platformdirs.user_cache_path("skiprun")
        if not folder.is_absolute():  # earlier platformdirs leave the '~' where there is no home
            raise RuntimeError
        return folder


@contextlib.contextmanager
def _home_needed() -> Iterator[None]:
    """Look for the user's home, which there need not be: a container's /etc/passwd may not know the user."""
    try:
        yield
    except RuntimeError:
        raise StorageError(f"This user has no home folder, and so no cache. {WAY_OUT}") from None
