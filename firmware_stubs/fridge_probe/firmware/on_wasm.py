"""MicroPython's half of run_in_wasm.mjs: asyncio streams and a store over what Node lends. Bytes cross over as hex."""

import bridge  # made by run_in_wasm.mjs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Stream:
    """A stream pair in one, as asyncio's are."""

    def __init__(self, socket: "Any") -> None:
        self._socket = socket
        self._unsent = b""

    async def readexactly(self, n: int) -> bytes:
        octets = b""
        while len(octets) < n:
            part = await self._socket.read(n - len(octets))
            if not part:
                raise EOFError
            octets += bytes.fromhex(part)
        return octets

    def write(self, octets: bytes) -> None:
        self._unsent += octets

    async def drain(self) -> None:
        octets, self._unsent = self._unsent, b""
        if not await self._socket.write(octets.hex()):
            raise OSError("connection lost")

    def close(self) -> None:
        self._socket.close()


class Store:
    """A file of the host, so that it outlives this interpreter as flash outlives a reset."""

    def __init__(self, path: str, size: int) -> None:
        self._file = bridge.open_file(path, size)

    def read(self, offset: int, length: int) -> bytes:
        return bytes.fromhex(self._file.read(offset, length))

    def write(self, offset: int, octets: bytes) -> None:
        self._file.write(offset, octets.hex())


class WasmPorts:
    """See steered.Ports."""

    def open_store(self, path: str, size: int) -> Store:
        return Store(path, size)

    async def open_connection(self, host: str, port: int) -> tuple[Stream, Stream]:
        socket = await bridge.connect(host, port)
        if socket is None:
            raise OSError("connection refused")
        stream = Stream(socket)
        return stream, stream

    async def next_line(self) -> str:
        line: str = await bridge.next_line()
        return line

    def say(self, line: str) -> None:
        print(line)
