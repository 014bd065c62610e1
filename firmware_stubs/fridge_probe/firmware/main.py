"""The board: an ESP32 with a DS18B20, its network, its clock and its watchdog. All that can be tested is in probe_core.

The folder lies on the board as /firmware, beside /probe.json; its /main.py says `from firmware.main import run; run()`.
"""

import asyncio
import json
import random
import ssl
import time

import ds18x20
import machine
import network
import ntptime
import onewire

from .probe_core.mqtt import Publisher
from .probe_core.probe import Clock, Probe, topic_of
from .probe_core.ring import SLOT_BYTES, FileStore, Ring
from .probe_core.scratchpad import milli_celsius

WATCHDOG_MS = 60_000
CONVERSION_MS = 750
CLOCK_EVERY_S, CLOCK_RETRY_S = 3600, 15
LONGEST_START_S = 15  # after a power cut, a site's probes do not all come at once


class Sensor:
    """A DS18B20 on one pin; its scratchpad is judged by probe_core, which knows what a broken bus looks like."""

    def __init__(self, pin: int) -> None:
        self._bus = onewire.OneWire(machine.Pin(pin))
        self._sensor = ds18x20.DS18X20(self._bus)

    def read(self) -> "int | None":
        """Return millidegrees, or None when nobody answers."""
        (rom,) = self._sensor.scan()
        self._sensor.convert_temp()
        time.sleep_ms(CONVERSION_MS)  # type: ignore[attr-defined]  # MicroPython's
        return milli_celsius(bytes(self._sensor.read_scratch(rom)))


def tls_of(settings: "dict[str, str]") -> ssl.SSLContext:
    """Return the way in: the site's authority pinned, a certificate of this probe's own."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_cert_chain(settings["certificate"], settings["key"])
    context.load_verify_locations(settings["authority"])
    context.verify_mode = ssl.CERT_REQUIRED
    return context


async def stay_in_the_network(name: str, password: str) -> None:
    """Join, and join again."""
    card = network.WLAN(network.STA_IF)
    card.active(True)
    while True:
        if not card.isconnected():
            card.connect(name, password)
        await asyncio.sleep(CLOCK_RETRY_S)


async def keep_the_clock(site_server: str) -> None:
    """Set the clock by the site's server: the probes' network has no way out, and all of a site should agree."""
    ntptime.host = site_server
    while True:
        try:
            ntptime.settime()
        except (OSError, OverflowError):
            await asyncio.sleep(CLOCK_RETRY_S)
        else:
            await asyncio.sleep(CLOCK_EVERY_S)


async def live(settings: "dict[str, str]") -> None:
    """Measure, send, and keep network and clock; the first that fails ends all, and the watchdog starts us again."""
    dev, host = settings["dev"], settings["server"]
    slots = int(settings["slots"])
    watchdog = machine.WDT(timeout=WATCHDOG_MS)
    tls = tls_of(settings)
    publisher = Publisher(
        lambda name, port: asyncio.open_connection(name, port, ssl=tls, server_hostname=name),
        host,
        int(settings["port"]),
        dev,
        (topic_of(dev, "status"), b"offline"),
    )
    probe = Probe(dev, Ring(FileStore("/readings", slots * SLOT_BYTES), slots), Clock(), publisher)
    sensor = Sensor(int(settings["pin"]))

    async def send() -> None:
        await asyncio.sleep(random.random() * LONGEST_START_S)
        await probe.send_for_ever()

    await asyncio.gather(
        probe.measure_for_ever(sensor.read, float(settings["every_s"]), watchdog.feed),
        send(),
        stay_in_the_network(settings["network"], settings["password"]),
        keep_the_clock(host),
    )


def run() -> None:
    """Live until something fails, then start again."""
    with open("/probe.json") as file:
        settings = json.load(file)
    try:
        asyncio.run(live(settings))
    finally:
        machine.reset()
