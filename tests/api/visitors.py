"""People of a clinic day for the tests of the stages, made through the real actions."""

import itertools
from dataclasses import replace
from datetime import date
from uuid import UUID

from sqlalchemy import func, select, union_all

from clinic_server.alerts.tables import alert, alert_called, alert_said, alert_told
from clinic_server.kit.access import Actor, system_actor
from clinic_server.kit.db import Database
from clinic_server.kit.journal import journal, record_tables
from clinic_server.kit.tx import Tx
from clinic_server.opening import checklists
from clinic_server.opening.actions import NewOpening, open_site
from clinic_server.opening.emergency_kit.actions import add_to_kit
from clinic_server.opening.emergency_kit.rules import UNDATED, NewKitItem
from clinic_server.opening.lookup import kit_least, standing_opening
from clinic_server.opening.rules import Variant
from clinic_server.opening.tables import pauses_told
from clinic_server.people.actions import find_or_register
from clinic_server.people.documents import Document, DocumentKind, Sex
from clinic_server.people.rules import IdentityFacts, Source
from clinic_server.screening.actions import questions_of_visit, record_screening
from clinic_server.screening.rules import Answer, Measurements
from clinic_server.settings import SecuritySettings, Settings
from clinic_server.staff.actions import add_qualification, add_staff, add_station, station_exists
from clinic_server.staff.rules import Certificate, Newcomer, QualificationKind, Role, StationKind
from clinic_server.staff.sessions import open_session
from clinic_server.stock.actions import NewLot, NewProduct, ReceivedLot, add_product, receive_units
from clinic_server.stock.places import NewPlace, add_place, places
from clinic_server.stock.rules import Platform, Route
from clinic_server.stock.tables import suspect_scan
from clinic_server.stock.whereabouts import PlaceKind
from clinic_server.visits.steps import open_visit

TODAY = date(2026, 3, 2)
PRODUCT = "vaccine-a"
CHECKED = {
    "check_list": "cn-national/1",
    "confirmed": [
        *("health", "record_card", "appearance", "name", "age", "product"),
        *("presentation", "dose", "body_site", "route", "shown"),
    ],
}
LEAVES_EARLY = {
    "reason": "insisted",
    "signature": {"signer": "recipient", "relationship": "self", "paper_reason": "pad broken"},
}
SYSTEM = system_actor("test")
OWNER = replace(SYSTEM, roles=frozenset({Role.OWNER}))
OPEN_ALL_DAY = Settings(_env_file=None, security=SecuritySettings(idle_minutes=720))
_numbers = itertools.count(1_000_001)


def a_colleague(db: Database, role: Role, qualification: QualificationKind | None = None) -> Actor:
    """Somebody signed in with a role, qualified or not."""
    number = next(_numbers)
    newcomer = Newcomer(str(number), "Lin Tester", "no-pin")
    staff_id = db.write_now(lambda tx: add_staff(tx, newcomer, (role,)), OWNER).staff_id
    if qualification:
        certificate = Certificate(qualification, f"C{number}", date(2025, 1, 1), date(2026, 12, 31))
        db.write_now(lambda tx: add_qualification(tx, staff_id, certificate), OWNER)
    return Actor("Lin Tester", staff_id, "desk-1", frozenset({role}))


def a_physician(db: Database) -> Actor:
    return a_colleague(db, Role.PHYSICIAN, QualificationKind.PHYSICIAN)


def signed_in(db: Database, actor: Actor) -> Actor:
    """The same person, really signed in: they count among those who are here."""

    def sign_in(tx: Tx) -> None:
        assert actor.staff_id
        assert actor.station
        if not station_exists(tx.connection, actor.station):
            add_station(tx, actor.station, StationKind.SCREENING)
        open_session(tx, actor.staff_id, actor.station)

    db.write_now(sign_in, SYSTEM)
    return actor


def somebody_for_emergencies(db: Database) -> Actor:
    return a_colleague(db, Role.OBSERVER, QualificationKind.EMERGENCY)


def a_new_opening(variant: Variant = Variant.ADULT, unclosed_reason: str = "") -> NewOpening:
    """Every name a checklist asks for, made up."""
    asked = checklists.shipped()[variant].asked
    named = {safeguard: dict.fromkeys(names, "made up") for safeguard, names in asked.items()}
    return NewOpening(variant, named, unclosed_reason)


def a_full_kit(variant: Variant = Variant.ADULT, until: date = date(2026, 12, 31)) -> tuple[NewKitItem, ...]:
    """Everything an emergency kit must hold, no more than that."""
    least = kit_least(variant)
    return tuple(NewKitItem(thing, count, None if thing in UNDATED else until) for thing, count in least.items())


