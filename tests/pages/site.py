"""A site for browsers to look at: made-up people at every stage, and the real server as a process of its own."""

import asyncio
import os
import signal
import socket
import time
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2

from clinic_server.device_hub.actions import NewDevice, confirm_device
from clinic_server.kit.access import Actor, system_actor
from clinic_server.kit.clock import SystemClock
from clinic_server.kit.crypto import load_or_create_keyring
from clinic_server.kit.db import Database
from clinic_server.kit.ids import Ids
from clinic_server.kit.schema import upgrade
from clinic_server.kit.tx import Site, Tx
from clinic_server.staff.actions import add_qualification, add_staff, add_station
from clinic_server.staff.rules import Certificate, Newcomer, QualificationKind, Role, StationKind
from clinic_server.staff.sessions import hash_pin, open_session
from tests.forked import Forked, clinic
from tests.pages.visitors import fill

ROOT = Path(__file__).parents[2]
WALL_TOKEN = "wall-of-the-tests"
NUMBER, PIN, STATION = "1001", "480251", "desk-1"
STARTS_WITHIN_S = 240  # a busy machine imports slowly; a server that dies is noticed at once
DEVICES = (  # one that works, one that nothing can be done for, one that is away
    NewDevice("barcode_scanner", "memory://simulated-barcode-scanner-1", station="bench-1", is_simulated=True),
    NewDevice("receipt_printer", "serial:///dev/no-printer-here", station="bench-1", options={"columns": "48"}),
    NewDevice("fridge_probe", "mqtt://clinic:secret@127.0.0.1:1", device_id="fridges"),
)


@dataclass
class PageSite:
    """The folder, address and process of one server."""

    folder: Path
    session: str = field(default="", repr=False)
    visits: dict[str, str] = field(default_factory=dict)
    port: int = 0
    process: Forked | None = None
    more_settings: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the server, on the same port as before, and wait until it answers."""
        self.port = self.port or _free_port()
        log = self.folder / "server.log"
        self.process = clinic("serve", folder=self.folder, environment=os.environ | self._settings(), out=log)
        deadline = time.monotonic() + STARTS_WITHIN_S
        while not self._answers():
            assert self.process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.05)

    def keep_running(self) -> None:
        """Start the server unless it runs."""
        if self.process is None or self.process.poll() is not None:
            self.start()

    def send(self, number: signal.Signals) -> None:
        """Send the process a signal; SIGKILL is waited for."""
        assert self.process is not None
        self.process.send_signal(number)
        if number in {signal.SIGKILL, signal.SIGTERM}:
            self.process.wait(10)

    def check_in_somebody(self, number: str) -> int:
        """Check a made-up person in over the API and return the ticket."""
        body = {
            "typed_reason": "foreign_document",
            "document_kind": "passport",
            "number": number,
            "issuing_country": "UTO",
            "name": "何小新",
            "sex": "female",
            "born_on": "1991-02-03",
        }
        headers = {"authorization": f"Bearer {self.session}", "idempotency-key": number}
        answer = httpx2.post(f"{self.url}/api/v1/visits", json=body, headers=headers)
        assert answer.status_code == 201, answer.text
        ticket: int = answer.json()["ticket_number"]
        return ticket

    def get(self, path: str) -> Any:
        """Read from the API as the signed-in person."""
        answer = httpx2.get(f"{self.url}/api/v1/{path}", headers={"authorization": f"Bearer {self.session}"})
        assert answer.is_success, answer.text
        return answer.json()

    def post(self, path: str, **body: object) -> dict[str, object]:
        """Call the API as the signed-in person and return its answer."""
        headers = {"authorization": f"Bearer {self.session}", "idempotency-key": uuid4().hex}
        answer = httpx2.post(f"{self.url}/api/v1/{path}", json=body, headers=headers)
        assert answer.is_success, answer.text
        told: dict[str, object] = answer.json()
        return told

    def _answers(self) -> bool:
        try:
            return httpx2.get(f"{self.url}/sign-in", timeout=20).status_code == 200
        except httpx2.HTTPError:
            return False

    def _settings(self) -> dict[str, str]:
        return {
            "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
            "CLINIC_SITE__NAME": "示范区临时接种点",
            "CLINIC_SITE__SEPARATE_PHYSICIAN": "false",  # one person plays everybody
            "CLINIC_SERVER__PORT": str(self.port),
            "CLINIC_DATABASE__URL": f"sqlite:///{self.folder}/clinic.db",
            "CLINIC_SECURITY__KEY_FILE": str(self.folder / "site.key"),
            "CLINIC_WALL__TOKEN": WALL_TOKEN,
            **self.more_settings,
        }


async def furnish(folder: Path) -> PageSite:
    """Make a site with one person who may do everything, and visits at every stage."""
    url, clock = f"sqlite:///{folder}/clinic.db", SystemClock()
    upgrade(url)
    keyring = load_or_create_keyring(folder / "site.key")
    db = Database(url, site=Site("TEST"), keyring=keyring, clock=clock, ids=Ids(clock))
    db.attach(asyncio.get_running_loop())
    site = PageSite(folder)
    try:
        pin_hash = await hash_pin(keyring, PIN)
        staff_id, site.session = await db.write(lambda tx: _hire(tx, pin_hash), system_actor("tests"))
        everybody = Actor("甲乙丙", staff_id=staff_id, station="bench-1", roles=frozenset(Role))
        site.visits = await db.write(fill, everybody)
        for device in DEVICES:
            await db.write(partial(confirm_device, new=device), everybody)
    finally:
        await asyncio.to_thread(db.close)
    return site


def _hire(tx: Tx, pin_hash: str) -> tuple[UUID, str]:
    add_station(tx, STATION, StationKind.REGISTRATION)
    add_station(tx, "bench-1", StationKind.INJECTION)
    add_station(tx, "exit-1", StationKind.EXIT)
    staff_id = add_staff(tx, Newcomer(NUMBER, "甲乙丙", pin_hash), tuple(Role)).staff_id
    for kind in QualificationKind:
        certificate = Certificate(kind, f"T-{kind.value}", tx.local_date, tx.local_date + timedelta(days=365))
        add_qualification(tx, staff_id, certificate)
    return staff_id, open_session(tx, staff_id, STATION)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
