"""The day's devices: readers and scanners on pseudo-terminals where the server expects them, probes and pagers."""

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from firmware_stubs.barcode_scanner.stub import BarcodeScannerStub
from firmware_stubs.id_card_reader.stub import IdCardReaderStub
from firmware_stubs.plugs import PtyPlug
from firmware_stubs.rehearsal.cast import Cast
from firmware_stubs.rehearsal.fridges import Fridges
from firmware_stubs.rehearsal.ledger import Ledger
from firmware_stubs.rehearsal.pagers import Pagers


class Hardware:
    """Everything that is plugged in, between entering and leaving a ``with``."""

    def __init__(self, cast: Cast, ledger: Ledger, seed: int) -> None:
        self.readers: dict[str, IdCardReaderStub] = {}
        self.scanners: dict[str, BarcodeScannerStub] = {}
        self._cast = cast
        self._ledger = ledger
        self._seed = seed
        self._plugged = ExitStack()

    def __enter__(self) -> Self:
        for station, path in self._cast.readers.items():
            self.readers[station] = IdCardReaderStub(self._plug(f"{station}-reader", Path(path)))
        for station, path in self._cast.scanners.items():
            self.scanners[station] = BarcodeScannerStub(self._plug(f"{station}-scanner", Path(path)))
        if self._cast.pager_port is not None:
            self._plugged.enter_context(Pagers(self._cast.pager_port, self._ledger))
        if self._cast.mqtt:
            self._plugged.enter_context(Fridges(self._cast, self._ledger, self._seed))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._plugged.close()

    def _plug(self, name: str, path: Path) -> PtyPlug:
        """Plug in a pseudo-terminal and name it where the server looks; the name goes with it."""
        plug = self._plugged.enter_context(PtyPlug(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink():
            path.unlink()
        path.symlink_to(plug.path)
        self._plugged.callback(path.unlink, missing_ok=True)
        return plug
