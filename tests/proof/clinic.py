"""One small clinic over a real database, as the machine plays it: the only place that calls the actions.

Whatever a step asks for goes through ``Clinic.act``: under an idempotency key, as the API does it. A refusal comes
back as the error; it must have left nothing behind.
"""

import contextlib
import shutil
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import msgspec
from sqlalchemy import create_engine, make_url, select, text

from clinic_server.adverse_events.care.rules import Consciousness, Vitals
from clinic_server.check_in.actions import Arrival, check_in, close_abandoned
from clinic_server.check_in.admission import admission_shipped
from clinic_server.check_in.rules import How, TypedReason
from clinic_server.consent.actions import (
    NewConsent,
    dispute,
    invalidate,
    refuse,
    settle,
    sheet_of_visit,
    sign_consent,
    withdraw,
)
from clinic_server.consent.rules import InformedItem, RefusedBy, WithdrawnBy
from clinic_server.corrections.actions import deny_dose, return_unit
from clinic_server.injection.actions import PermitAsked, give_dose, grant_permit, send_back
from clinic_server.injection.already_in import record_needle_in
from clinic_server.injection.rules import SentBackReason
from clinic_server.kit.access import Actor, system_actor
from clinic_server.kit.crypto import Keyring
from clinic_server.kit.db import Database
from clinic_server.kit.errors import ClinicError
from clinic_server.kit.idempotency import Answer as Told
from clinic_server.kit.idempotency import RequestKey, once
from clinic_server.kit.ids import Ids
from clinic_server.kit.journal import head_of, journal
from clinic_server.kit.tx import Site, Tx
from clinic_server.observation.actions import EarlyLeaving, leave, leave_early
from clinic_server.observation.checks.actions import overrule, record_check
from clinic_server.observation.checks.rules import HowIs
from clinic_server.observation.exit.actions import answer_at_exit, open_reader
from clinic_server.observation.exit.lookup import open_readers, who_showed
from clinic_server.observation.exit.rules import ShownBy
from clinic_server.observation.further.actions import ask_for_further, withdraw_further
from clinic_server.observation.rules import EarlyReason
from clinic_server.observation.seats.actions import list_seat, place_person
from clinic_server.observation.seats.lookup import seats
from clinic_server.observation.seats.rules import FoundBy
from clinic_server.observation.unseen.actions import note_left_unseen
from clinic_server.opening.actions import close_site, open_site, restore_safeguard, withdraw_safeguard
from clinic_server.opening.emergency_kit.actions import add_to_kit
from clinic_server.opening.lookup import standing_opening
from clinic_server.opening.rules import Safeguard
from clinic_server.people.documents import Document, DocumentKind, Sex
from clinic_server.people.rules import IdentityFacts
from clinic_server.people.signatures import Relationship, Signature, Signer
from clinic_server.screening.actions import Further, decide, latest_screening, questions_of_visit, record_screening
from clinic_server.screening.rules import Answer, Measurements, Proposal, ScreeningUnknown
from clinic_server.screening.tables import screening
from clinic_server.settings import SiteSettings
from clinic_server.staff.actions import add_qualification, add_staff, add_station
from clinic_server.staff.rules import Certificate, Newcomer, QualificationKind, Role, StationKind
from clinic_server.staff.sessions import open_session
from clinic_server.stock.actions import NewLot, NewProduct, add_product
from clinic_server.stock.box import NewWaste, waste
from clinic_server.stock.distribution import NewTransfer, transfer
from clinic_server.stock.holds import NewHold, hold
from clinic_server.stock.holds import decide as decide_hold
from clinic_server.stock.places import NewPlace, add_place
from clinic_server.stock.rules import BodySite, Platform, Route, UnitFacts
from clinic_server.stock.scans import VisitScan
from clinic_server.stock.stops import NewStop, confirm_lift, place_stop, propose_lift
from clinic_server.stock.tables import unit
from clinic_server.stock.units import open_unit, require_known
from clinic_server.stock.whereabouts import HoldEnd, HoldReason, PlaceKind, UnitIsEmpty, WasteReason
from clinic_server.visits.lookup import standing
from clinic_server.visits.orders import standing_order
from clinic_server.visits.slip_code import slip_code
from clinic_server.visits.tables import dose, visit, visit_now
from clinic_server.visits.watch import watched
from tests import statements as _shared_from_here_on  # noqa: F401  # listens
from tests.api.visitors import CHECKED, OPEN_ALL_DAY, a_full_kit, a_new_opening, take_in_lot
from tests.conftest import ManualClock
from tests.peers import PostgresServer

