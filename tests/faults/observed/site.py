"""A site with so many people consented and waiting for the needle, and the staff signed in."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from clinic_server.kit.crypto import Keyring
from clinic_server.kit.db import Database
from clinic_server.kit.ids import Ids
from clinic_server.kit.schema import upgrade
from clinic_server.kit.tx import Site, Tx
from clinic_server.observation.exit.actions import open_reader
from clinic_server.observation.exit.lookup import open_readers
from clinic_server.staff.actions import add_station, station_exists
from clinic_server.staff.rules import Role, StationKind
from clinic_server.staff.sessions import open_session
from clinic_server.visits.lookup import standing
from clinic_server.visits.slip_code import slip_code
from tests.api.callers import CONSOLE, add_member
from tests.api.further import HEP, two_products
from tests.api.test_injection import a_consented_visit
from tests.api.visitors import SYSTEM, TODAY, a_lot, a_physician, a_product, an_open_site
from tests.faults.observed.shared_clock import SharedClock

BENCH, AREA, EXIT = "bench-1", "observation-1", "exit-1"


@dataclass(frozen=True, slots=True)
class Prepared:
    """Who waits, by visit and slip; the unit each is given, and another; tokens of those who work there."""

    visits: Sequence[UUID]
    slips: Sequence[str]
    units: Sequence[str]
    more_units: Sequence[str]
    physician: str
    bench: str
    area: str
    lead: str
    exit_path: str


def prepare(folder: Path, url: str, clock: SharedClock, people: int) -> Prepared:
    """Make the site, before any server runs."""
    upgrade(url)
    key = secrets.token_bytes(32)
    (folder / "site.key").write_bytes(key)
    db = Database(url, site=Site("TEST"), keyring=Keyring(key), clock=clock, ids=Ids(clock))
    try:
        lead = an_open_site(db)
        a_product(db)
        units = [f"8345{number:016d}" for number in range(people)]
        a_lot(db, *units, bench=BENCH)
        two_products(db)
        more_units = [f"8346{number:016d}" for number in range(people)]
        a_lot(db, *more_units, bench=BENCH, product=HEP)
        physician = a_physician(db)
        visits = [a_consented_visit(db, physician=physician) for _ in range(people)]
        db.write_now(lambda tx: _station(tx, EXIT, StationKind.EXIT), SYSTEM)
        db.write_now(lambda tx: open_reader(tx, EXIT), lead)
        (reader,) = db.read_now(lambda at: open_readers(at, db.keyring, clock.now()))
        tickets = [db.read_now(lambda at, v=one: standing(at, v).ticket_number) for one in visits]
        slips = [slip_code(db.keyring, one, TODAY, ticket) for one, ticket in zip(visits, tickets, strict=True)]
        return Prepared(
            visits,
            slips,
            units,
            more_units,
            _token(db, Role.PHYSICIAN, "screening-1", StationKind.SCREENING),
            _token(db, Role.VACCINATOR, BENCH, StationKind.INJECTION),
            _token(db, Role.OBSERVER, AREA, StationKind.OBSERVATION),
            _token(db, Role.SITE_LEAD, "office", StationKind.OFFICE),
            reader.path,
        )
    finally:
        db.close()


def _station(tx: Tx, code: str, kind: StationKind) -> None:
    if not station_exists(tx.connection, code):
        add_station(tx, code, kind)


def _token(db: Database, role: Role, station: str, kind: StationKind) -> str:
    def join(tx: Tx) -> str:
        _station(tx, station, kind)
        return open_session(tx, add_member(tx, (role,)), station)

    return db.write_now(join, CONSOLE)
