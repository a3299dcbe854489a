"""The house plan: a module imports only from floors below its own, and inside its own wing."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import ROOT

PACKAGE = ROOT / "skiprun"
FLOORS = {
    "errors": 0,
    **dict.fromkeys(["registry", "infos", "config", "config_file", "legacy", "palette", "system"], 1),
    **dict.fromkeys(["run", "connections"], 2),
    **dict.fromkeys(["models", "data", "tasks", "results", "display"], 3),
    **dict.fromkeys(["probes", "claims", "inference"], 4),
    **dict.fromkeys(["training", "studies", "reports"], 5),
    **dict.fromkeys(["experiment", "lessons"], 6),
    "cli": 7,
}
# Config files are read by config's own neighbour, which says of an old word what it is now.
SAME_FLOOR = {("config_file", each) for each in ("config", "system", "legacy")} | {("registry", "infos")}
FACE = {"__init__", "__main__"}


def wing_of(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_wings(file: Path) -> Iterator[str]:
    tree = ast.parse(file.read_text())
    if wing_of(file) in ("registry", "infos"):  # they name the types of what is registered for mypy alone
        tree.body = [node for node in tree.body if ast.unparse(node).split(":")[0] != "if TYPE_CHECKING"]
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("skiprun"):
            parts = node.module.split(".")
            yield from [parts[1]] if len(parts) > 1 else [alias.name for alias in node.names]
        elif isinstance(node, ast.Import):
            yield from (name.name.split(".")[1] for name in node.names if name.name.startswith("skiprun."))


MODULES = [file for file in sorted(PACKAGE.rglob("*.py")) if wing_of(file) not in FACE]


@pytest.mark.parametrize("file", MODULES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_imports_come_from_below(file: Path) -> None:
    wing = wing_of(file)
    for imported in imported_wings(file):
        below = FLOORS[imported] < FLOORS[wing]
        assert below or imported == wing or (wing, imported) in SAME_FLOOR, f"{wing} imports {imported}"


BELOW = {"run", "config", "system", "errors", "palette"}


@pytest.mark.parametrize(
    ("wing", "allowed"),
    [
        ("results", BELOW),
        ("claims", BELOW | {"infos", "registry", "results"}),
        ("reports", BELOW | {"infos", "results", "claims"}),
    ],
)
def test_what_is_said_of_runs_is_read_from_their_directories(wing: str, allowed: set[str]) -> None:
    for file in (PACKAGE / wing).rglob("*.py"):
        assert set(imported_wings(file)) <= allowed | {wing}, file.name


OF_TORCH = {"torch_internals", "torchvision_repair"}
NO_TORCH = [file.stem for file in (PACKAGE / "system").glob("*.py") if file.stem not in OF_TORCH]


@pytest.mark.parametrize(
    "wing",
    [
        *("config", "config_file", "legacy", "run", "errors", "registry", "infos", "palette", "display"),
        *("system/" + name for name in NO_TORCH),
        *("results", "claims", "reports", "cli"),
        *("models/complexity/catalog", "models/complexity/architecture"),
    ],
)
def test_no_torch_where_commands_must_start_at_once(wing: str) -> None:
    files = [PACKAGE / f"{wing}.py"] if (PACKAGE / f"{wing}.py").exists() else (PACKAGE / wing).rglob("*.py")
    for file in files:
        for node in ast.parse(file.read_text()).body:
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [name.name for name in node.names] if isinstance(node, ast.Import) else []
            assert not any(name.split(".")[0] in ("torch", "torchvision") for name in names), file.name