def a_shift(db: Database) -> None:
    """A physician and somebody for emergencies sign in."""
    signed_in(db, a_physician(db))
    signed_in(db, somebody_for_emergencies(db))


def an_open_site(db: Database) -> Actor:
    """A site opened as its lead opens it, with people, names and a kit in date; open already, it has a new shift."""
    a_shift(db)
    lead = a_colleague(db, Role.SITE_LEAD)
    db.write_now(lambda tx: add_to_kit(tx, *a_full_kit()), lead)
    if db.read_now(lambda connection: standing_opening(connection, db.clock.now())) is None:
        db.write_now(lambda tx: open_site(tx, OPEN_ALL_DAY, a_new_opening(unclosed_reason="of the tests")), lead)
    return lead


def a_product(db: Database, code: str = PRODUCT) -> str:
    """A product the site uses."""
    kind = ("covid19-bbibp-corv", Platform.INACTIVATED, Route.INTRAMUSCULAR)
    new = NewProduct(code, "Vaccine A", "Maker", *kind, 500, 1)
    db.write_now(lambda tx: add_product(tx, new), SYSTEM)
    return code


def a_place(db: Database, code: str = "fridge-1", station: str | None = None) -> str:
    """A fridge, or the box of a bench."""
    if code not in {known.code for known in db.read_now(places)}:
        kind = PlaceKind.BENCH_BOX if station else PlaceKind.FRIDGE
        new = NewPlace(code, code.capitalize(), kind, "cn-clinic-2-8", station)
        db.write_now(lambda tx: add_place(tx, new), SYSTEM)
    return code


def take_in_lot(tx: Tx, lot: NewLot) -> ReceivedLot:
    """A lot that stands in its place, however it came there."""
    received = receive_units(tx, lot)
    tx.journal("furnished", received.lot_id)
    return received


def a_lot(  # what a delivery is made of
    db: Database,
    *codes: str,
    product: str = PRODUCT,
    number: str | None = None,
    expires_on: date = date(2027, 1, 1),
    bench: str | None = "bench-1",
) -> None:
    """A lot received into the box of a bench, or into the fridge."""
    into = a_place(db, f"{bench}-box", bench) if bench else a_place(db)
    delivery = NewLot(product, number or f"L-{expires_on}", expires_on, codes, into)
    db.write_now(lambda tx: take_in_lot(tx, delivery), SYSTEM)


def a_visit(db: Database, born_on: date = date(1980, 5, 1), sex: Sex = Sex.MALE, name: str = "王小明") -> UUID:
    """Somebody checked in and waiting for the questions."""
    passport = Document.of(DocumentKind.PASSPORT, f"E{next(_numbers)}", "CHN")
    stated = IdentityFacts.stated(passport, name=name, sex=sex, born_on=born_on)

    def check_in(tx: Tx) -> UUID:
        person_id = find_or_register(tx, stated, Source.TYPED).person_id
        visit_id = open_visit(tx, person_id, TODAY).visit_id
        tx.journal("checked_in", visit_id)
        return visit_id

    return db.write_now(check_in, SYSTEM)


def answers(db: Database, visit_id: UUID, **said: Answer) -> dict[str, Answer]:
    """An answer to everything this visit's person is asked: "no", unless said otherwise."""
    asked = db.read_now(lambda connection: questions_of_visit(connection, db.keyring, visit_id, TODAY))
    return {question.code: said.get(question.code, Answer.NO) for question in asked.questions}


def a_screening(db: Database, visit_id: UUID, actor: Actor = SYSTEM, **said: Answer) -> UUID:
    """The questions answered: "no" to all, unless said otherwise."""
    given = answers(db, visit_id, **said)
    return db.write_now(lambda tx: record_screening(tx, visit_id, given, Measurements()), actor).screening_id


def rows_in(db: Database) -> int:
    """How many records and journal lines there are: a refused action adds none, but for the doubtful code it kept.

    Its alert, and what the ladder does by itself meanwhile, are not the action's.
    """
    aside = {suspect_scan, alert, alert_said, alert_told, alert_called, pauses_told}
    counts = [
        select(func.count().label("rows")).select_from(table)
        for table in (journal, *record_tables())
        if table not in aside
    ]
    by_itself = ("suspects_kept", "alerts_called", "pauses_told")
    kept = select(-func.count()).select_from(journal).where(journal.c.kind.in_(by_itself))
    everything = union_all(*counts, kept).subquery()
    return db.read_now(lambda connection: int(connection.execute(select(func.sum(everything.c.rows))).scalar_one()))
