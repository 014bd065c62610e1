"""A probe in every fridge, and one fridge that fails in the course of the day."""

import time
from math import exp
from random import Random
from threading import Event, Thread
from types import TracebackType
from typing import Self

from firmware_stubs.fridge_probe.publishers import publisher_for
from firmware_stubs.fridge_probe.stub import FridgeProbeStub
from firmware_stubs.rehearsal.cast import Cast
from firmware_stubs.rehearsal.ledger import Ledger

READING_EVERY_S = 60.0
SENT_WITHIN_S = 10.0
COLDEST, WARMEST, USUAL = 3_000, 6_500, 4_500
ROOM = 22_000
FAILS_AFTER_MIN, MENDED_AFTER_MIN = 5, 8 * 60
WARMS_UP_MIN, COOLS_DOWN_MIN = 60, 25


def failure(minutes: float) -> int:
    """Return by how much a fridge is too warm so long after the start: its compressor stops, and is mended later."""
    lasted = minutes - FAILS_AFTER_MIN
    if lasted <= 0:
        return 0
    warmed = 1 - exp(-min(lasted, MENDED_AFTER_MIN) / WARMS_UP_MIN)
    cooled = exp(-max(0.0, lasted - MENDED_AFTER_MIN) / COOLS_DOWN_MIN)
    return round((ROOM - USUAL) * warmed * cooled)


class Fridges:
    """A probe in every fridge, one reading a minute of clinic time.

    They have no clock, as new probes have none: the clinic's own may run faster than the world's.
    """

    def __init__(self, cast: Cast, ledger: Ledger, seed: int) -> None:
        self._every_s = READING_EVERY_S / cast.speed
        self._failing = cast.failing
        self._ledger = ledger
        self._boot = int(time.time())
        url = cast.mqtt or ""
        self._probes = [FridgeProbeStub(publisher_for(url, f"stub-{dev}"), dev, boot=self._boot) for dev in cast.probes]
        self._milli_celsius = dict.fromkeys(cast.probes, USUAL)
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
        minutes = 0
        while not self._stop.wait(self._every_s):
            minutes += 1
            for probe in self._probes:
                milli_celsius = self._measured(probe.dev, minutes)
                seq = probe.measure(milli_celsius, unix_s=None)
                self._ledger.note_measured(probe.dev, self._boot, seq + 1, milli_celsius)

    def _measured(self, dev: str, minutes: int) -> int:
        drift = self._milli_celsius[dev] + self._chance.randint(-150, 150)
        self._milli_celsius[dev] = min(WARMEST, max(COLDEST, drift))
        return self._milli_celsius[dev] + (failure(minutes) if dev == self._failing else 0)
