"""The consent desk's calls."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import Field

from clinic_server.consent import actions
from clinic_server.consent.rules import InformedItem, RefusedBy, WithdrawnBy
from clinic_server.kit.call import Body, Call, allows
from clinic_server.kit.i18n import current_language
from clinic_server.people.signature_forms import SignatureBody
from clinic_server.people.signatures import Signer
from clinic_server.staff.rules import Role

router = APIRouter(prefix="/api/v1", tags=["consent"])
Desk = Annotated[Call, allows(Role.REGISTRAR, Role.PHYSICIAN)]
Refuser = Annotated[Call, allows(Role.REGISTRAR, Role.PHYSICIAN, Role.VACCINATOR)]
Physician = Annotated[Call, allows(Role.PHYSICIAN)]


class ConsentBody(Body):
    """What was told, on which text, and who signed."""

    decision_id: UUID
    text_language: str = Field(max_length=8)
    text_version: int
    informed: frozenset[InformedItem]
    signatures: list[SignatureBody] = Field(min_length=1, max_length=4)
    asked: str = Field("", max_length=2000, repr=False)
    advice_note: str = Field("", max_length=2000, repr=False)


class RefusalBody(Body):
    """Who does not want the dose, and why."""

    refused_by: RefusedBy
    reason: str = Field(max_length=2000, repr=False)


class WithdrawalBody(Body):
    """Which consent is taken back, by whom, and why."""

    consent_id: UUID
    withdrawn_by: WithdrawnBy
    reason: str = Field(max_length=2000, repr=False)


class InvalidationBody(Body):
    """Which consent was recorded in error, and why."""

    consent_id: UUID
    reason: str = Field(max_length=2000, repr=False)


class ReasonBody(Body):
    """Who disagrees about what, or how it was settled."""

    reason: str = Field(max_length=2000, repr=False)


@dataclass(frozen=True, slots=True)
class SheetSeen:
    """What is to be read and signed; the text's own words are on the page."""

    decision_id: UUID
    product_code: str
    text_language: str
    text_version: int
    sign_off: str
    informed: list[InformedItem]
    signers: list[Signer]
    is_against_advice: bool
    consent_id: UUID | None


@router.get("/visits/{visit_id}/consent")
async def read_sheet(
    call: Refuser, visit_id: UUID, language: Annotated[str | None, Query(max_length=8)] = None
) -> SheetSeen:
    """Return what this visit's person is to be told and who has to sign."""
    keyring, today = call.house.db.keyring, call.local_date(call.house.db.clock.now())
    spoken = language or current_language.get()
    sheet = await call.read(lambda connection: actions.sheet_of_visit(connection, keyring, visit_id, spoken, today))
    return SheetSeen(
        sheet.decision_id,
        sheet.product_code,
        sheet.text.language,
        sheet.text.version,
        sheet.text.sign_off,
        [InformedItem(section.item) for section in sheet.text.section],
        list(sheet.signers),
        sheet.is_against_advice,
        sheet.consent_id,
    )


@router.post("/visits/{visit_id}/consent", status_code=201)
async def sign_consent(call: Desk, visit_id: UUID, body: ConsentBody) -> Response:
    """Record a signed consent."""
    signatures = [given.signature() for given in body.signatures]
    new = actions.NewConsent(
        body.decision_id,
        body.text_language,
        body.text_version,
        body.informed,
        signatures,
        body.asked,
        body.advice_note,
    )
    return await call.record(lambda tx: actions.sign_consent(tx, visit_id, new))


@router.post("/visits/{visit_id}/refusal", status_code=201)
async def refuse(call: Refuser, visit_id: UUID, body: RefusalBody) -> Response:
    """Record that the dose is not wanted, before any consent."""
    return await call.record(lambda tx: actions.refuse(tx, visit_id, body.refused_by, body.reason))


@router.post("/visits/{visit_id}/consent/withdrawal", status_code=201)
async def withdraw(call: Refuser, visit_id: UUID, body: WithdrawalBody) -> Response:
    """Record that those who consented changed their mind; the visit ends."""
    return await call.record(lambda tx: actions.withdraw(tx, visit_id, body.consent_id, body.withdrawn_by, body.reason))


@router.post("/visits/{visit_id}/consent/invalidation", status_code=201)
async def invalidate(call: Desk, visit_id: UUID, body: InvalidationBody) -> Response:
    """Record that a consent was recorded in error; another is taken."""
    return await call.record(lambda tx: actions.invalidate(tx, visit_id, body.consent_id, body.reason))


@router.post("/visits/{visit_id}/consent/dispute", status_code=201)
async def dispute(call: Refuser, visit_id: UUID, body: ReasonBody) -> Response:
    """Record that those who must agree do not; nothing is given until a physician settles it."""
    return await call.record(lambda tx: actions.dispute(tx, visit_id, body.reason))


@router.post("/visits/{visit_id}/consent/settlement", status_code=201)
async def settle(call: Physician, visit_id: UUID, body: ReasonBody) -> Response:
    """Record how a dispute was settled; the consent is taken anew."""
    return await call.record(lambda tx: actions.settle(tx, visit_id, body.reason))
