"""A clinic morning: each step is taken at its own minute by the actions of real days, and the people never change."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from math import sin
from operator import attrgetter
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import select

from clinic_server.cold_chain.actions import store_readings
from clinic_server.cold_chain.rules import Sample
from clinic_server.kit.access import Actor, system_actor
from clinic_server.kit.crypto import load_or_create_keyring
from clinic_server.kit.db import Database
from clinic_server.kit.ids import Ids
from clinic_server.kit.tx import Site, Tx
from clinic_server.observation.actions import leave
from clinic_server.observation.seats.actions import list_seat, place_person
from clinic_server.observation.seats.rules import FoundBy
from clinic_server.opening import checklists
from clinic_server.opening.actions import NewOpening, open_site
from clinic_server.opening.rules import Variant
from clinic_server.people.documents import Sex
from clinic_server.rehearsal import PRODUCT_CODE, SITE_CODE, Cast, box_of, settings_of
from clinic_server.settings import Settings
from clinic_server.staff.rules import Role
from clinic_server.staff.sessions import open_session
from clinic_server.staff.tables import staff
from clinic_server.stock.distribution import NewTransfer, transfer
from clinic_server.visits.steps import call_visit
from firmware_stubs.rehearsal.visitors import ADULT_AGE, Visitor, visitors
from tests.conftest import ManualClock
from tests.pages.stages import answer, arrive, inject, recommend, sign

SEED = 20260302
MORNING = system_actor("morning")
STATIONS = {
    Role.REGISTRAR: "desk-1",
    Role.PHYSICIAN: "screening-1",
    Role.VACCINATOR: "bench-1",
    Role.OBSERVER: "observation-1",
    Role.COLD_CHAIN_KEEPER: "office",
    Role.SITE_LEAD: "office",
}
# Minutes from the check-in on; each comes a minute after its call.
ASKED_AFTER, DECIDED_AFTER, SIGNED_AFTER, GIVEN_AFTER, SEATED_AFTER, GONE_AFTER = 6, 9, 12, 17, 19, 49
SEATS, BOOT = 40, 2


@dataclass(frozen=True, slots=True)
class Step:
    """What is done in which minute, by whom."""

    minute: int
    role: Role
    act: Callable[[Tx], Any]


@dataclass
class Morning:
    """The people of a site, signed in, and the visits of its morning by their order of coming: one a minute."""

    cast: Cast
    clock: ManualClock
    actors: dict[Role, Actor] = field(default_factory=dict)
    sessions: dict[Role, str] = field(default_factory=dict)
    visits: list[UUID] = field(default_factory=list)

    @property
    def asked(self) -> UUID:
        """The visit called to the questions, whose answers are not recorded yet."""
        return self.visits[1 - ASKED_AFTER]

    @property
    def seated(self) -> UUID:
        """The visit called to the bench, without a dose yet."""
        return self.visits[1 - GIVEN_AFTER]

    @property
    def next_vial(self) -> str:
        """The trace code of a unit in the bench's box that nobody got."""
        return _vials(self.cast)[-1]

    def live(self, minutes: int) -> None:
        """Open the site and let so many minutes pass."""
        settings = settings_of(self.cast)
        keyring = load_or_create_keyring(Path(self.cast.folder) / "site.key")
        db = Database(
            self.cast.database_url, site=Site(SITE_CODE), keyring=keyring, clock=self.clock, ids=Ids(self.clock)
        )
        for role in STATIONS:
            self._sign_in(db, role)
        db.write_now(partial(_make_ready, settings=settings, cast=self.cast), self.actors[Role.SITE_LEAD])
        now = 0
        for step in sorted(self._steps(db, minutes), key=attrgetter("minute")):
            self.clock.pass_time(minutes=step.minute - now)
            now = step.minute
            db.write_now(step.act, self.actors[step.role])
        db.close()

    def _sign_in(self, db: Database, role: Role) -> None:
        station = STATIONS[role]
        number = next(one.number for one in self.cast.staff if (one.role, one.station) == (role, station))

        def sign_in(tx: Tx) -> None:
            staff_id = tx.execute(select(staff.c.id).where(staff.c.number == number)).scalar_one()
            self.sessions[role] = open_session(tx, staff_id, station)
            self.actors[role] = Actor(number, staff_id, station, frozenset({role}))

        db.write_now(sign_in, MORNING)

    def _steps(self, db: Database, minutes: int) -> Iterator[Step]:
        today = db.clock.now().astimezone(db.site.zone).date()
        people = (one for one in visitors(SEED, today) if one.age >= ADULT_AGE)
        yield from (Step(minute, Role.COLD_CHAIN_KEEPER, self._hear(minute)) for minute in range(0, minutes + 1, 3))
        for came, person, vial in zip(range(minutes), people, _vials(self.cast), strict=False):
            yield from (one for one in self._one(came, person, today, vial) if one.minute <= minutes)

    def _one(self, came: int, person: Visitor, today: date, vial: str) -> Iterator[Step]:
        """Go through one person's visit; numbers stand for visits that are not there yet."""
        born_on = today - timedelta(days=365 * person.age + 100)
        sex = Sex.FEMALE if came % 2 else Sex.MALE

        def come(tx: Tx) -> None:
            self.visits.append(arrive(tx, f"P{came:08d}", person.name, born_on, sex))

        def at(minute: int, role: Role, act: Callable[..., Any], *more: Any) -> Step:
            return Step(came + minute, role, lambda tx: act(tx, self.visits[came], *more))

        yield Step(came, Role.REGISTRAR, come)
        yield at(ASKED_AFTER - 1, Role.PHYSICIAN, call_visit, STATIONS[Role.PHYSICIAN])
        yield at(ASKED_AFTER, Role.PHYSICIAN, answer)
        yield at(DECIDED_AFTER, Role.PHYSICIAN, recommend, PRODUCT_CODE)
        yield at(SIGNED_AFTER, Role.REGISTRAR, sign)
        yield at(GIVEN_AFTER - 1, Role.VACCINATOR, call_visit, STATIONS[Role.VACCINATOR])
        yield at(GIVEN_AFTER, Role.VACCINATOR, inject, vial)
        yield at(SEATED_AFTER, Role.OBSERVER, place_person, f"a{came % SEATS + 1}", FoundBy.SLIP)
        yield at(GONE_AFTER, Role.OBSERVER, leave)

    def _hear(self, minute: int) -> Callable[[Tx], Any]:
        """Let every probe tell a temperature that swings with the cooling."""

        def hear(tx: Tx) -> None:
            samples = [
                Sample(probe_id, BOOT, minute, tx.now, 4_300 + 250 * number + round(500 * sin(minute / 7 + number)))
                for number, probe_id in enumerate(self.cast.probes)
            ]
            store_readings(tx, samples)

        return hear


def _vials(cast: Cast) -> Sequence[str]:
    """Return what the bench's box holds in the morning: its tray, and every unit that lies on no tray."""
    on_trays = {code for tray in cast.trays.values() for code in tray}
    return [*cast.trays["bench-1"], *(code for code in cast.trace_codes if code not in on_trays)]


def _make_ready(tx: Tx, settings: Settings, cast: Cast) -> None:
    """Fill the bench's box, put up the seats, and open."""
    transfer(tx, NewTransfer(box_of("bench-1"), _vials(cast)[len(cast.trays["bench-1"]) :], "morning"))
    for seat in range(1, SEATS + 1):
        list_seat(tx, f"a{seat}", "大厅")
    asked = checklists.shipped()[Variant.ADULT].asked
    names = {safeguard: dict.fromkeys(wanted, "样例") for safeguard, wanted in asked.items()}
    open_site(tx, settings, NewOpening(Variant.ADULT, names))
