"""The machine a measurement was taken on, in one line: figures of different machines are not compared."""

import os
import platform
import sqlite3
from importlib.metadata import version
from pathlib import Path

import pysqlite3.dbapi2

_GIB = 1 << 30


def machine_line() -> str:
    """Return processors, memory, system and versions, and how busy the machine is now."""
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / _GIB
    loads = " ".join(f"{load:.1f}" for load in os.getloadavg())
    versions = ", ".join(f"{name} {version(name)}" for name in ("fastapi", "uvicorn", "sqlalchemy"))
    return (
        f"{os.cpu_count()} processors ({_processor()}), {memory_gib:.0f} GiB, "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}, "
        f"SQLite {pysqlite3.dbapi2.sqlite_version} (plain: {sqlite3.sqlite_version}), {versions}; load {loads}"
    )


def _processor() -> str:
    names = (line for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if "model name" in line)
    return next(names, ": unnamed").partition(": ")[2]
