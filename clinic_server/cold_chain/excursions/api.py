"""Excursions with their course and units, what is decided about them, the form, and what a unit went through."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import AwareDatetime, Base64Bytes, Field
from sqlalchemy import Connection

from clinic_server.cold_chain.excursions import actions, lookup
from clinic_server.cold_chain.excursions.exposure import exposures_of
from clinic_server.cold_chain.excursions.gaps import GapFacts, gaps_since
from clinic_server.cold_chain.excursions.rules import (
    DISPOSERS,
    VIEWERS,
    DispositionKind,
    Evaluation,
    Exposure,
    NewDisposition,
    NewForm,
)
from clinic_server.kit.call import Body, Call, allows

router = APIRouter(prefix="/api/v1/cold-chain", tags=["cold chain"])
Viewer = Annotated[Call, allows(*VIEWERS)]
Disposer = Annotated[Call, allows(*DISPOSERS)]


class EvaluationBody(Body):
    """The manufacturer's written answer: its number, and the file as base64 (PDF, JPEG or PNG)."""

    reference: str = Field(min_length=1, max_length=60)
    content: Base64Bytes = Field(max_length=1_400_000, repr=False)


class DispositionBody(Body):
    """What is decided about units, and on what that rests; ``excursion_id`` is null for units held by hand."""

    excursion_id: UUID | None
    unit_ids: list[UUID] = Field(min_length=1, max_length=5_000)
    kind: DispositionKind
    note: str = Field(min_length=1, max_length=200)
    evaluation: EvaluationBody | None = None
    qa_code: str | None = Field(None, min_length=1, max_length=40)


class CarryBody(Body):
    """Where everything is carried that stands where the excursion is."""

    place_code: str = Field(min_length=1, max_length=32)


class FormBody(Body):
    """What people add to the record of an excursion."""

    discovered_at: AwareDatetime
    discovered_by: str = Field(min_length=1, max_length=80, repr=False)
    room_milli_celsius: int = Field(ge=-60_000, le=70_000)
    what_happened: str = Field(min_length=1, max_length=300)
    measures: str = Field(min_length=1, max_length=300)
    moved_to: str = Field(min_length=1, max_length=80)
    also_inside: str = Field("", max_length=200)
    earlier_trouble: str = Field("", max_length=200)
    told: str = Field("", max_length=200)
    prevention: str = Field("", max_length=300)


@dataclass(frozen=True, slots=True)
class ExcursionSeen:
    """One excursion with everything about it."""

    excursion: lookup.ExcursionFacts
    verdicts: Sequence[lookup.VerdictLine]
    units: Sequence[lookup.ExposedUnit]
    dispositions: Sequence[lookup.DispositionFacts]


@router.get("/excursions")
async def list_excursions(call: Viewer) -> list[lookup.ExcursionFacts]:
    """Return the excursions, those that last first, then the latest."""
    return list(await call.read(lookup.excursions))


@router.get("/excursions/{excursion_id}")
async def one_excursion(call: Viewer, excursion_id: UUID) -> ExcursionSeen:
    """Return one excursion with its verdicts, its units and what was decided."""

    def read(connection: Connection) -> ExcursionSeen:
        return ExcursionSeen(
            lookup.require_excursion(connection, excursion_id),
            lookup.verdicts_of(connection, excursion_id),
            lookup.units_of(connection, excursion_id),
            lookup.dispositions_of(connection, excursion_id),
        )

    return await call.read(read)


@router.post("/excursions/{excursion_id}/carrying", status_code=201)
async def carry_to_safety(call: Disposer, excursion_id: UUID, body: CarryBody) -> Response:
    """Carry everything that stands there to a place that is in order; held, it stays held."""
    return await call.record(lambda tx: actions.carry_to_safety(tx, excursion_id, body.place_code))


@router.post("/excursions/{excursion_id}/form", status_code=201)
async def write_form(call: Disposer, excursion_id: UUID, body: FormBody) -> Response:
    """Record what people add to the record of an excursion."""
    return await call.record(lambda tx: actions.write_form(tx, excursion_id, NewForm(**body.model_dump())))


@router.post("/dispositions", status_code=201)
async def decide(call: Disposer, body: DispositionBody) -> Response:
    """Decide about units that were out of their temperature."""
    evaluation = Evaluation(body.evaluation.reference, body.evaluation.content) if body.evaluation else None
    new = NewDisposition(body.excursion_id, body.unit_ids, body.kind, body.note, evaluation, body.qa_code)
    return await call.record(lambda tx: actions.decide(tx, new))


@router.get("/units/{unit_id}/exposure")
async def exposure_of_unit(call: Viewer, unit_id: UUID) -> list[Exposure]:
    """Return what a unit went through over its life."""
    now = call.house.db.clock.now()
    return list(await call.read(lambda connection: exposures_of(connection, [unit_id], now)))


@router.get("/places/{place_code}/gaps")
async def gaps_of_place(call: Viewer, place_code: str, since: AwareDatetime) -> list[GapFacts]:
    """Return the times nobody can speak for a place, that lasted after an instant."""
    return list(await call.read(lambda connection: gaps_since(connection, place_code, since)))
