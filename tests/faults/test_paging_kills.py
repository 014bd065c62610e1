"""The server is killed after a page went out and before that is written down: none is lost, one at most is doubled."""

import asyncio
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from clinic_server.alerts.contacts import Address, NewContact, add_contact
from clinic_server.alerts.outbox import About, add_due
from clinic_server.alerts.raising import raise_alarm
from clinic_server.alerts.rules import Alarm, AlertKind, DueKind, Severity
from clinic_server.alerts.telling import as_written
from clinic_server.kit.crypto import Keyring
from clinic_server.kit.db import Database
from clinic_server.kit.tx import Tx
from clinic_server.paging.actions import NewChannel, set_up_channel
from tests.api.gateways import gateway, until
from tests.api.visitors import SYSTEM
from tests.forked import Forked, clinic
from tests.peers import free_port

ROOT = Path(__file__).resolve().parents[2]
PEOPLE = 12
KILLED_AT = (3, 7)  # the pages during which the server dies
ROUND = 99
SPEED = 60  # a lease is over within two seconds


def a_dozen_pages(tx: Tx, url: str) -> None:
    set_up_channel(tx, NewChannel("hook", "webhook", url))
    whom = [
        add_contact(tx, NewContact(f"Person {one}", (Address("hook", f"person-{one}"),))).contact_id
        for one in range(PEOPLE)
    ]
    alert_id = raise_alarm(tx, Alarm(AlertKind.TOO_WARM, Severity.ALARM, as_written("+9.4C 12MIN"), "fridge-1"))
    add_due(tx, About(alert_id, DueKind.PAGE, ROUND), whom, tx.now)
    tx.journal("made_due", alert_id)


@contextmanager
def serving(folder: Path, database_url: str) -> Iterator[Forked]:
    """The server of a site whose clock is fast."""
    settings = {
        "CLINIC_DATABASE__URL": database_url,
        "CLINIC_SECURITY__KEY_FILE": str(folder / "site.key"),
        "CLINIC_SERVER__PORT": str(free_port()),
        "CLINIC_SITE__CODE": "TEST",
        "CLINIC_PAGING__MAY_REACH": '["127.0.0.0/8"]',
        "CLINIC_DEMO_SPEED": str(SPEED),
        "PYTHONPATH": str(ROOT),
    }
    with clinic("serve", folder=folder, environment=os.environ | settings, out=folder / "server.log") as process:
        yield process


@pytest.mark.timeout(180)
async def test_a_kill_between_sending_and_writing_down_loses_no_page_and_doubles_one_at_most(
    db: Database, database_url: str, keyring: Keyring, tmp_path: Path
) -> None:
    del keyring  # the key that db seals with is the server's
    (tmp_path / "site.key").write_bytes(bytes(range(32)))
    async with gateway() as hook:
        await asyncio.to_thread(db.write_now, lambda tx: a_dozen_pages(tx, hook.url), SYSTEM)
        await asyncio.to_thread(db.close)
        for last in KILLED_AT:
            for _ in range(last - len(ours(hook.received)) - 1):
                hook.will_answer(200)
            hook.will_hang()
            with serving(tmp_path, database_url) as server:
                await until(lambda: hook.at_once == 1 and not hook.script)
                server.kill()
                await asyncio.to_thread(server.wait)
            hook.let_go.set()
            await until(lambda: hook.at_once == 0)
            hook.let_go.clear()
        with serving(tmp_path, database_url):
            await until(lambda: len({one["address"] for one in ours(hook.received)}) == PEOPLE)
            await asyncio.sleep(0)
        sent = Counter(one["number"] for one in ours(hook.received))
    assert len(sent) == PEOPLE, "none is lost, and a page repeated has its number again"
    assert sum(sent.values()) - PEOPLE <= len(KILLED_AT)


def ours(received: list[dict[str, object]]) -> list[dict[str, object]]:
    """Those of this test, and not what the ladder sends beside them."""
    return [one for one in received if f"-{ROUND}" in str(one["number"])]
