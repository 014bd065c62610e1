"""The bench: who is next, scan, permit in green or refusal in red, given."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field, model_validator
from sqlalchemy import Connection

from clinic_server.injection import actions, already_in, check_lists, lookup, needle
from clinic_server.injection.identity import Another, another_at
from clinic_server.injection.rules import BodySiteNotSaid, PermitExpired, PermitFacts, PermitRefused, SentBackReason
from clinic_server.injection.who_came import settle_what_is_shown
from clinic_server.injection.who_came_pages import answer_slip
from clinic_server.kit.call import Call, Form, allows, go_to
from clinic_server.kit.errors import ClinicError
from clinic_server.kit.labels import label
from clinic_server.people.rules import PersonFacts
from clinic_server.queue.actions import call_next
from clinic_server.queue.lookup import listed
from clinic_server.staff.rules import Role
from clinic_server.stock import vaccines
from clinic_server.stock.actions import ProductFacts, require_product
from clinic_server.stock.rules import BodySite, Stop, UnitFacts, UnitFinding, stops_shown_at
from clinic_server.stock.scans import VisitScan, unit_code
from clinic_server.stock.stops import standing_stops
from clinic_server.stock.suspects import suspects_kept
from clinic_server.stock.units import unit_by_id
from clinic_server.visits.body_sites import MOST_REASON_CHARACTERS, sites_against_rule, sites_left
from clinic_server.visits.doses import DoseGiven
from clinic_server.visits.flow import Stage, StepOutOfOrder
from clinic_server.visits.line import one_in_line
from clinic_server.visits.lookup import Standing
from clinic_server.visits.orders import standing_order
from clinic_server.visits.steps import call_visit

router = APIRouter(include_in_schema=False)
Bench = Annotated[Call, allows(Role.VACCINATOR)]
_CONFIRMED = "confirmed-"


class UnitForm(Form):
    """The unit in hand: what the bench's own scanner read, or a code typed by hand or by a scanner that types."""

    delivery_id: UUID | None = None
    trace_code: str = Field("", max_length=200)


class PermitForm(Form):
    """The unit in hand, and one field ``confirmed-<code>`` for each confirmation made."""

    unit_id: UUID
    check_list: str = Field(max_length=40)
    confirmed: frozenset[str]

    @model_validator(mode="before")
    @classmethod
    def _gather_confirmed(cls, given: Mapping[str, str]) -> dict[str, Any]:
        confirmed = {name.removeprefix(_CONFIRMED) for name in given if name.startswith(_CONFIRMED)}
        kept = {name: said for name, said in given.items() if not name.startswith(_CONFIRMED)}
        return kept | {"confirmed": confirmed}

    def asked(self, connection: Connection) -> actions.PermitAsked:
        """Return the request for a permit for this unit, or raise PermitRefused when there is none."""
        unit = unit_by_id(connection, self.unit_id)
        if unit is None:
            raise PermitRefused(findings=(UnitFinding.UNIT_UNKNOWN,))
        return actions.PermitAsked(unit.trace_code, self.check_list, self.confirmed)


class GivenForm(Form):
    """The permit presented, and where the needle went in; None where nobody said it yet.

    ``reason`` says why where a rule speaks against that place.
    """

    permit_id: UUID
    body_site: BodySite | None = None
    reason: str = Field("", max_length=MOST_REASON_CHARACTERS, repr=False)

    def said_site(self) -> BodySite:
        """Return where the needle went in, or raise BodySiteNotSaid."""
        if self.body_site is None:
            raise BodySiteNotSaid(findings=("body_site",))
        return self.body_site


class SentBackForm(Form):
    """Why the bench does not vaccinate."""

    reason: SentBackReason


@dataclass(frozen=True, slots=True)
class Chair:
    """Everything the bench shows of the person in the chair, of the unit in hand, and of the permit for both.

    ``earlier`` are the doses of today with the products' names; ``body_sites`` are those that they left, and
    ``other_sites`` those where a needle can go in that none is proposed at. ``another`` is who was shown last instead
    of this person, as long as that stands. ``may_have_been_in`` says that a needle can be recorded under the permit
    that no longer stands; ``unused`` are the permits given here that nothing was recorded under, where none is shown.
    """

    visit: Standing
    person: PersonFacts
    age: int
    ordered: ProductFacts | None
    observation_minutes: int
    unit: UnitFacts | None
    body_sites: tuple[BodySite, ...]
    other_sites: tuple[BodySite, ...]
    shown: actions.Shown | None
    stops: tuple[Stop, ...]
    earlier: Sequence[tuple[DoseGiven, str]]
    another: Another | None
    may_have_been_in: bool
    unused: Sequence[PermitFacts]

    @property
    def is_permitted(self) -> bool:
        """Whether the screen is green."""
        return self.shown is not None and self.shown.fault is None

    @property
    def used_sites(self) -> set[BodySite]:
        """Where the doses of today went in."""
        return {dose.body_site for dose, _ in self.earlier}

    @property
    def reasons(self) -> list[str]:
        """Why a permit no longer stands, in words."""
        if self.shown is None or self.shown.fault is None:
            return []
        findings = [label("finding", code).text for code in self.shown.findings]
        return findings or [label("error", self.shown.fault).text]


