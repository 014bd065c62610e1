"""Brokers as plugs: what a subscriber hangs on goes when the broker stops and comes back when it starts."""

import asyncio
from abc import abstractmethod
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from paho.mqtt import publish

from devices.links.memory_broker import MemoryBroker
from firmware_stubs.plugs import Plug
from tests.devices.parts import Mosquitto

GARBAGE_TOPIC = "cc/v1/garbage/reading"


class BrokerPlug(Plug):
    """Stopped properly or killed; its port and its sessions stay."""

    @abstractmethod
    def put_on_wire(self, payload: bytes) -> None:
        """Publish something where probes are listened to."""


class MemoryBrokerPlug(BrokerPlug):
    def __init__(self, name: str) -> None:
        super().__init__()
        self._broker = MemoryBroker(name)

    @property
    def url(self) -> str:
        return self._broker.url

    def plug_in(self) -> None:
        self._broker.start()

    def unplug(self, *, abrupt: bool = False) -> None:  # noqa: ARG002 - there is one way only
        self._broker.stop()

    def put_on_wire(self, payload: bytes) -> None:
        self._broker.publish(GARBAGE_TOPIC, payload)


class MosquittoPlug(BrokerPlug):
    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._broker = Mosquitto(folder)

    @property
    def url(self) -> str:
        return self._broker.url

    def plug_in(self) -> None:
        _run_apart(self._broker.start())

    def unplug(self, *, abrupt: bool = False) -> None:
        _run_apart(self._broker.kill() if abrupt else self._broker.stop())

    def put_on_wire(self, payload: bytes) -> None:
        publish.single(GARBAGE_TOPIC, payload, qos=1, hostname="127.0.0.1", port=self._broker.port)


def _run_apart(doing: Coroutine[Any, Any, None]) -> None:
    """Do it on an event loop of its own, whatever runs here."""
    with ThreadPoolExecutor(1) as apart:
        apart.submit(asyncio.run, doing).result()
