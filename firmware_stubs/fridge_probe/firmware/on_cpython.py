"""Runs the steered firmware on CPython: python3 -m firmware_stubs....on_cpython DEV HOST PORT FILE SLOTS."""

import asyncio
import sys

from firmware_stubs.fridge_probe.firmware import steered
from firmware_stubs.fridge_probe.firmware.probe_core.ring import FileStore


class CPythonPorts:
    """See steered.Ports."""

    async def open_connection(self, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect."""
        return await asyncio.open_connection(host, port)

    def open_store(self, path: str, size: int) -> FileStore:
        """Return a store in a file."""
        return FileStore(path, size)

    async def next_line(self) -> str:
        """Return a line, or nothing when they end."""
        return await asyncio.to_thread(sys.stdin.readline)

    def say(self, line: str) -> None:
        """Answer."""
        print(line, flush=True)


if __name__ == "__main__":
    asyncio.run(steered.main(CPythonPorts(), sys.argv[1:]))