@router.get("/bench")
async def bench(call: Bench, *, whole: bool = False) -> Response:
    """Show who waits for an injection."""
    return call.page("injection/bench.html", **await _queue(call, whole=whole))


@router.get("/bench/queue")
async def bench_queue(call: Bench, *, whole: bool = False) -> Response:
    """Show the queue again."""
    return call.page("injection/_queue.html", **await _queue(call, whole=whole))


@router.post("/bench/next")
async def call_next_ticket(call: Bench) -> Response:
    """Call the next ticket to this bench and go to it."""
    station, settings = call.station(), call.house.settings
    return await call.record(lambda tx: call_next(tx, settings, Stage.WAITING_FOR_INJECTION, station), then=_chair_of)


@router.post("/visits/{visit_id}/call")
async def call_ticket(call: Bench, visit_id: UUID) -> Response:
    """Call one ticket, again or out of turn, and go to it."""
    station = call.station()
    return await call.record(lambda tx: call_visit(tx, visit_id, station), then=_chair_of(visit_id))


@router.get("/visits/{visit_id}/injection")
async def chair(call: Bench, visit_id: UUID, unit: UUID | None = None, permit: UUID | None = None) -> Response:
    """Show the person in the chair, what has to be confirmed of the unit in hand, and what the server permits."""
    station = call.station()
    lookup.put_aside(call.house.inbox, station)  # what was scanned or shown before is not this person's
    if unit is None and permit is None:
        call.house.inbox.clear(station)
    seated = await call.read(lambda connection: _chair(_bench(call, connection), station, visit_id, (unit, permit)))
    site, today = call.house.settings.site, call.local_date(call.house.db.clock.now())
    return call.page(
        "injection/chair.html",
        chair=seated,
        permit_id=permit,
        station=station,
        check_list=check_lists.active(check_lists.shipped(), site.check_list, today),
    )


@router.get("/visits/{visit_id}/injection/permit")
async def permit_again(call: Bench, visit_id: UUID, permit: UUID) -> Response:
    """Change nothing while the permit stands; once it does not, take the green off the screen."""
    station = call.station()
    shown = await call.read(lambda one: actions.shown_permit(_bench(call, one), station, visit_id, permit))
    if shown.fault is None or shown.permit.is_used:  # who used it is on the way on by the form's own answer
        return Response(status_code=204)
    return go_to(call.request, f"{_chair_of(visit_id)}?permit={permit}")


@router.get("/visits/{visit_id}/injection/scan")
async def chair_scan(call: Bench, visit_id: UUID, permit: UUID | None = None) -> Response:
    """Show what this bench's scanner just read, and ask about it at once, unless a permit is on the screen."""
    inbox, station = call.house.inbox, call.station()
    if lookup.is_slip_seen(inbox, station):  # tells who came, which is asked beside this
        return call.page("injection/_scan.html", visit_id=visit_id, scan=None, is_unused=False)
    if permit is not None:
        is_unused = lookup.put_aside(inbox, station)
        return call.page("injection/_scan.html", visit_id=visit_id, scan=None, is_unused=is_unused)
    scan = lookup.scan_seen(inbox, station)
    return call.page("injection/_scan.html", visit_id=visit_id, scan=scan, is_unused=False)


@router.post("/visits/{visit_id}/unit")
async def take_unit(call: Bench, visit_id: UUID) -> Response:
    """Judge the unit in hand and go on to its confirmations, or say at once why it is not given."""
    form = await call.form(UnitForm)
    inbox, station = call.house.inbox, call.station()
    typed = call.house.recognise(form.trace_code)
    if form.delivery_id is None and isinstance(typed, VisitScan):
        return await answer_slip(call, typed, visit_id)
    with inbox.judging(station, form.delivery_id):
        code = unit_code(typed) if form.delivery_id is None else lookup.unit_scanned(inbox, station, form.delivery_id)
        async with suspects_kept(call, [code]):
            unit = await call.read(lambda connection: actions.look_at_unit(_bench(call, connection), visit_id, code))
    return go_to(call.request, f"{_chair_of(visit_id)}?unit={unit.unit_id}")


