"""What is generated of the documentation is what the sources say now."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from docs.generate.__main__ import GENERATED
from tests.support import ROOT


@pytest.mark.parametrize(("file", "text"), GENERATED, ids=[file for file, _ in GENERATED])
def test_a_generated_file_is_up_to_date(file: str, text: Callable[[], str]) -> None:
    assert (ROOT / file).read_text(encoding="utf-8") == text(), "run `make docs`"
