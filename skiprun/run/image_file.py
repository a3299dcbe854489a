"""test.npz: what the network of a finished run said of each image of the test split, by name.

Of labels: `labels` and their `rank` (how many classes the network holds for likelier), `predicted` and its
`probability`, and `logits` in float16 where they are not too large; rounding keeps a largest logit largest,
so `predicted` is one of those. Of masks: the scores of each image.
All are in the stored order of the split, of data with the `fingerprint`.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from skiprun.errors import StorageError
from skiprun.system.disk import storage_errors
from skiprun.system.files import write_bytes
from skiprun.system.ordinary_files import NotOrdinary, open_to_read
from skiprun.system.sealed_zip import checksum_of, damage, seal

if TYPE_CHECKING:
    import numpy as np

MAX_BYTES = 1_000_000_000  # of a file that is read
FINGERPRINT = "fingerprint"


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray], fingerprint: str) -> str:
    """Replace the file, atomically and durably, and return its checksum."""
    import numpy as np

    buffer = io.BytesIO()
    np.savez(buffer, **{FINGERPRINT: np.array(fingerprint)}, **arrays)  # type: ignore[arg-type]
    sealed = seal(buffer.getvalue())
    write_bytes(path, sealed)
    return checksum_of(sealed)


def read_arrays(path: Path, names: Sequence[str], checksum: object) -> tuple[str, list[np.ndarray]]:
    """Return the fingerprint of the data, and some arrays by their names.

    Args:
        path: the file.
        names: of the arrays.
        checksum: that the file had when its run finished.

    Raises:
        StorageError: it cannot be read, is damaged, or is not of this run.
    """
    import numpy as np

    try:
        content = _read_whole(path)
        with np.load(io.BytesIO(content)) as file:  # without pickles
            if sum(member.file_size for member in file.zip.infolist()) > len(content):
                raise ValueError("it unpacks to more than was written")
            arrays = [file[name] for name in names]
            fingerprint = str(file[FINGERPRINT])
    except (ValueError, KeyError, EOFError, MemoryError, zipfile.BadZipFile):
        raise StorageError(f"{path.name}: not what skiprun writes") from None
    if checksum_of(content) != checksum:
        raise StorageError(f"{path.name}: of another run, or another time of it")
    return fingerprint, arrays


def _read_whole(path: Path) -> bytes:
    """Return the bytes of a file whose checksum is right."""
    with storage_errors("read", path):
        try:
            with open_to_read(path) as file:
                content = file.read(MAX_BYTES + 1)
        except NotOrdinary as error:
            raise StorageError(f"{path.name}: {error.strerror}") from None
    wrong = f"larger than {MAX_BYTES} bytes" if len(content) > MAX_BYTES else damage(content)
    if wrong:
        raise StorageError(f"{path.name}: {wrong}")
    return content