@router.post("/visits/{visit_id}/permits")
async def ask_for_permit(call: Bench, visit_id: UUID) -> Response:
    """Ask for the needle's permit with the unit in hand and everything confirmed."""
    form, site = await call.form(PermitForm), call.house.settings.site
    await settle_what_is_shown(call, visit_id)
    return await call.record(
        lambda tx: actions.grant_permit(tx, site, visit_id, form.asked(tx.connection)), then=_shows(visit_id)
    )


@router.post("/visits/{visit_id}/doses")
async def record_dose(call: Bench, visit_id: UUID) -> Response:
    """Record the dose and go back to the queue."""
    form, site = await call.form(GivenForm), call.house.settings.site
    body_site = form.said_site()
    try:
        return await call.record(
            lambda tx: actions.give_dose(tx, site, form.permit_id, body_site, form.reason),
            then=f"/visits/{visit_id}",
        )
    except (PermitExpired, PermitRefused, StepOutOfOrder):  # told in red, with the way out for a needle that was in
        return go_to(call.request, f"{_chair_of(visit_id)}?permit={form.permit_id}")


@router.post("/visits/{visit_id}/doses/already-in")
async def record_needle_in(call: Bench, visit_id: UUID) -> Response:
    """Record a dose whose needle was in before the refusal was seen, and go on to the visit."""
    form, site = await call.form(GivenForm), call.house.settings.site
    body_site = form.said_site()
    return await call.record(
        lambda tx: already_in.record_needle_in(tx, site, form.permit_id, body_site, form.reason),
        then=f"/visits/{visit_id}",
    )


@router.post("/visits/{visit_id}/sent-back")
async def send_back(call: Bench, visit_id: UUID) -> Response:
    """Send the person back to the questions."""
    form = await call.form(SentBackForm)
    return await call.record(lambda tx: actions.send_back(tx, visit_id, form.reason), then="/bench")


async def _queue(call: Call, *, whole: bool) -> dict[str, Any]:
    site, stops = call.house.settings.site, stops_shown_at(call.station(), await call.read(standing_stops))
    seen = await call.read(lambda connection: listed(connection, site, Stage.WAITING_FOR_INJECTION, is_whole=whole))
    return {"station": call.station(), "queue": seen.places, "more": seen.more, "whole": whole, "stops": stops}


def _may_be_recorded(bench: needle.Bench, permit: PermitFacts) -> bool:
    try:
        already_in.refuse_unrecordable(bench, permit)
    except ClinicError:
        return False
    return True


def _recordable(bench: needle.Bench, visit_id: UUID, station: str) -> Sequence[PermitFacts]:
    unused = already_in.unused_permits(bench.connection, visit_id, station)
    return [one for one in unused if _may_be_recorded(bench, one)]


def _chair_of(visit_id: UUID) -> str:
    return f"/visits/{visit_id}/injection"


def _shows(visit_id: UUID) -> Callable[[actions.Granted], str]:
    return lambda granted: f"{_chair_of(visit_id)}?permit={granted.permit_id}"


def _bench(call: Call, connection: Connection) -> needle.Bench:
    house = call.house
    now = house.db.clock.now()
    return needle.Bench(connection, house.db.keyring, house.settings.site, call.actor.staff_id, call.actor.station, now)


def _chair(
    bench: needle.Bench, station: str, visit_id: UUID, unit_and_permit: tuple[UUID | None, UUID | None]
) -> Chair:
    connection = bench.connection
    unit_id, permit_id = unit_and_permit
    seated = one_in_line(connection, bench.keyring, visit_id)
    order = standing_order(connection, visit_id)
    shown = actions.shown_permit(bench, station, visit_id, permit_id) if permit_id else None
    if shown is not None:
        unit_id = shown.permit.unit_id
    unit = unit_by_id(connection, unit_id) if unit_id else None
    vaccine = vaccines.shipped().get(unit.vaccine_code) if unit else None
    today = needle.given_today(bench, seated.visit.person_id)
    earlier = [one for one in today if one.visit_id != visit_id]
    admitted, used = vaccine.body_sites if vaccine else (), [one.body_site for one in earlier]
    return Chair(
        visit=seated.visit,
        person=seated.person,
        age=seated.person.age_on(bench.today),
        ordered=require_product(connection, order.product_code) if order else None,
        observation_minutes=max(order.observation_minutes if order else 0, bench.site.observation_minutes),
        unit=unit,
        body_sites=sites_left(admitted, used),
        other_sites=sites_against_rule(admitted, used),
        shown=shown,
        stops=tuple(needle.standing_stops_on(bench, unit)),
        earlier=[(one, require_product(connection, one.product_code).name) for one in earlier],
        another=another_at(connection, visit_id, station),
        may_have_been_in=shown is not None and shown.fault is not None and _may_be_recorded(bench, shown.permit),
        unused=[] if shown else _recordable(bench, visit_id, station),
    )
