"""Fridge probes on a broker. Their messages are their own: they share no codec with the server, see WIRE.md."""

import argparse
import json
import random
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from threading import RLock

from firmware_stubs.fridge_probe.publishers import IsConfirmed, Publisher, publisher_for

RING_SLOTS = 64


@dataclass(slots=True)
class _Record:
    text: bytes
    is_sent: IsConfirmed


class FridgeProbeStub:
    """The site's own probe: a ring of records, each sent until the broker confirms it, under (boot, seq)."""

    def __init__(self, publisher: Publisher, dev: str, *, boot: int = 1, slots: int = RING_SLOTS) -> None:
        self.dev = dev
        self.lost = 0
        self._publisher = publisher
        self._boot = boot
        self._next_seq = 0
        self._ring: deque[_Record] = deque(maxlen=slots)
        self._lock = RLock()
        publisher.when_connected(self._on_connected)

    def start(self) -> None:
        """Connect, with the last will `offline`."""
        self._publisher.start(self._topic("status"), b"offline")

    def stop(self, *, abrupt: bool = False) -> None:
        """Say `offline` and go, or vanish and let the will say it."""
        if not abrupt:
            self._publisher.publish(self._topic("status"), b"offline", retain=True)
        self._publisher.stop(abrupt=abrupt)

    def measure(self, milli_celsius: int | None, *, unix_s: int | None, is_error: bool = False) -> int:
        """Record one measurement, send it if there is a connection, and return its sequence number."""
        with self._lock:
            seq, self._next_seq = self._next_seq, self._next_seq + 1
            reading = {
                "v": 1,
                "dev": self.dev,
                "boot": self._boot,
                "seq": seq,
                "ts": unix_s,
                "up": seq,
                "mC": milli_celsius,
                "err": is_error,
            }
            if len(self._ring) == self._ring.maxlen and not self._ring[0].is_sent():
                self.lost += 1
            text = json.dumps(reading, separators=(",", ":")).encode()
            self._ring.append(_Record(text, self._send(text)))
            return seq

    @property
    def unsent(self) -> int:
        """How many records the broker has not confirmed."""
        with self._lock:
            return sum(not record.is_sent() for record in self._ring)

    def _topic(self, leaf: str) -> str:
        return f"cc/v1/{self.dev}/{leaf}"

    def _send(self, text: bytes) -> IsConfirmed:
        return self._publisher.publish(self._topic("reading"), text)

    def _on_connected(self) -> None:
        with self._lock:
            self._publisher.publish(self._topic("status"), b"online", retain=True)
            for record in self._ring:
                if not record.is_sent():
                    record.is_sent = self._send(record.text)


class TasmotaStub:
    """A Tasmota device with DS18B20 sensors. It keeps nothing: what it could not send is gone."""

    def __init__(self, publisher: Publisher, topic: str, *, unit: str = "C") -> None:
        self._publisher = publisher
        self._topic = topic
        self._unit = unit
        publisher.when_connected(self._on_connected)

    def start(self) -> None:
        """Connect, with the last will `Offline`."""
        self._publisher.start(f"tele/{self._topic}/LWT", b"Offline")

    def stop(self, *, abrupt: bool = False) -> None:
        """Go, or vanish and let the will say it."""
        self._publisher.stop(abrupt=abrupt)

    def report(self, local_time: str, temperatures: Mapping[str, float | None]) -> None:
        """Send one SENSOR message: sensor id to degrees in the device's unit."""
        names = ["DS18B20"] if len(temperatures) == 1 else [f"DS18B20-{n + 1}" for n in range(len(temperatures))]
        message: dict[str, object] = {"Time": local_time}
        for name, (sensor_id, degrees) in zip(names, sorted(temperatures.items()), strict=True):
            message[name] = {"Id": sensor_id, "Temperature": degrees}
        message["TempUnit"] = self._unit
        self._publisher.publish(f"tele/{self._topic}/SENSOR", json.dumps(message, separators=(",", ":")).encode())

    def _on_connected(self) -> None:
        self._publisher.publish(f"tele/{self._topic}/LWT", b"Online", retain=True)


def main() -> None:
    """Publish a fridge that breathes between 3 and 6 degrees."""
    parser = argparse.ArgumentParser(description="A fridge probe that publishes to an MQTT broker.")
    parser.add_argument("url", help="mqtt://127.0.0.1:1883")
    parser.add_argument("--dev", default="demo-fridge-1", help="the probe's name")
    parser.add_argument("--every-s", type=float, default=60.0, help="seconds between readings")
    arguments = parser.parse_args()
    probe = FridgeProbeStub(publisher_for(arguments.url, arguments.dev), arguments.dev, boot=int(time.time()))
    probe.start()
    milli_celsius = 4500
    try:
        while True:
            milli_celsius = min(6000, max(3000, milli_celsius + random.randint(-120, 120)))  # noqa: S311 - weather, not secrets
            seq = probe.measure(milli_celsius, unix_s=int(time.time()))
            print(f"seq {seq}: {milli_celsius} m°C", flush=True)
            time.sleep(arguments.every_s)
    except KeyboardInterrupt:
        probe.stop()


if __name__ == "__main__":
    main()
