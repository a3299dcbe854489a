"""Unpack official archives without trust in their contents: sizes stay plausible, nothing leads outside."""

from __future__ import annotations

import gzip
import io
import shutil
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from skiprun.errors import InputError
from skiprun.system.disk import storage_errors
from skiprun.system.files import make_folder, sync_folder, write_bytes
from skiprun.system.progress import ProgressCallback

# Images hardly shrink; an archive that grows more than this is no dataset.
GROWTH = 20
SLACK = 1 << 26
DAMAGED = (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error)


def unpack_tar(archive: Path, folder: str, progress: ProgressCallback) -> None:
    """Unpack one folder of a tar file beside it, in place of what is there.

    Raises:
        InputError: damaged, without the folder, larger than plausible, or with members that lead outside.
    """
    root = archive.parent
    temporary = root / f".{folder}.unpacking"
    shutil.rmtree(temporary, ignore_errors=True)
    make_folder(temporary)
    try:
        _extract(archive, temporary, progress)
        if not (temporary / folder).is_dir():
            raise InputError(f"{archive}: holds no folder '{folder}'; it is not the official file.")
        with storage_errors("write", root / folder):
            shutil.rmtree(root / folder, ignore_errors=True)
            (temporary / folder).replace(root / folder)
            sync_folder(root)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _extract(archive: Path, folder: Path, progress: ProgressCallback) -> None:
    """Extract all members into a folder, refusing what is unsafe."""
    try:
        with storage_errors("unpack", archive), tarfile.open(archive) as tar:
            # Python before 3.11.4, as Debian 12 has it, knows no filters; from 3.12 on it warns without one.
            tar.extraction_filter = getattr(tarfile, "data_filter", None)
            for number, member in enumerate(_within_limit(tar, archive), 1):
                _refuse_unsafe(member)
                tar.extract(member, folder)
                progress(number, number + 1, f"unpacking {archive.name}, files")
    except DAMAGED as error:
        raise InputError(
            f"{archive}: cannot be unpacked ({error}). Delete it, and fetch it again."
        ) from error


def _refuse_unsafe(member: tarfile.TarInfo) -> None:
    """Refuse what leads outside, and what is neither a file nor a folder."""
    path = Path(member.name)
    if path.is_absolute() or ".." in path.parts or not (member.isfile() or member.isdir()):
        raise tarfile.TarError(f"'{member.name}' is no file or folder in it")


def _within_limit(tar: tarfile.TarFile, archive: Path) -> Iterator[tarfile.TarInfo]:
    """Yield the members of an archive for as long as their sizes are plausible."""
    left = _limit(archive)
    for member in tar:
        left -= member.size
        if left < 0:
            raise _too_large(archive)
        yield member


def _limit(archive: Path) -> int:
    """Return how many bytes an archive may unpack to."""
    return GROWTH * archive.stat().st_size + SLACK


def _too_large(archive: Path) -> InputError:
    return InputError(
        f"{archive}: unpacks to more than {GROWTH} times its size; it is not the official file."
    )


def unpack_gzip(archive: Path) -> None:
    """Unpack a .gz file beside it, in place of what is there."""
    try:
        with storage_errors("read", archive):
            packed = io.BytesIO(archive.read_bytes())
        with gzip.open(packed) as file:
            content = file.read(_limit(archive) + 1)
    except DAMAGED as error:
        raise InputError(
            f"{archive}: cannot be unpacked ({error}). Delete it, and fetch it again."
        ) from error
    if len(content) > _limit(archive):
        raise _too_large(archive)
    write_bytes(archive.with_suffix(""), content)
