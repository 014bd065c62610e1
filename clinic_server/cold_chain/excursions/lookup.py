"""Excursions as they stand: their course, the units they hold, what was decided, and the form about them."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Connection, Select, select

from clinic_server.alerts.rules import Severity
from clinic_server.cold_chain.excursions.rules import (
    FORM_WITHIN,
    DispositionKind,
    EvaluationUnknown,
    ExcursionUnknown,
    FileKind,
    NewForm,
    Verdict,
)
from clinic_server.cold_chain.excursions.tables import (
    disposition,
    disposition_unit,
    evaluation_file,
    excursion,
    excursion_form,
    excursion_judged,
    excursion_now,
)
from clinic_server.cold_chain.judging import BreachKind, Profile
from clinic_server.cold_chain.tables import from_unix_ms, probe
from clinic_server.kit.crypto import Keyring
from clinic_server.stock.holds import held_for
from clinic_server.stock.rules import UnitFacts
from clinic_server.stock.tables import place, unit, unit_hold
from clinic_server.stock.units import units_where
from clinic_server.stock.whereabouts import HoldReason

MOST_SHOWN = 200


@dataclass(frozen=True, slots=True)
class ExcursionFacts:
    """An excursion as it stands; ``ended_at`` is None while it lasts."""

    excursion_id: UUID
    place_id: UUID
    place_code: str
    place_name: str
    probe_id: str
    kind: BreachKind
    severity: Severity
    profile: str
    profile_version: int
    discovered_at: datetime
    began_at: datetime
    last_out_at: datetime
    ended_at: datetime | None
    min_milli_celsius: int
    max_milli_celsius: int
    out_minutes: int
    unknown_minutes: int
    area_milli_celsius_s: int
    is_withdrawn: bool

    @property
    def is_open(self) -> bool:
        """Whether it lasts."""
        return self.ended_at is None and not self.is_withdrawn

    @property
    def form_due_at(self) -> datetime:
        """Until when vaccine is to be moved and the form filled in."""
        return self.discovered_at + FORM_WITHIN


@dataclass(frozen=True, slots=True)
class VerdictLine:
    """One verdict on an excursion, as it was reached then."""

    verdict: Verdict
    severity: Severity
    began_at: datetime
    last_out_at: datetime
    ended_at: datetime | None
    min_milli_celsius: int
    max_milli_celsius: int
    out_ms: int
    is_late: bool
    judged_at: datetime


@dataclass(frozen=True, slots=True)
class ExposedUnit:
    """A unit that was set apart; ``waits`` while nobody has decided about it."""

    unit: UnitFacts
    waits: bool


@dataclass(frozen=True, slots=True)
class DispositionFacts:
    """What was decided of how many units, by whom, and what it rests on."""

    disposition_id: UUID
    kind: DispositionKind
    note: str
    evaluation_number: str | None
    qa_code: str | None
    decided_by: UUID
    decided_at: datetime
    has_file: bool
    units: int


@dataclass(frozen=True, slots=True)
class AttachedFile:
    """An evaluation as it was attached."""

    kind: FileKind
    content: bytes = field(repr=False)


def excursions(connection: Connection) -> Sequence[ExcursionFacts]:
    """Return the excursions, those that last first, then the latest."""
    rows = connection.execute(_excursions().order_by(excursion.c.judged_at.desc()).limit(MOST_SHOWN))
    return sorted((_facts(row) for row in rows), key=lambda one: not one.is_open)


def require_excursion(connection: Connection, excursion_id: UUID) -> ExcursionFacts:
    """Return one excursion, or raise ExcursionUnknown."""
    row = connection.execute(_excursions().where(excursion.c.id == excursion_id)).first()
    if row is None:
        raise ExcursionUnknown
    return _facts(row)


def limits_of(connection: Connection, excursion_id: UUID) -> Profile:
    """Return the limits an excursion was judged by, as it keeps them."""
    kept = connection.execute(select(excursion.c.limits).where(excursion.c.id == excursion_id)).scalar_one()
    return msgspec.json.decode(kept, type=Profile)


def verdicts_of(connection: Connection, excursion_id: UUID) -> Sequence[VerdictLine]:
    """Return every verdict on an excursion in the order they were reached."""
    columns = [excursion_judged.c[name] for name in VerdictLine.__dataclass_fields__]
    rows = connection.execute(
        select(*columns)
        .where(excursion_judged.c.excursion_id == excursion_id)
        .order_by(excursion_judged.c.journal_seq, excursion_judged.c.id)
    )
    return [VerdictLine(*row) for row in rows]


def units_of(connection: Connection, excursion_id: UUID | None) -> Sequence[ExposedUnit]:
    """Return what an excursion set apart, or by None what was by hand and still waits."""
    waiting = held_for(connection, HoldReason.TEMPERATURE, excursion_id)
    if excursion_id is None:
        meant: Any = unit.c.id.in_(waiting)
    else:
        meant = unit.c.id.in_(select(unit_hold.c.unit_id).where(unit_hold.c.cause_id == excursion_id))
    return [ExposedUnit(one, one.unit_id in waiting) for one in units_where(connection, meant)]


def dispositions_of(connection: Connection, excursion_id: UUID | None) -> Sequence[DispositionFacts]:
    """Return what was decided about an excursion's units, in order."""
    is_cause = disposition.c.excursion_id == excursion_id if excursion_id else disposition.c.excursion_id.is_(None)
    rows = connection.execute(
        select(disposition, evaluation_file.c.id.label("file_id"))
        .outerjoin(evaluation_file, evaluation_file.c.disposition_id == disposition.c.id)
        .where(is_cause)
        .order_by(disposition.c.journal_seq)
    ).all()
    told = (disposition_unit.c.disposition_id, disposition_unit.c.unit_id)
    units = connection.execute(select(*told).where(told[0].in_([row.id for row in rows]))).all()
    return [
        DispositionFacts(
            row.id,
            row.kind,
            row.note,
            row.evaluation_number,
            row.qa_code,
            row.decided_by,
            row.decided_at,
            row.file_id is not None,
            sum(one.disposition_id == row.id for one in units),
        )
        for row in rows
    ]


