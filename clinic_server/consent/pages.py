"""The consent desk: what is told item by item, who signs, and refusals."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from fastapi.responses import HTMLResponse
from pydantic import Field, model_validator
from sqlalchemy import Connection

from clinic_server.consent import actions, texts
from clinic_server.consent.rules import InformedItem, RefusedBy, WithdrawnBy
from clinic_server.kit.call import Call, Form, allows
from clinic_server.kit.i18n import LANGUAGES, current_language
from clinic_server.kit.speech import WRITTEN, ClipMissing, can_speak, clip
from clinic_server.people.rules import MOST_NAME_CHARACTERS
from clinic_server.people.signature_forms import MOST_FIELD_CHARACTERS, strokes_drawn
from clinic_server.people.signatures import Relationship, Signature, Signer
from clinic_server.queue.actions import call_next
from clinic_server.queue.lookup import listed_with_names
from clinic_server.staff.rules import Role
from clinic_server.stock.actions import require_product
from clinic_server.visits.flow import Stage
from clinic_server.visits.line import one_in_line

router = APIRouter(include_in_schema=False)
Desk = Annotated[Call, allows(Role.REGISTRAR, Role.PHYSICIAN)]
Refuser = Annotated[Call, allows(Role.REGISTRAR, Role.PHYSICIAN, Role.VACCINATOR)]
Physician = Annotated[Call, allows(Role.PHYSICIAN)]
_TOLD = "told-"
_PAGES = {
    Stage.WAITING_FOR_INJECTION: "consent/standing.html",
    Stage.CONSENT_DISPUTED: "consent/disputed.html",
}


class ConsentForm(Form):
    """One field ``told-<item>`` for each item told, the grown-up's signature, and the child's where it owes one."""

    decision_id: UUID
    text_language: str = Field(max_length=8)
    text_version: int
    told: frozenset[InformedItem]
    signer: Signer
    relationship: Relationship = Relationship.SELF
    signer_name: str = Field("", max_length=MOST_NAME_CHARACTERS, repr=False)
    signature_png: str = Field("", max_length=MOST_FIELD_CHARACTERS, repr=False)
    signature_strokes: str = Field("", max_length=MOST_FIELD_CHARACTERS, repr=False)
    paper_reason: str = Field("", max_length=1000, repr=False)
    child_signature_png: str = Field("", max_length=MOST_FIELD_CHARACTERS, repr=False)
    child_signature_strokes: str = Field("", max_length=MOST_FIELD_CHARACTERS, repr=False)
    child_paper_reason: str = Field("", max_length=1000, repr=False)
    document_number: str = Field("", max_length=1000, repr=False)
    delegation: str = Field("", max_length=1000, repr=False)
    asked: str = Field("", max_length=2000, repr=False)
    advice_note: str = Field("", max_length=2000, repr=False)

    @model_validator(mode="before")
    @classmethod
    def _gather_told(cls, given: Mapping[str, str]) -> dict[str, Any]:
        told = {name.removeprefix(_TOLD) for name in given if name.startswith(_TOLD)}
        return {name: said for name, said in given.items() if not name.startswith(_TOLD)} | {"told": told}

    def consent(self) -> actions.NewConsent:
        """Return what was told and signed; raise SignatureInvalid when the strokes are none."""
        relationship = Relationship.SELF if self.signer is Signer.RECIPIENT else self.relationship
        drawn = strokes_drawn(self.signature_strokes)
        shown = (self.document_number, self.delegation)
        first = Signature(
            self.signer, relationship, self.signer_name, self.signature_png, drawn, self.paper_reason, *shown
        )
        child = Signature(
            Signer.RECIPIENT,
            Relationship.SELF,
            image=self.child_signature_png,
            strokes=strokes_drawn(self.child_signature_strokes),
            paper_reason=self.child_paper_reason,
        )
        signatures = (first, child) if child.image or child.paper_reason else (first,)
        version = (self.text_language, self.text_version)
        return actions.NewConsent(self.decision_id, *version, self.told, signatures, self.asked, self.advice_note)


class RefusalForm(Form):
    """Who does not want the dose, and why."""

    refused_by: RefusedBy
    reason: str = Field("", max_length=2000, repr=False)


class WithdrawalForm(Form):
    """Who takes which consent back, and why."""

    consent_id: UUID
    withdrawn_by: WithdrawnBy
    reason: str = Field("", max_length=2000, repr=False)


class InvalidationForm(Form):
    """Which consent was recorded in error, and why."""

    consent_id: UUID
    reason: str = Field("", max_length=2000, repr=False)


class ReasonForm(Form):
    """Who disagrees about what, or how it was settled."""

    reason: str = Field("", max_length=2000, repr=False)


@router.get("/consent")
async def queue(call: Desk, *, whole: bool = False) -> HTMLResponse:
    """Show who waits to be told and to sign."""
    return call.page("consent/waiting.html", **await _waiting(call, whole=whole))


@router.get("/consent/queue")
async def queue_again(call: Desk, *, whole: bool = False) -> HTMLResponse:
    """Show the queue alone."""
    return call.page("consent/_queue.html", **await _waiting(call, whole=whole))


@router.post("/consent/next")
async def next_to_sign(call: Desk) -> Response:
    """Call the next ticket to this desk and go to its consent."""
    station, settings = call.station(), call.house.settings
    return await call.record(
        lambda tx: call_next(tx, settings, Stage.WAITING_FOR_CONSENT, station),
        then=lambda visit_id: f"/visits/{visit_id}/consent",
    )


@router.get("/consent/texts/{vaccine}/{language}/{version}/{part}")
async def spoken_part(_call: Refuser, vaccine: str, language: str, version: int, part: int) -> Response:
    """Return one part of a text as sound, for a screen whose browser has no voice."""
    text = texts.version_of(texts.shipped(), vaccine, language, version)
    if text is None or not 0 <= part < len(text.parts):
        raise ClipMissing
    return Response(await clip(text.parts[part], WRITTEN[language]), media_type="audio/wav")


@router.get("/visits/{visit_id}/consent")
async def sheet(
    call: Refuser, visit_id: UUID, language: Annotated[str | None, Query(max_length=8)] = None
) -> HTMLResponse:
    """Show the text to read and sign; behind it, the consent that stands, or the dispute to settle."""
    keyring, today = call.house.db.keyring, call.local_date(call.house.db.clock.now())
    spoken = language or current_language.get()

    def read(connection: Connection) -> dict[str, Any]:
        seen = one_in_line(connection, keyring, visit_id)
        lying = actions.sheet_of_visit(connection, keyring, visit_id, spoken, today)
        return {
            "visit": seen.visit,
            "person": seen.person,
            "consent_id": lying.consent_id,
            "age": seen.person.age_on(today),
            "sheet": lying,
            "product": require_product(connection, lying.product_code).name,
            "is_minor": Signer.GUARDIAN in lying.signers,
            "child_signs": set(lying.signers) > {Signer.RECIPIENT},
        }

    seen = await call.read(read)
    page = _PAGES.get(seen["visit"].stage, "consent/sheet.html")
    return call.page(page, spoken=LANGUAGES, has_clips=can_speak(), refusers=RefusedBy, withdrawers=WithdrawnBy, **seen)


@router.post("/visits/{visit_id}/consent")
async def sign_consent(call: Desk, visit_id: UUID) -> Response:
    """Record the consent and go back to the queue."""
    new = (await call.form(ConsentForm)).consent()
    return await call.record(lambda tx: actions.sign_consent(tx, visit_id, new), then="/consent")


@router.post("/visits/{visit_id}/refusal")
async def refuse(call: Refuser, visit_id: UUID) -> Response:
    """Record the refusal and show the visit, which it ends."""
    form = await call.form(RefusalForm)
    return await call.record(
        lambda tx: actions.refuse(tx, visit_id, form.refused_by, form.reason), then=f"/visits/{visit_id}"
    )


@router.post("/visits/{visit_id}/consent/withdrawal")
async def withdraw(call: Refuser, visit_id: UUID) -> Response:
    """Record that those who consented changed their mind, and show the visit, which it ends."""
    form = await call.form(WithdrawalForm)
    return await call.record(
        lambda tx: actions.withdraw(tx, visit_id, form.consent_id, form.withdrawn_by, form.reason),
        then=f"/visits/{visit_id}",
    )


@router.post("/visits/{visit_id}/consent/invalidation")
async def invalidate(call: Desk, visit_id: UUID) -> Response:
    """Record that the consent was recorded in error, and show the sheet to sign anew."""
    form = await call.form(InvalidationForm)
    return await call.record(
        lambda tx: actions.invalidate(tx, visit_id, form.consent_id, form.reason), then=f"/visits/{visit_id}/consent"
    )


@router.post("/visits/{visit_id}/consent/dispute")
async def dispute(call: Refuser, visit_id: UUID) -> Response:
    """Record that those who must agree do not."""
    form = await call.form(ReasonForm)
    return await call.record(lambda tx: actions.dispute(tx, visit_id, form.reason), then=f"/visits/{visit_id}")


@router.post("/visits/{visit_id}/consent/settlement")
async def settle(call: Physician, visit_id: UUID) -> Response:
    """Record how the dispute was settled, and show the sheet to sign."""
    form = await call.form(ReasonForm)
    return await call.record(lambda tx: actions.settle(tx, visit_id, form.reason), then=f"/visits/{visit_id}/consent")


async def _waiting(call: Call, *, whole: bool) -> dict[str, Any]:
    keyring, site = call.house.db.keyring, call.house.settings.site
    seen = await call.read(
        lambda connection: listed_with_names(connection, keyring, site, Stage.WAITING_FOR_CONSENT, is_whole=whole)
    )
    return {"waiting": seen.people, "more": seen.more, "whole": whole, "station": call.actor.station}
