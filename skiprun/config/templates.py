"""The configs that come with the package: protocols of commands, and templates for one's own."""

from __future__ import annotations

from pathlib import Path

from skiprun.errors import InputError, did_you_mean

PROTOCOLS = Path(__file__).parent.parent / "protocols"
DIGITS = PROTOCOLS / "degradation_digits.yaml"


def templates() -> dict[str, Path]:
    """Return the packaged configs and sweeps by name."""
    files = [*PROTOCOLS.glob("*.yaml"), *PROTOCOLS.glob("sweeps/*.yaml")]
    return {file.stem: file for file in sorted(files, key=lambda file: file.stem)}


def find_template(name: str) -> Path:
    """Return a packaged config, or raise InputError with the nearest one."""
    known, stem = templates(), name.removesuffix(".yaml")
    if stem not in known:
        raise InputError(
            f"No template is called '{name}'.{did_you_mean(stem, known)} `skiprun new` lists them."
        )
    return known[stem]


def about(file: Path) -> str:
    """Return what the first line of a config says of it."""
    comments = [line[2:] for line in file.read_text(encoding="utf-8").splitlines() if line.startswith("# ")]
    return next(line for line in comments if not line.startswith("yaml-language-server"))


def template_text(file: Path, called: str) -> str:
    """Return a packaged config as a file of one's own: with its comments, and commands that name the copy."""
    text = file.read_text(encoding="utf-8").replace(f"configs/{file.relative_to(PROTOCOLS)}", called)
    return "".join(
        line for line in text.splitlines(keepends=True) if not line.startswith("# yaml-language-server")
    )