SITE = SiteSettings()
OPENED_ON = date(2026, 3, 2)  # the day a ManualClock begins on, at the site
KEYRING = Keyring(bytes(range(32)))
STORE, PROFILE = "fridge-1", "cn-clinic-2-8"
SEATS = ("a1", "a2")
WELL = Vitals(128, 80, 100, 98, 18, 36_600, Consciousness.ALERT)  # at every age
PRODUCTS = {"single": 1, "double": 2}  # doses in a unit
FURTHER = "further"  # a vaccine against something else, of which a watched person may have one, too
EXIT = "exit-1"
PEOPLE = tuple(
    IdentityFacts.stated(
        Document.of(DocumentKind.PASSPORT, f"E{1_000_001 + number}", "CHN"), name=name, sex=sex, born_on=born_on
    )
    for number, (name, sex, born_on) in enumerate(
        [
            ("王小明", Sex.MALE, date(1980, 5, 1)),
            ("李小红", Sex.FEMALE, date(1991, 7, 9)),
            ("赵青", Sex.FEMALE, date(2008, 3, 3)),  # eighteen on the morrow of the first day
            ("钱多", Sex.MALE, date(2018, 3, 3)),  # eight on the morrow
            ("孙幼", Sex.FEMALE, date(2023, 3, 3)),  # three on the morrow: not yet admitted
            ("周老", Sex.MALE, date(1950, 1, 1)),
            ("吴一", Sex.MALE, date(1970, 1, 1)),
            ("郑二", Sex.FEMALE, date(1975, 1, 1)),
        ]
    )
)


@dataclass(frozen=True, slots=True)
class Cast:
    """Who works here: by what they may do, and until when."""

    physicians: tuple[Actor, ...]
    vaccinators: tuple[Actor, ...]
    registrar: Actor
    lead: Actor
    first_aider: Actor


class Place(Protocol):
    """Where databases come from: every example begins on a copy of the same one."""

    def fresh(self) -> str:
        """Return the URL of a clinic with staff and products, and nobody in it."""
        ...

    def crashed(self, url: str) -> str:
        """Return where the data are after the power went, while the old process still thinks it lives."""
        ...


class SqlitePlace:
    """Files in one folder. After a crash the file and its log are what lay on the disk at that moment."""

    def __init__(self, folder: Path, blank: Path) -> None:
        self._folder = folder
        self._count = 0
        self._furnished = folder / "furnished.db"
        shutil.copy(blank, self._furnished)
        self.cast = furnish(f"sqlite:///{self._furnished}")

    def fresh(self) -> str:
        return self._copy(self._furnished)

    def crashed(self, url: str) -> str:
        return self._copy(Path(url.removeprefix("sqlite:///")))

    def _copy(self, source: Path) -> str:
        self._count += 1
        return copied_as_it_lies(source, self._folder / f"clinic-{self._count}.db")


def copied_as_it_lies(source: Path, target: Path) -> str:
    """Copy a database and its log as they lie on the disk, whoever still writes to them; return the copy's URL."""
    for ending in ("", "-wal"):
        if (part := source.with_name(source.name + ending)).exists():
            shutil.copy(part, target.with_name(target.name + ending))
    return f"sqlite:///{target}"


