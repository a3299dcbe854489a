"""What is known of the architectures is kept for one version of them; the files of others go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from skiprun.models.complexity.catalog_cache import cache_file, write_catalog


def test_the_caches_of_earlier_and_later_versions_are_deleted_and_nothing_else(own_data_folder: Path) -> None:
    others = [
        own_data_folder / name for name in ("models-0.json", "models-zz.json", "models.json", "digits.npz")
    ]
    for file in others:
        file.write_text("{}")
    known: Any = {}
    write_catalog(known)
    assert sorted(own_data_folder.iterdir()) == sorted([*others[2:], cache_file()])