def form_of(connection: Connection, keyring: Keyring, excursion_id: UUID) -> NewForm | None:
    """Return what people added to the record of an excursion, as they last said it."""
    row = connection.execute(
        select(excursion_form)
        .where(excursion_form.c.excursion_id == excursion_id)
        .order_by(excursion_form.c.journal_seq.desc())
        .limit(1)
    ).first()
    if row is None:
        return None
    told = {name: getattr(row, name) for name in NewForm.__dataclass_fields__ if name != "discovered_by"}
    discovered_by = keyring.open(row.discovered_by_sealed, f"excursion_form:discovered_by:{row.id}")
    return NewForm(discovered_by=discovered_by, **told)


def evaluation_of(connection: Connection, keyring: Keyring, disposition_id: UUID) -> AttachedFile:
    """Return the file a decision rests on, or raise EvaluationUnknown."""
    row = connection.execute(select(evaluation_file).where(evaluation_file.c.disposition_id == disposition_id)).first()
    if row is None:
        raise EvaluationUnknown
    text = keyring.open(row.content_sealed, f"evaluation_file:content:{row.id}")
    return AttachedFile(row.kind, base64.b64decode(text))


def _excursions() -> Select[Any]:
    return (
        select(
            excursion.c.id,
            excursion.c.place_id,
            place.c.code,
            place.c.name,
            probe.c.probe_id,
            excursion.c.profile,
            excursion.c.profile_version,
            excursion.c.judged_at,
            excursion_now,
        )
        .join(excursion_now, excursion_now.c.excursion_id == excursion.c.id)
        .join(place, place.c.id == excursion.c.place_id)
        .join(probe, probe.c.id == excursion.c.placement_id)
    )


def _facts(row: Any) -> ExcursionFacts:
    return ExcursionFacts(
        row.excursion_id,
        row.place_id,
        row.code,
        row.name,
        row.probe_id,
        row.kind,
        row.severity,
        row.profile,
        row.profile_version,
        row.judged_at,
        from_unix_ms(row.began_unix_ms),
        from_unix_ms(row.last_out_unix_ms),
        None if row.ended_unix_ms is None else from_unix_ms(row.ended_unix_ms),
        row.min_milli_celsius,
        row.max_milli_celsius,
        timedelta(milliseconds=row.out_ms) // timedelta(minutes=1),
        timedelta(milliseconds=row.unknown_ms) // timedelta(minutes=1),
        row.area,
        row.is_withdrawn,
    )
