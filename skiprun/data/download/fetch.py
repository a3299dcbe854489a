"""Official files of a dataset: fetched, checked against the published sum, unpacked without trust."""

from __future__ import annotations

import http.client
import os
import urllib.request
import zlib
from dataclasses import dataclass
from hashlib import md5
from pathlib import Path
from urllib.parse import urlsplit

from skiprun.system.disk import storage_errors
from skiprun.system.files import make_folder, sync_folder
from skiprun.system.progress import ProgressCallback

TIMEOUT = 60.0
BLOCK = 1 << 20


@dataclass(frozen=True)
class Archive:
    """A published file.

    Attributes:
        urls: where it can be fetched, in order of preference.
        path: its place below the dataset's folder; the last part is its official name.
        md5: its published sum.
    """

    urls: tuple[str, ...]
    path: str
    md5: str

    @property
    def name(self) -> str:
        """The official file name."""
        return Path(self.path).name


class FetchFailed(Exception):
    """No address gave the file; the text says why."""


def sum_of(path: Path) -> str:
    """Return the MD5 sum of a file."""
    digest = md5(usedforsecurity=False)
    with storage_errors("read", path), path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def fetch(archive: Archive, root: Path, progress: ProgressCallback) -> None:
    """Fetch a file under a temporary name, check it, then give it its own; a damaged one is kept as .bad.

    Raises:
        FetchFailed: no address answered, or what came was not the file.
    """
    target = root / archive.path
    partial = target.with_name(f".{target.name}.part")
    make_folder(target.parent)
    problems = []
    for url in archive.urls:
        try:
            _receive(url, partial, archive.name, progress)
        except (OSError, http.client.HTTPException) as error:
            problems.append(f"{urlsplit(url).hostname}: {_connection_failure(error)}")
            continue
        found, bad = sum_of(partial), target.with_name(f"{target.name}.bad")
        with storage_errors("write", target):
            if found == archive.md5:
                if target.exists():  # damaged, or nothing would have been fetched
                    target.replace(bad)
                partial.replace(target)
                sync_folder(target.parent)
                return
            partial.replace(bad)
        problems.append(
            f"{urlsplit(url).hostname}: came damaged, MD5 {found} instead of {archive.md5}, "
            f"kept as {bad.name}"
        )
    with storage_errors("remove", partial):
        partial.unlink(missing_ok=True)
    raise FetchFailed("; ".join(problems))


def _connection_failure(error: Exception) -> str:
    """Return why a connection failed, without numbers and wrappers."""
    reason = getattr(error, "reason", None) or error
    return getattr(reason, "strerror", None) or str(reason)


def _receive(url: str, partial: Path, name: str, progress: ProgressCallback) -> None:
    """Write what an address sends to a file."""
    request = urllib.request.Request(url, headers={"User-Agent": "skiprun"})
    with storage_errors("write", partial):
        partial.unlink(missing_ok=True)
        file = partial.open("xb")  # through no link
    with file, urllib.request.urlopen(request, timeout=TIMEOUT) as response:
        total = int(response.headers.get("Content-Length") or 0)
        done = 0
        while block := response.read(BLOCK):
            with storage_errors("write", partial):
                file.write(block)
            done += len(block)
            progress(done, max(done, total), f"downloading {name}, bytes")
        with storage_errors("write", partial):
            file.flush()
            os.fsync(file.fileno())
    if done < total:
        raise ConnectionError(f"broke off after {done:,} of {total:,} bytes")


def same_as_gzip(unpacked: Path, archive: Path) -> bool:
    """Compare an unpacked file with the checksum at the end of its .gz file, where that is there."""
    if not archive.exists():
        return True
    with storage_errors("read", unpacked):
        trailer = archive.read_bytes()[-8:-4]
        return zlib.crc32(unpacked.read_bytes()) == int.from_bytes(trailer, "little")
