"""A desk PC remembers what the server said it had recorded; a server that has less after a start is told, and waits."""

import shutil
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest_asyncio

from clinic_server.alerts.missing import PLACE, hear_witness
from clinic_server.alerts.raising import open_alerts
from clinic_server.kit.access import system_actor
from clinic_server.kit.db import Database
from clinic_server.kit.journal import head_of
from clinic_server.kit.witness import sealed, unsealed
from clinic_server.opening.lookup import Terms, shortcomings_now
from clinic_server.opening.rules import Lapse, Variant
from clinic_server.settings import SiteSettings
from devices.agent.folder import Folder
from tests.api.visitors import a_visit
from tests.devices.desk_parts import Site, agent_at, serving
from tests.devices.parts import eventually
from tests.faults.test_write_path import forge

TERMS = Terms(SiteSettings().zone, Variant.ADULT, 1, timedelta(minutes=30))
WITNESS = system_actor("witness")


@pytest_asyncio.fixture(name="site")
async def _site(tmp_path: Path) -> AsyncIterator[Site]:
    async with serving(tmp_path) as site:
        yield site


def told(db: Database) -> list[str]:
    return [one.summary for one in db.read_now(open_alerts) if one.place_code == PLACE]


def keeps_it_closed(db: Database) -> bool:
    lapsed = db.read_now(lambda connection: shortcomings_now(connection, db.clock.now(), TERMS))
    return Lapse.RECORDS_MISSING in [one.lapse for one in lapsed]


async def test_a_server_that_came_back_with_less_is_told_by_the_desk_pc(site: Site, tmp_path: Path) -> None:
    """The server's own witness is lost with its disk: an older copy of everything takes its place."""
    desk = tmp_path / "desk"
    await site.paired(desk)
    await site.stop()
    for name in ("clinic.db", "site.witness"):
        shutil.copy(tmp_path / name, tmp_path / f"older-{name}")
    await site.start()
    key = site.house.db.keyring.journal_key
    async with agent_at(desk):
        await site.house.db.write(lambda tx: tx.journal("looked_at", tx.new_id()), WITNESS)
        head = site.house.db.read_now(head_of)
        await eventually(
            lambda: unsealed(Folder(desk).recorded(), key) == head, lambda: f"kept: {Folder(desk).recorded()}"
        )
        assert (told(site.house.db), keeps_it_closed(site.house.db)) == ([], False)
        await site.stop()
        for name in ("clinic.db", "site.witness"):
            (tmp_path / f"older-{name}").replace(tmp_path / name)
        await site.start()
        await eventually(lambda: told(site.house.db), "the desk PC said what it remembers")
        assert keeps_it_closed(site.house.db)


def test_a_loss_is_told_once_whoever_remembers_it(db: Database) -> None:
    a_visit(db, name="Somebody")
    kept = db.read_now(head_of)
    a_visit(db, name="Somebody else")
    known = unsealed(sealed(db.read_now(head_of), db.keyring.journal_key), db.keyring.journal_key)
    assert known == db.read_now(head_of)
    db.write_now(lambda tx: hear_witness(tx, known), WITNESS)
    assert told(db) == []
    forge(db.url, f"DELETE FROM journal WHERE seq > {kept.seq}")  # noqa: S608  # a number of ours
    for _ in range(2):
        db.write_now(lambda tx: hear_witness(tx, known), WITNESS)
    assert told(db) == [f"{known.seq - kept.seq} RECORDS LOST AFTER {kept.seq}"]
    assert db.read_now(head_of).epoch == kept.epoch + 1


def test_a_line_this_site_never_sealed_is_nobodys_word(db: Database) -> None:
    a_visit(db, name="Somebody")
    said = sealed(db.read_now(head_of), db.keyring.journal_key)
    made_up = (said[:-1] + ("0" if said[-1] != "0" else "1"), f"9{said}", "", "1 2 3", "\udcff 1")
    assert [unsealed(one, db.keyring.journal_key) for one in made_up] == [None] * len(made_up)
    assert unsealed(said, bytes(32)) is None