class PostgresPlace:
    """Databases of one server. After a crash every connection is gone in the middle of whatever it did."""

    def __init__(self, server: PostgresServer, blank: str) -> None:
        self._server = server
        url = server.new_database(blank)
        self.cast = furnish(url)
        self._furnished = _name_of(url)
        self._last: str | None = None

    def fresh(self) -> str:
        if self._last:
            self._in_the_server(f"DROP DATABASE IF EXISTS {_name_of(self._last)} WITH (FORCE)", self._last)
        self._last = self._server.new_database(self._furnished)
        return self._last

    def crashed(self, url: str) -> str:
        end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}' AND pid <> pg_backend_pid()"
        self._in_the_server(end.format(_name_of(url)), url)
        return url

    @staticmethod
    def _in_the_server(statement: str, url: str) -> None:
        place = make_url(url).set(drivername="postgresql+psycopg", database="postgres")
        engine = create_engine(place, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()


def _name_of(url: str) -> str:
    return str(make_url(url).database)


def furnish(url: str) -> Cast:
    """Add the staff and the products of the machine's clinic."""
    clock = ManualClock()
    db = _open(url, clock)
    owner = replace(system_actor("console"), roles=frozenset({Role.OWNER}))
    ends = {"long": date(2027, 1, 1), "today": OPENED_ON, "none": None}

    def colleague(number: int, role: Role, kind: QualificationKind | None, until: date | None, station: str) -> Actor:
        newcomer = Newcomer(str(number), f"Staff {number}", "signs in by no PIN")
        staff_id = db.write_now(lambda tx: add_staff(tx, newcomer, (role,)), owner).staff_id
        if kind and until:
            certificate = Certificate(kind, f"C-{number}", date(2025, 1, 1), until)
            db.write_now(lambda tx: add_qualification(tx, staff_id, certificate), owner)
        return Actor(f"Staff {number}", staff_id, station, frozenset({role}))

    def team(first: int, role: Role, kind: QualificationKind, where: str) -> tuple[Actor, ...]:
        return tuple(
            colleague(first + n, role, kind, until, f"{where}-{n + 1}") for n, until in enumerate(ends.values())
        )

    try:
        for code, doses in PRODUCTS.items():
            kind = ("covid19-bbibp-corv", Platform.INACTIVATED, Route.INTRAMUSCULAR)
            new = NewProduct(code, f"Vaccine {code}", "Maker", *kind, 500, doses)
            db.write_now(lambda tx, new=new: add_product(tx, new), owner)
        kind = ("hepb-yeast", Platform.SUBUNIT, Route.INTRAMUSCULAR)
        db.write_now(lambda tx: add_product(tx, NewProduct(FURTHER, "Vaccine further", "Maker", *kind, 500, 1)), owner)
        db.write_now(lambda tx: add_to_kit(tx, *a_full_kit()), owner)
        db.write_now(lambda tx: add_place(tx, NewPlace(STORE, STORE, PlaceKind.FRIDGE, PROFILE)), owner)
        for bench in (f"bench-{n + 1}" for n in range(len(ends))):
            box = NewPlace(f"{bench}-box", bench, PlaceKind.BENCH_BOX, PROFILE, bench)
            db.write_now(lambda tx, box=box: add_place(tx, box), owner)
        for station in ("screening-1", "observation-1"):
            db.write_now(lambda tx, station=station: add_station(tx, station, StationKind.SCREENING), owner)
        db.write_now(lambda tx: add_station(tx, EXIT, StationKind.EXIT), owner)
        return Cast(
            team(200, Role.PHYSICIAN, QualificationKind.PHYSICIAN, "screening"),
            team(300, Role.VACCINATOR, QualificationKind.VACCINATOR, "bench"),
            colleague(400, Role.REGISTRAR, None, None, "desk-1"),
            colleague(500, Role.SITE_LEAD, None, None, "office"),
            colleague(600, Role.OBSERVER, QualificationKind.EMERGENCY, ends["long"], "observation-1"),
        )
    finally:
        db.close()


def _open(url: str, clock: ManualClock) -> Database:
    return Database(url, site=Site(SITE.code, SITE.zone), keyring=KEYRING, clock=clock, ids=Ids(clock))


@dataclass(frozen=True, slots=True)
class Sent:
    """A request that was answered, kept to be sent again."""

    actor: Actor
    act: Callable[[Tx], Any]
    key: RequestKey
    told: Told


class Died(BaseException):
    """The process is no more."""


class LeftBehind(AssertionError):
    """A refused action changed something."""


class Clinic:
    """The clinic of one example: what happened so far, and the acts that can happen next."""

    def __init__(self, place: Place, cast: Cast, clock: ManualClock | None = None) -> None:
        self.place = place
        self.cast = cast
        self.clock = clock or ManualClock()
        self.url = place.fresh()
        self.db = self.opened(self.url)
        self.sent: list[Sent] = []
        self.permits: list[UUID] = []
        self.codes: list[str] = []
        self.stops: list[UUID] = []
        self._keys = 0
        self._made: dict[str, list[Any]] = defaultdict(list)  # by key: what its action returned, also before a crash

    def opened(self, url: str) -> Database:
        """Open what lies at a URL, as a server does that starts."""
        return _open(url, self.clock)

    def close(self) -> None:
        """End the example."""
        self.db.close()

    def crash(self) -> None:
        """Lose the process and open what it left, in a new one."""
        left = self.place.crashed(self.url)
        self.db.close()  # of the old process only: what it might still write goes nowhere
        self.url, self.db = left, self.opened(left)

    def die_in(self, actor: Actor, act: Callable[[Tx], Any]) -> None:
        """Lose the process at the end of an action, before its commit: nothing of it may be left."""
        before = self.last_act()

        def cut_short(tx: Tx) -> None:
            act(tx)
            raise Died

        with contextlib.suppress(Died, ClinicError):
            self.db.write_now(cut_short, actor)
        self.crash()
        if self.last_act() != before:
            raise LeftBehind("an action that never committed")

    def key(self, actor: Actor) -> RequestKey:
        """Return the key of a new intent."""
        self._keys += 1
        return RequestKey(actor.label, f"key-{self._keys}", b"the same body")

    def act(self, actor: Actor, act: Callable[[Tx], Any]) -> Any:
        """Do something once; return its result, or the error that refused it."""
        results = self.at_once([(actor, act)])
        return results[0]

    def at_once(self, acts: Iterable[tuple[Actor, Callable[[Tx], Any]]]) -> list[Any]:
        """Do several things at the same instant, each under its own key; return results and refusals in order."""
        waiting = [(actor, act, self.key(actor)) for actor, act in acts]
        results: list[Any] = [None] * len(waiting)
        before = self.last_act()

        def run(place: int) -> None:
            actor, act, key = waiting[place]
            results[place] = self._run(actor, act, key)

        if len(waiting) == 1:
            run(0)
        else:
            threads = [threading.Thread(target=run, args=(place,)) for place in range(len(waiting))]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        if all(isinstance(result, ClinicError) for result in results) and self.last_act() != before:
            raise LeftBehind(str(results))
        for result in results:
            if isinstance(result, Exception) and not isinstance(result, ClinicError):
                raise result
        return results

    def _run(self, actor: Actor, act: Callable[[Tx], Any], key: RequestKey) -> Any:
        kept = self._made[key.key]

        def told(tx: Tx) -> Told:
            kept.append(act(tx))
            return Told(201, msgspec.json.encode(kept[-1]))

        try:
            answer = self.db.write_now(once(key, told), actor)
        except Exception as error:  # noqa: BLE001  # handed to the thread that waits, which raises what is no refusal
            return error
        self.sent.append(Sent(actor, act, key, answer))
        return kept[-1]

    def send_again(self, sent: Sent) -> None:
        """Send an answered request once more: the same answer, and nothing happens."""
        before = self.last_act()
        told = self.db.write_now(once(sent.key, lambda tx: Told(201, msgspec.json.encode(sent.act(tx)))), sent.actor)
        if told != sent.told or self.last_act() != before:
            raise LeftBehind(f"sent again, {sent.key} was told {told}")

    def head(self) -> int:
        """Return the number of the last journal line."""
        return self.db.read_now(head_of).seq

    def last_act(self) -> int:
        """Return the number of the last line of an act: that the clock was set is recorded beside a refusal, too."""
        acts = select(journal.c.seq).where(journal.c.kind != "clock_turned").order_by(journal.c.seq.desc()).limit(1)
        return self.db.read_now(lambda connection: connection.execute(acts).scalar_one_or_none()) or 0

    # ---- who is where ----

    def visits(self) -> list[UUID]:
        """Return every visit, in ticket order, day after day."""
        wanted = select(visit_now.c.visit_id).order_by(visit_now.c.business_on, visit_now.c.ticket_number)
        return self.db.read_now(lambda connection: list(connection.execute(wanted).scalars()))

    def stage_of(self, visit_id: UUID) -> str:
        """Return where a visit stands."""
        return self.db.read_now(lambda connection: standing(connection, visit_id)).stage.value

    def today(self) -> date:
        """Return the date at the site."""
        return self.clock.now().astimezone(SITE.zone).date()

    def used_up(self, product: str) -> str | None:
        """Return the code of the unit a dose of the product was drawn from last."""
        wanted = select(unit.c.trace_code).join(dose, dose.c.unit_id == unit.c.id)
        last = wanted.where(dose.c.product_code == product).order_by(dose.c.journal_seq.desc()).limit(1)
        return self.db.read_now(lambda connection: connection.execute(last).scalar())

    def pass_midnight(self) -> None:
        """Go to one minute after midnight at the site; the clinic day goes on."""
        local = self.clock.now().astimezone(SITE.zone)
        self.clock.pass_time(minutes=24 * 60 - local.hour * 60 - local.minute + 1)

    # ---- the acts ----

    def arriving(self, person: IdentityFacts) -> Callable[[Tx], Any]:
        arrival = Arrival(person, How.TYPED, TypedReason.NO_CARD)
        return lambda tx: check_in(tx, SITE, arrival, admission_shipped)

    def check_in(self, person: IdentityFacts) -> Any:
        return self.act(self.cast.registrar, self.arriving(person))

    def answer(
        self, visit_id: UUID, said: Mapping[int, Answer], measured: Measurements, programme: str | None = None
    ) -> Any:
        """Answer everything with "no" but the questions named by their number."""
        today = self.today()
        try:
            asked = self.db.read_now(lambda c: questions_of_visit(c, KEYRING, visit_id, today, programme)).questions
        except ClinicError as refused:
            return refused
        given = {question.code: said.get(number, Answer.NO) for number, question in enumerate(asked)}
        further = Further(programme=programme)
        return self.act(self.cast.registrar, lambda tx: record_screening(tx, visit_id, given, measured, further))

    def first_answers(self, visit_id: UUID) -> UUID | None:
        """Return the visit's first round of questions."""
        wanted = select(screening.c.id).where(screening.c.visit_id == visit_id).order_by(screening.c.journal_seq)
        return self.db.read_now(lambda connection: connection.execute(wanted).scalars().first())

    def decide(self, visit_id: UUID, physician: Actor, proposal: Proposal, *, over: UUID | None = None) -> Any:
        """Decide over the latest answers, or over a round named by the caller."""
        try:
            latest = over or self.db.read_now(lambda c: latest_screening(c, KEYRING, visit_id)).screening_id
        except ScreeningUnknown as unknown:
            return unknown
        return self.act(physician, lambda tx: decide(tx, SITE, visit_id, latest, proposal))

    def sign(self, visit_id: UUID, signatures: tuple[Signature, ...], told: frozenset[InformedItem]) -> Any:
        try:
            sheet = self.db.read_now(lambda c: sheet_of_visit(c, KEYRING, visit_id, "en", self.today()))
        except ClinicError as refused:
            return refused
        text = sheet.text
        new = NewConsent(sheet.decision_id, text.language, text.version, told, signatures, advice_note="told all of it")
        return self.act(self.cast.registrar, lambda tx: sign_consent(tx, visit_id, new))

    def refuse(self, visit_id: UUID) -> Any:
        return self.act(self.cast.registrar, lambda tx: refuse(tx, visit_id, RefusedBy.RECIPIENT, "no wish"))

    def abandon(self, visit_id: UUID) -> Any:
        return self.act(self.cast.registrar, lambda tx: close_abandoned(tx, visit_id))

    def receive(self, product: str, units: int, expires_on: date, place: str = STORE) -> Any:
        codes = [f"8{len(self.codes) + n:019d}" for n in range(units)]
        delivery = NewLot(product, f"{product}-{expires_on}", expires_on, codes, place)
        received = self.act(self.cast.registrar, lambda tx: take_in_lot(tx, delivery))
        if not isinstance(received, ClinicError):
            self.codes += codes
        return received

    def fetch(self, vaccinator: Actor, code: str) -> Any:
        """Bring a unit into the box of a vaccinator's bench, from wherever it stands."""
        return self.bring(f"{vaccinator.station}-box", code)

    def bring(self, place: str, code: str) -> Any:
        """Bring a unit into a place."""
        return self.act(self.cast.lead, lambda tx: transfer(tx, NewTransfer(place, [code], "asked for")))

    def hold(self, code: str) -> Any:
        """Set a unit apart."""
        return self.act(self.cast.lead, lambda tx: hold(tx, NewHold(HoldReason.DOUBTED, [code])))

    def decide_about(self, code: str, end: HoldEnd) -> Any:
        """Say what becomes of a held unit."""
        return self.act(self.cast.lead, lambda tx: decide_hold(tx, self._unit(tx, code).unit_id, end, "seen"))

    def waste(self, code: str) -> Any:
        """Write off what is left in a unit."""
        return self.act(
            self.cast.lead, lambda tx: waste(tx, NewWaste(self._unit(tx, code).unit_id, WasteReason.BROKEN))
        )

    def open_unit(self, code: str) -> Any:
        """Open a unit of several doses without drawing from it."""

        def open_it(tx: Tx) -> None:
            unit = self._unit(tx, code)
            if unit.doses_per_unit == 1 or unit.opened_at is not None:
                raise UnitIsEmpty(trace_code=code)
            open_unit(tx, unit)
            tx.journal("unit_opened", unit.unit_id)

        return self.act(self.cast.lead, open_it)

    @staticmethod
    def _unit(tx: Tx, code: str) -> UnitFacts:
        return require_known(tx.connection, code)

    def ask_permit(self, visit_id: UUID, vaccinator: Actor, code: str, *, unconfirmed: int = 0) -> Any:
        """Ask with all eleven confirmations, or without the first so many."""
        asked = PermitAsked(code, str(CHECKED["check_list"]), frozenset(CHECKED["confirmed"][unconfirmed:]))
        granted = self.act(vaccinator, lambda tx: grant_permit(tx, SITE, visit_id, asked))
        if not isinstance(granted, ClinicError):
            self.permits.append(granted.permit_id)
        return granted

    def giving(
        self, permit_id: UUID, body_site: BodySite = BodySite.LEFT_UPPER_ARM, reason: str = ""
    ) -> Callable[[Tx], Any]:
        return lambda tx: give_dose(tx, SITE, permit_id, body_site, reason)

    def give(
        self, vaccinator: Actor, permit_id: UUID, body_site: BodySite = BodySite.LEFT_UPPER_ARM, reason: str = ""
    ) -> Any:
        return self.act(vaccinator, self.giving(permit_id, body_site, reason))

    def needle_was_in(self, permit_id: UUID, why: str) -> Callable[[Tx], Any]:
        return lambda tx: record_needle_in(tx, SITE, permit_id, BodySite.LEFT_UPPER_ARM, why)

    def send_back(self, visit_id: UUID, vaccinator: Actor) -> Any:
        return self.act(vaccinator, lambda tx: send_back(tx, visit_id, SentBackReason.UNWELL))

    def consent_falls(self, visit_id: UUID, how: str) -> Any:
        """Withdraw or invalidate the standing consent, dispute it, or settle a dispute."""
        order = self.db.read_now(lambda connection: standing_order(connection, visit_id))
        consent_id = order.consent_id if order and order.consent_id else self.db.ids.new()
        ways: dict[str, Callable[[Tx], Any]] = {
            "withdraw": lambda tx: withdraw(tx, visit_id, consent_id, WithdrawnBy.RECIPIENT, "no wish"),
            "invalidate": lambda tx: invalidate(tx, visit_id, consent_id, "another's sheet"),
            "dispute": lambda tx: dispute(tx, visit_id, "father and mother disagree"),
            "settle": lambda tx: settle(tx, visit_id, "they agree"),
        }
        return self.act(self.cast.registrar, ways[how])

    def open_site(self) -> Any:
        """Let a physician and a first-aider sign in, and open."""
        for colleague in (self.cast.physicians[0], self.cast.first_aider):
            staff_id, station = colleague.staff_id, colleague.station
            assert staff_id
            assert station
            self.db.write_now(lambda tx, who=staff_id, where=station: open_session(tx, who, where), colleague)
        return self.act(
            self.cast.lead, lambda tx: open_site(tx, OPEN_ALL_DAY, a_new_opening(unclosed_reason="another day"))
        )

    def open_unless_open(self) -> None:
        """Open the site when nobody did today."""
        if self.db.read_now(lambda connection: standing_opening(connection, self.clock.now())) is None:
            self.open_site()

    def close_site(self) -> Any:
        return self.act(self.cast.lead, close_site)

    def safeguard(self, safeguard: Safeguard, *, stands: bool) -> Any:
        """Say that a safeguard is gone, or there again."""
        named = a_new_opening().named[safeguard]
        if stands:
            return self.act(self.cast.lead, lambda tx: restore_safeguard(tx, safeguard, named))
        return self.act(self.cast.lead, lambda tx: withdraw_safeguard(tx, safeguard, "it went home"))

    def stop(self, new: NewStop) -> Any:
        placed = self.act(self.cast.lead, lambda tx: place_stop(tx, new))
        if not isinstance(placed, ClinicError):
            self.stops.append(placed.stop_id)
        return placed

    def lift(self, stop_id: UUID, proposer: Actor | None, confirmer: Actor) -> Any:
        """Propose to lift a stop order, and let somebody confirm it."""
        if proposer:
            self.act(proposer, lambda tx: propose_lift(tx, stop_id, "found in order"))
        return self.act(confirmer, lambda tx: confirm_lift(tx, stop_id))

    def deny(self, number: int, *, put_back: bool) -> Any:
        """Say of a dose that no needle gave it, and put its unit back."""
        found = self.db.read_now(lambda c: list(c.execute(select(dose.c.id).order_by(dose.c.journal_seq)).scalars()))
        if not found:
            return None
        dose_id = found[number % len(found)]
        if put_back:
            return self.act(self.cast.lead, lambda tx: return_unit(tx, dose_id))
        return self.act(self.cast.lead, lambda tx: deny_dose(tx, dose_id, "the syringe fell"))

    def leave(self, visit_id: UUID) -> Any:
        return self.act(self.cast.registrar, lambda tx: leave(tx, visit_id))

    def leave_early(self, visit_id: UUID) -> Any:
        signature = Signature(Signer.RECIPIENT, Relationship.SELF, paper_reason="pad broken")
        leaving = EarlyLeaving(EarlyReason.INSISTED, signature)
        return self.act(self.cast.registrar, lambda tx: leave_early(tx, visit_id, leaving))

    def sitting(self) -> list[UUID]:
        """Return who is under observation, the first to be due first."""
        return [one.visit_id for one in self.db.read_now(watched)]

    def arrive(self, visit_id: UUID, seat_code: str | None) -> Any:
        """Lead somebody to a seat; the area's seats are listed by whoever needs one first."""
        known = self.db.read_now(seats)
        for code in SEATS if not known else ():
            self.act(self.cast.lead, lambda tx, code=code: list_seat(tx, code, "hall"))
        return self.act(self.cast.registrar, lambda tx: place_person(tx, visit_id, seat_code, FoundBy.HAND))

    def look_at(self, visit_id: UUID, *, is_well: bool) -> Any:
        """Look at somebody, and find them well or not."""
        how = HowIs.WELL if is_well else HowIs.UNWELL
        return self.act(self.cast.registrar, lambda tx: record_check(tx, visit_id, WELL, how))

    def overrule(self, visit_id: UUID, physician: Actor) -> Any:
        return self.act(physician, lambda tx: overrule(tx, visit_id, "seen and weighed"))

    def is_gone(self, visit_id: UUID) -> Any:
        return self.act(self.cast.registrar, lambda tx: note_left_unseen(tx, visit_id))

    def ask_for_further(self, visit_id: UUID) -> Any:
        return self.act(self.cast.first_aider, lambda tx: ask_for_further(tx, SITE, visit_id))

    def take_further_back(self, visit_id: UUID) -> Any:
        return self.act(self.cast.first_aider, lambda tx: withdraw_further(tx, visit_id, "no wish"))

    def show_slip(self, visit_id: UUID) -> Any:
        """Show a visit's slip at the exit, whose reader is opened by whoever comes there first."""
        known = self.db.read_now(lambda c: open_readers(c, KEYRING, self.clock.now()))
        reader = known[0] if known else self.act(self.cast.lead, lambda tx: open_reader(tx, EXIT))
        row = self.db.read_now(lambda c: c.execute(select(visit).where(visit.c.id == visit_id)).one())
        slip = VisitScan(slip_code(KEYRING, visit_id, row.business_on, row.ticket_number))
        shown = self.db.read_now(lambda c: who_showed(c, KEYRING, ShownBy.SCAN, slip, self.clock.now()))
        return self.act(self.cast.registrar, lambda tx: answer_at_exit(tx, reader.reader_id, shown))

    def certify(self, colleague: Actor, kind: QualificationKind, days: int) -> Any:
        """Renew a certificate, or end it: the latest entry of its number counts."""
        staff_id = colleague.staff_id
        assert staff_id
        until = self.today() + timedelta(days=days)
        certificate = Certificate(kind, f"C-of-{staff_id}"[:40], date(2025, 1, 1), until)
        owner = replace(system_actor("console"), roles=frozenset({Role.OWNER}))
        return self.act(owner, lambda tx: add_qualification(tx, staff_id, certificate))
