"""The day's devices: readers and scanners on pseudo-terminals where the server expects them, probes on the broker."""

import time
from contextlib import ExitStack
from pathlib import Path
from random import Random
from threading import Event, Thread
from types import TracebackType
from typing import Self

from firmware_stubs.barcode_scanner.stub import BarcodeScannerStub
from firmware_stubs.fridge_probe.publishers import publisher_for
from firmware_stubs.fridge_probe.stub import FridgeProbeStub
from firmware_stubs.id_card_reader.stub import IdCardReaderStub
from firmware_stubs.plugs import PtyPlug
from firmware_stubs.rehearsal.cast import Cast
from firmware_stubs.rehearsal.ledger import Ledger

READING_EVERY_S = 60.0
SENT_WITHIN_S = 10.0
COLDEST, WARMEST = 3_000, 6_500


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


class Fridges:
    """A probe in every fridge, one reading a minute of clinic time.

    They have no clock, as new probes have none: the clinic's own may run faster than the world's.
    """

    def __init__(self, cast: Cast, ledger: Ledger, seed: int) -> None:
        self._every_s = READING_EVERY_S / cast.speed
        self._ledger = ledger
        self._boot = int(time.time())
        url = cast.mqtt or ""
        self._probes = [FridgeProbeStub(publisher_for(url, f"stub-{dev}"), dev, boot=self._boot) for dev in cast.probes]
        self._chance = Random(seed)  # noqa: S311 - weather
        self._stop = Event()
        self._thread = Thread(target=self._breathe, name="fridges", daemon=True)

    def __enter__(self) -> Self:
        for probe in self._probes:
            probe.start()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Measure no more, wait for the broker to have everything if there are books to agree with, and go."""
        self._stop.set()
        self._thread.join()
        deadline = time.monotonic() + (SENT_WITHIN_S if self._ledger.is_kept else 0.0)
        while any(probe.unsent for probe in self._probes) and time.monotonic() < deadline:
            time.sleep(0.02)
        for probe in self._probes:
            if probe.unsent or probe.lost:
                self._ledger.fault(f"{probe.dev}: {probe.unsent} readings never reached the broker, {probe.lost} lost")
            probe.stop()

    def _breathe(self) -> None:
        milli_celsius = dict.fromkeys((probe.dev for probe in self._probes), 4_500)
        while not self._stop.wait(self._every_s):
            for probe in self._probes:
                drift = milli_celsius[probe.dev] + self._chance.randint(-150, 150)
                milli_celsius[probe.dev] = min(WARMEST, max(COLDEST, drift))
                seq = probe.measure(milli_celsius[probe.dev], unix_s=None)
                self._ledger.note_measured(probe.dev, self._boot, seq + 1)
