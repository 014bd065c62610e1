"""A copy of the project in which anything may be spoilt."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LEFT_BEHIND = (
    *(".git", ".venv", ".tools", ".hypothesis", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".import_linter_cache"),
    *("__pycache__", "node_modules", "var", "dist", "screenshots", ".coverage*"),
)


@contextmanager
def copied() -> Iterator[Path]:
    """Yield a folder with the project in it, as it lies here; it is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="clinic-proof-") as folder:
        copy = Path(folder) / "project"
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*LEFT_BEHIND))
        yield copy
