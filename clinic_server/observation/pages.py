"""The observation area's page: a card for everyone who is watched, whom to look at first at the top."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from clinic_server.adverse_events.care.rules import Consciousness
from clinic_server.kit.call import Call, Form, allows
from clinic_server.observation import actions
from clinic_server.observation.area import area
from clinic_server.observation.checks.rules import HowIs
from clinic_server.observation.record import Record, record_of
from clinic_server.observation.rules import (
    MOST_VOUCHING_CHARACTERS,
    EarlyReason,
    ExtensionMinutes,
    ExtensionReason,
)
from clinic_server.observation.unseen.rules import FollowUp
from clinic_server.people.rules import MOST_NAME_CHARACTERS
from clinic_server.people.signature_forms import MOST_FIELD_CHARACTERS, strokes_drawn
from clinic_server.people.signatures import Relationship, Signature, Signer
from clinic_server.staff.rules import Role

router = APIRouter(include_in_schema=False)
Observer = Annotated[Call, allows(Role.OBSERVER, Role.PHYSICIAN)]
_CHOICES: Mapping[str, Any] = {
    "reasons": list(EarlyReason),
    "extensions": list(ExtensionReason),
    "consciousness": list(Consciousness),
    "how": list(HowIs),
    "outcomes": list(FollowUp),
}


class LeaveForm(Form):
    """Why somebody may go whose time nobody can prove."""

    vouching: str = Field("", max_length=MOST_VOUCHING_CHARACTERS, repr=False)


class EarlyLeaveForm(Form):
    """Why somebody leaves before the time is over, and the signature under what they were told."""

    reason: EarlyReason
    signer: Signer = Signer.RECIPIENT
    relationship: Relationship = Relationship.SELF
    signer_name: str = Field("", max_length=MOST_NAME_CHARACTERS, repr=False)
    signature_png: str = Field("", max_length=MOST_FIELD_CHARACTERS, repr=False)
    signature_strokes: str = Field("", max_length=MOST_FIELD_CHARACTERS, repr=False)
    paper_reason: str = Field("", max_length=1000, repr=False)
    delegation: str = Field("", max_length=1000, repr=False)

    def leaving(self) -> actions.EarlyLeaving:
        """Return it as it is recorded; raise SignatureInvalid when the strokes are none."""
        if not (self.signature_png or self.paper_reason):
            return actions.EarlyLeaving(self.reason)
        relationship = Relationship.SELF if self.signer is Signer.RECIPIENT else self.relationship
        signature = Signature(
            self.signer,
            relationship,
            self.signer_name,
            self.signature_png,
            strokes_drawn(self.signature_strokes),
            self.paper_reason,
            delegation=self.delegation,
        )
        return actions.EarlyLeaving(self.reason, signature)


class ExtensionForm(Form):
    """For how long somebody is watched in addition, and why."""

    minutes: ExtensionMinutes
    reason: ExtensionReason


@router.get("/observation")
async def observation(call: Observer) -> Response:
    """Show everyone under observation."""
    return call.page("observation/area.html", **await _area(call))


@router.get("/observation/now")
async def observation_now(call: Observer) -> Response:
    """Show the cards again."""
    return call.page("observation/_people.html", **await _area(call))


@router.get("/visits/{visit_id}/observation")
async def person(call: Observer, visit_id: UUID) -> Response:
    """Show the record of one person's observation, and everything that can be done for them."""
    return call.page("observation/person.html", record=await _record(call, visit_id), **_CHOICES)


@router.get("/visits/{visit_id}/observation/now")
async def person_now(call: Observer, visit_id: UUID) -> Response:
    """Show how the observation stands again."""
    return call.page("observation/_standing.html", record=await _record(call, visit_id))


@router.post("/visits/{visit_id}/leave")
async def let_go(call: Observer, visit_id: UUID) -> Response:
    """Let a person go whose observation is over."""
    form = await call.form(LeaveForm)
    return await call.record(lambda tx: actions.leave(tx, visit_id, form.vouching), then="/observation")


@router.post("/visits/{visit_id}/early-leave")
async def let_go_early(call: Observer, visit_id: UUID) -> Response:
    """Record that a person left early."""
    leaving = (await call.form(EarlyLeaveForm)).leaving()
    return await call.record(lambda tx: actions.leave_early(tx, visit_id, leaving), then="/observation")


@router.post("/visits/{visit_id}/observation-extensions")
async def extend(call: Observer, visit_id: UUID) -> Response:
    """Let a person be watched for longer."""
    form = await call.form(ExtensionForm)
    return await call.record(
        lambda tx: actions.extend(tx, visit_id, form.minutes, form.reason), then=f"/visits/{visit_id}/observation"
    )


async def _area(call: Call) -> dict[str, Any]:
    keyring = call.house.db.keyring
    return {"area": await call.read(lambda connection: area(connection, keyring))}


async def _record(call: Call, visit_id: UUID) -> Record:
    keyring, today = call.house.db.keyring, call.local_date(call.house.db.clock.now())
    return await call.read(lambda connection: record_of(connection, keyring, visit_id, today))
