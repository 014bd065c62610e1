"""A disk whose flushes take longer, for every process that is started with these variables."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

SOURCE = Path(__file__).with_name("slow_flush.c")
DELAY_MS = 10


def slow_disk(folder: Path, delay_ms: int = DELAY_MS) -> Mapping[str, str]:
    """Build the shim in a folder, and return the variables that put it before a process."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise FileNotFoundError("A slow disk needs a C compiler: apt-get install gcc libc6-dev")
    shim = folder / "slow_flush.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", str(shim), str(SOURCE), "-ldl"], check=True)  # noqa: S603  # our own source
    return {"LD_PRELOAD": str(shim), "FLUSH_DELAY_MS": str(delay_ms)}
