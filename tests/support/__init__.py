"""What tests share: tiny runs and data, runs that die, and where the repository's own files lie."""

from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
CONFIGS = ROOT / "configs"
GOLDEN = ROOT / "tests" / "golden"
