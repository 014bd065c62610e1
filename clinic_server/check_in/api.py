"""The registration desk's calls, and everybody's view of a visit."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import Discriminator, Field, Tag

from clinic_server.check_in import lookup
from clinic_server.check_in.actions import Arrival, check_in, close_abandoned
from clinic_server.check_in.admission import admission_of
from clinic_server.check_in.rules import How, TypedReason
from clinic_server.kit.call import Body, Call, allows
from clinic_server.people.documents import Document, DocumentKind, Sex
from clinic_server.people.rules import MOST_NAME_CHARACTERS, MOST_PHONE_CHARACTERS, PHONE_OR_NONE, IdentityFacts
from clinic_server.staff.rules import Role
from clinic_server.visits.flow import STEPS, Stage

router = APIRouter(prefix="/api/v1", tags=["check-in"])
Desk = Annotated[Call, allows(Role.REGISTRAR)]
Floor = Annotated[Call, allows(*lookup.KNOW_NAMES, Role.ORDER_KEEPER, Role.VOLUNTEER)]
Closer = Annotated[Call, allows(*lookup.MAY_CLOSE)]


class TypedBody(Body):
    """Somebody whose document the registrar typed; birth date and sex may be left to a number that tells them."""

    typed_reason: TypedReason
    document_kind: DocumentKind
    number: str = Field(max_length=40)
    issuing_country: str = Field("", max_length=3)
    name: str = Field(min_length=1, max_length=MOST_NAME_CHARACTERS)
    latin_name: str = Field("", max_length=MOST_NAME_CHARACTERS)
    sex: Sex = Sex.UNKNOWN
    born_on: date | None = None
    nationality: str = Field("", pattern="^([A-Z]{3})?$")
    phone: str = Field("", max_length=MOST_PHONE_CHARACTERS, pattern=PHONE_OR_NONE, repr=False)
    take_stated: bool = False

    def arrival(self) -> Arrival:
        """Return who this is, or raise a Refused."""
        stated = IdentityFacts.stated(
            Document.of(self.document_kind, self.number, self.issuing_country),
            name=self.name,
            sex=self.sex,
            born_on=self.born_on,
            latin_name=self.latin_name,
            nationality=self.nationality,
        )
        return Arrival(stated, How.TYPED, self.typed_reason, self.take_stated, self.phone)


class DeliveredBody(Body):
    """Somebody whose card or code was read at the actor's own station."""

    delivery_id: UUID
    take_stated: bool = False


def _way(body: Any) -> str:
    return "delivered" if isinstance(body, dict) and "delivery_id" in body else "typed"


CheckInBody = Annotated[
    Annotated[TypedBody, Tag("typed")] | Annotated[DeliveredBody, Tag("delivered")], Discriminator(_way)
]


@router.post("/visits", status_code=201)
async def check_in_person(call: Desk, body: CheckInBody) -> Response:
    """Check somebody in, by what lies at the station's reader or by what was typed."""
    site, inbox, station = call.house.settings.site, call.house.inbox, call.station()
    admission_on = admission_of(call)
    if isinstance(body, TypedBody):
        answer = await call.record(lambda tx: check_in(tx, site, body.arrival(), admission_on))
        inbox.clear(station)  # a card read meanwhile is this person's, not the next one's
        return answer
    with inbox.judging(station, body.delivery_id):
        return await call.record(
            lambda tx: check_in(
                tx,
                site,
                lookup.arrival_by_delivery(tx, inbox, station, body.delivery_id, take_stated=body.take_stated),
                admission_on,
            )
        )


@router.get("/visits")
async def visits(call: Floor, stage: Annotated[list[Stage] | None, Query()] = None) -> list[lookup.VisitSeen]:
    """Return the visits at the stages asked for, or all that are open, in ticket order."""
    stages = stage or list(STEPS)
    keyring = call.house.db.keyring
    return list(await call.read(lambda connection: lookup.visits_seen(connection, keyring, stages, call.actor.roles)))


@router.get("/visits/{visit_id}")
async def visit(call: Floor, visit_id: UUID) -> lookup.VisitHistory:
    """Return where a visit stands and every step it took."""
    keyring = call.house.db.keyring
    return await call.read(lambda connection: lookup.visit_seen(connection, keyring, visit_id, call.actor.roles))


@router.post("/visits/{visit_id}/abandonment", status_code=201)
async def abandon_visit(call: Closer, visit_id: UUID) -> Response:
    """Close the visit of somebody who went away before the needle."""
    return await call.record(lambda tx: close_abandoned(tx, visit_id))


@router.get("/station/card")
async def card_at_station(call: Desk) -> lookup.Lying | None:
    """Return what the actor's own station's reader or scanner delivered last, null once it is used or perished."""
    lying = await call.read(lookup.lying_for(call))
    lookup.sound_fault(call.house.inbox, call.station(), lying)
    return lying
