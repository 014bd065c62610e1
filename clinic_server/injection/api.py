"""The bench's calls."""

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Discriminator, Field, Tag

from clinic_server.injection import actions, already_in, check_lists, lookup
from clinic_server.injection.identity import name_called
from clinic_server.injection.rules import ByWord, SentBackReason
from clinic_server.injection.who_came import settle_what_is_shown
from clinic_server.kit.call import Body, Call, allows
from clinic_server.kit.tx import Tx
from clinic_server.staff.rules import Role
from clinic_server.stock.rules import BodySite
from clinic_server.stock.scans import unit_code
from clinic_server.stock.suspects import suspects_kept
from clinic_server.visits.body_sites import MOST_REASON_CHARACTERS
from clinic_server.visits.steps import call_visit

router = APIRouter(prefix="/api/v1", tags=["injection"])
Bench = Annotated[Call, allows(Role.VACCINATOR)]


class ConfirmedBody(Body):
    """What the vaccinator confirmed one by one, and by which edition of the check list."""

    check_list: str = Field(max_length=40)
    confirmed: list[str] = Field(max_length=20)

    def asked(self, trace_code: str) -> actions.PermitAsked:
        """Return the request for a permit for this unit."""
        return actions.PermitAsked(trace_code, self.check_list, frozenset(self.confirmed))


class TypedUnitBody(ConfirmedBody):
    """The unit in the vaccinator's hand, by its code as somebody or something typed it."""

    trace_code: str = Field(min_length=1, max_length=200)


class ScannedUnitBody(ConfirmedBody):
    """The unit in the vaccinator's hand, by what the bench's own scanner read."""

    delivery_id: UUID


def _way(body: Any) -> str:
    return "scanned" if isinstance(body, dict) and "delivery_id" in body else "typed"


PermitBody = Annotated[
    Annotated[TypedUnitBody, Tag("typed")] | Annotated[ScannedUnitBody, Tag("scanned")], Discriminator(_way)
]


class DoseBody(Body):
    """The permit presented, and where the needle went in; ``reason`` where a rule speaks against that place."""

    permit_id: UUID
    body_site: BodySite
    reason: str = Field("", max_length=MOST_REASON_CHARACTERS, repr=False)


class IdentityBody(Body):
    """How the vaccinator found that the called person sits here, after another's card or slip was shown."""

    how: ByWord


class SentBackBody(Body):
    """Why the bench does not vaccinate."""

    reason: SentBackReason


@dataclass(frozen=True, slots=True)
class CheckListInForce:
    """The confirmations asked for at the bench: the edition to name, and their codes in order."""

    edition: str
    confirmations: tuple[str, ...]


@router.get("/check-list")
async def check_list_in_force(call: Bench) -> CheckListInForce:
    """Return what has to be confirmed before each permit."""
    now, site = call.house.db.clock.now(), call.house.settings.site
    check_list = check_lists.active(check_lists.shipped(), site.check_list, call.local_date(now))
    return CheckListInForce(check_list.edition, check_list.codes)


@router.get("/station/scan")
async def scan_at_bench(call: Bench) -> lookup.ScanSeen | None:
    """Return what the actor's own bench's scanner read last, null once it is used or has perished."""
    return lookup.scan_seen(call.house.inbox, call.station())


@router.post("/visits/{visit_id}/call", status_code=201)
async def call_to_bench(call: Bench, visit_id: UUID) -> Response:
    """Call a ticket to the actor's own station; what was shown or scanned there before is not this person's."""
    station = call.station()
    answer = await call.record(lambda tx: call_visit(tx, visit_id, station))
    call.house.inbox.clear(station)
    return answer


@router.post("/visits/{visit_id}/identity", status_code=201)
async def name_person(call: Bench, visit_id: UUID, body: IdentityBody) -> Response:
    """Record how it was found that the called person sits at the actor's bench."""
    return await call.record(lambda tx: name_called(tx, visit_id, body.how))


@router.post("/visits/{visit_id}/permits", status_code=201)
async def ask_for_permit(call: Bench, visit_id: UUID, body: PermitBody) -> Response:
    """Ask whether this unit may be given to this person, here and now."""
    inbox, site = call.house.inbox, call.house.settings.site
    await settle_what_is_shown(call, visit_id)
    if isinstance(body, TypedUnitBody):
        code = unit_code(call.house.recognise(body.trace_code))
        async with suspects_kept(call, [code]):
            return await call.record(lambda tx: actions.grant_permit(tx, site, visit_id, body.asked(code)))
    station, delivery_id = call.station(), body.delivery_id

    def permit_scanned(tx: Tx) -> actions.Granted:
        asked = body.asked(lookup.unit_scanned(inbox, station, delivery_id))
        return actions.grant_permit(tx, site, visit_id, asked)

    with inbox.judging(station, delivery_id):
        async with suspects_kept(call, lookup.codes_seen(inbox, station, delivery_id)):
            return await call.record(permit_scanned)


@router.post("/doses", status_code=201)
async def record_dose(call: Bench, body: DoseBody) -> Response:
    """Record the dose a permit allowed."""
    site = call.house.settings.site
    return await call.record(lambda tx: actions.give_dose(tx, site, body.permit_id, body.body_site, body.reason))


@router.post("/visits/{visit_id}/sent-back", status_code=201)
async def send_back(call: Bench, visit_id: UUID, body: SentBackBody) -> Response:
    """Send a person back to the questions."""
    return await call.record(lambda tx: actions.send_back(tx, visit_id, body.reason))


@router.post("/doses/already-in", status_code=201)
async def record_needle_in(call: Bench, body: DoseBody) -> Response:
    """Record a dose whose needle was in when its permit had ended; ``reason`` says how it came."""
    site, said = call.house.settings.site, (body.permit_id, body.body_site, body.reason)
    return await call.record(lambda tx: already_in.record_needle_in(tx, site, *said))
