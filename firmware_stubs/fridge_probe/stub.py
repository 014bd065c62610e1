"""Fridge probes on a broker. Their messages are their own: they share no codec with the server, see WIRE.md."""

import argparse
import contextlib
import hashlib
import json
import random
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from threading import Event, RLock, Thread
from uuid import uuid4

from firmware_stubs.fridge_probe.publishers import IsConfirmed, Publisher, publisher_for
from firmware_stubs.fridge_probe.spoiling import SpoilingPublisher
from firmware_stubs.orders import befall, say, take_orders

RING_SLOTS = 64
SENT_AGAIN = 16  # as the firmware does: a broker that was killed forgets what it confirmed last


@dataclass(slots=True)
class _Record:
    text: bytes
    is_sent: IsConfirmed


class FridgeProbeStub:
    """The site's own probe: a ring of records, each sent until the broker confirms it, under (boot, seq).

    At every connection it also repeats the last it had sent.
    """

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
            for record in self._to_send():
                record.is_sent = self._send(record.text)

    def _to_send(self) -> list[_Record]:
        """Return what the broker has not confirmed and what it confirmed last, oldest first."""
        trusted = sum(record.is_sent() for record in self._ring) - SENT_AGAIN
        waiting = []
        for record in self._ring:
            if trusted > 0 and record.is_sent():
                trusted -= 1
            else:
                waiting.append(record)
        return waiting


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


Spoken = tuple[str, str]


class BoughtProbeStub:
    """A probe of any other make: one message a measurement, of which it keeps nothing."""

    def __init__(self, publisher: Publisher, dialect: str, name: str) -> None:
        self._publisher = publisher
        self._speak = SPEECH[dialect]
        self._name = name

    def start(self) -> None:
        """Connect; these makes say their presence in too many ways to repeat here."""
        self._publisher.start(f"stub/{self._name}/will", b"")

    def stop(self) -> None:
        """Go."""
        self._publisher.stop()

    def report(self, milli_celsius: int, *, unix_s: int) -> None:
        """Send one measurement."""
        topic, text = self._speak(self._name, milli_celsius, unix_s)
        self._publisher.publish(topic, text.encode())


def _degrees(milli_celsius: int) -> str:
    return f"{'-' * (milli_celsius < 0)}{abs(milli_celsius) // 1000}.{abs(milli_celsius) % 1000:03}"


def _esphome(name: str, milli_celsius: int, _unix_s: int) -> Spoken:
    return f"{name}/sensor/fridge_temperature/state", _degrees(milli_celsius)


def _shelly(name: str, milli_celsius: int, unix_s: int) -> Spoken:
    status = f'"temperature:100":{{"id":100,"tC":{_degrees(milli_celsius)}}}'
    return f"{name}/events/rpc", f'{{"src":"{name}","method":"NotifyStatus","params":{{"ts":{unix_s}.25,{status}}}}}'


def _zigbee2mqtt(name: str, milli_celsius: int, unix_s: int) -> Spoken:
    text = f'{{"battery":93,"last_seen":{unix_s}000,"linkquality":120,"temperature":{_degrees(milli_celsius)}}}'
    return f"zigbee2mqtt/{name}", text


def _ruuvi(name: str, milli_celsius: int, unix_s: int) -> Spoken:
    address = _serial(name, 12)
    raw = (round(milli_celsius / 5) & 0xFFFF, unix_s % 0xFFFF)
    data = f"0201061BFF990405{raw[0]:04X}5DC0C3500000000003E8A00007{raw[1]:04X}{address}"
    return f"ruuvi/C0:FF:EE:00:00:01/{address}", json.dumps({"ts": str(unix_s), "data": data})


def _theengs(name: str, milli_celsius: int, _unix_s: int) -> Spoken:
    return f"home/gateway-1/BTtoMQTT/{_serial(name, 12)}", f'{{"tempc":{_degrees(milli_celsius)},"hum":50}}'


def _chirpstack(name: str, milli_celsius: int, unix_s: int) -> Spoken:
    dev_eui = _serial(name, 16).lower()
    time_text = time.strftime("%Y-%m-%dT%H:%M:%S.123456789+00:00", time.gmtime(unix_s))
    about = f'"deduplicationId":"{uuid4()}","time":"{time_text}","deviceInfo":{{"devEui":"{dev_eui}"}}'
    text = f'{{{about},"object":{{"temperature_chn1":{_degrees(milli_celsius)}}}}}'
    return f"application/{uuid4()}/device/{dev_eui}/event/up", text


def _serial(name: str, digits: int) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:digits].upper()


SPEECH: Mapping[str, Callable[[str, int, int], Spoken]] = {
    "chirpstack": _chirpstack,
    "esphome": _esphome,
    "ruuvi": _ruuvi,
    "shelly": _shelly,
    "theengs": _theengs,
    "zigbee2mqtt": _zigbee2mqtt,
}


def main() -> None:
    """Publish a fridge that breathes between 3 and 6 degrees, and take one order a line."""
    parser = argparse.ArgumentParser(description="A fridge probe that publishes to an MQTT broker.")
    parser.add_argument("url", help="mqtt://127.0.0.1:1883")
    parser.add_argument("--dev", default="demo-fridge-1", help="the probe's name")
    parser.add_argument("--every-s", type=float, default=60.0, help="seconds between readings")
    parser.add_argument("--dialect", choices=["own", *SPEECH], default="own", help="the make it pretends to be")
    arguments = parser.parse_args()
    publisher = SpoilingPublisher(partial(publisher_for, arguments.url, arguments.dev), lambda _: probe.stop())
    probe: FridgeProbeStub | BoughtProbeStub
    if arguments.dialect == "own":
        probe = FridgeProbeStub(publisher, arguments.dev, boot=int(time.time()))
    else:
        probe = BoughtProbeStub(publisher, arguments.dialect, arguments.dev)
    probe.start()
    with contextlib.suppress(KeyboardInterrupt):
        Thread(target=_breathe, args=(probe, arguments.every_s), name="fridge", daemon=True).start()
        take_orders(partial(obey, probe, publisher), "measure MILLI_CELSIUS")
        Event().wait()
    probe.stop()


def obey(probe: FridgeProbeStub | BoughtProbeStub, publisher: SpoilingPublisher, words: list[str]) -> bool:
    """Do what one line of the command says; whether it was understood."""
    match words:
        case ["measure", milli_celsius] if milli_celsius.removeprefix("-").isdecimal():
            _measure(probe, int(milli_celsius))
        case _:
            return befall(words, publisher.spoil_next, probe.start, probe.stop)
    return True


def _breathe(probe: FridgeProbeStub | BoughtProbeStub, every_s: float) -> None:
    milli_celsius = 4500
    while True:
        milli_celsius = min(6000, max(3000, milli_celsius + random.randint(-120, 120)))  # noqa: S311 - weather, not secrets
        _measure(probe, milli_celsius)
        say(f"{milli_celsius} m°C")
        time.sleep(every_s)


def _measure(probe: FridgeProbeStub | BoughtProbeStub, milli_celsius: int) -> None:
    if isinstance(probe, FridgeProbeStub):
        probe.measure(milli_celsius, unix_s=int(time.time()))
    else:
        probe.report(milli_celsius, unix_s=int(time.time()))


if __name__ == "__main__":
    main()
