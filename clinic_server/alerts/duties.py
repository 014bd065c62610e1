"""The duty roster: who is on which step of the ladder every week, and the days that differ."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, exists, select

from clinic_server.alerts.contacts import ContactRef, require_contact, standing_ids
from clinic_server.alerts.ladders import shipped
from clinic_server.alerts.roster import OtherDay, Roster, Shift, Weekly, people_to_call
from clinic_server.alerts.rules import ALERTS, DutyUnknown, StepUnknown
from clinic_server.alerts.tables import Duty, DutyEnded, DutyExcepted, duty, duty_ended, duty_excepted
from clinic_server.kit.tx import Tx


@dataclass(frozen=True, slots=True)
class DutyFacts:
    """A weekly duty that stands."""

    duty_id: UUID
    weekly: Weekly


def add_duty(tx: Tx, weekly: Weekly) -> ContactRef:
    """Put a contact on a step on these days of every week; raise ContactUnknown or StepUnknown."""
    _require(tx.connection, weekly.shift)
    weekdays = "".join(str(day) for day in sorted(weekly.weekdays))
    tx.append(Duty, **_columns(weekly.shift), weekdays=weekdays, added_at=tx.now)
    tx.journal("duty_added", weekly.shift.contact_id, ALERTS)
    return ContactRef(weekly.shift.contact_id)


def end_duty(tx: Tx, duty_id: UUID) -> ContactRef:
    """Take a weekly duty away; raise DutyUnknown."""
    standing = {one.duty_id: one.weekly.shift.contact_id for one in standing_duties(tx.connection)}
    if duty_id not in standing:
        raise DutyUnknown
    tx.append(DutyEnded, duty_id=duty_id, ended_at=tx.now)
    tx.journal("duty_ended", duty_id, ALERTS)
    return ContactRef(standing[duty_id])


def except_day(tx: Tx, day: OtherDay) -> ContactRef:
    """Say that a day differs: somebody stands in, or is away; raise ContactUnknown or StepUnknown."""
    _require(tx.connection, day.shift)
    tx.append(DutyExcepted, **_columns(day.shift), on_date=day.on_date, is_on=day.is_on, said_at=tx.now)
    tx.journal("duty_excepted", day.shift.contact_id, ALERTS)
    return ContactRef(day.shift.contact_id)


def standing_duties(connection: Connection) -> Sequence[DutyFacts]:
    """Return every weekly duty by step."""
    rows = connection.execute(
        select(duty)
        .where(~exists().where(duty_ended.c.duty_id == duty.c.id))
        .order_by(duty.c.step, duty.c.weekdays, duty.c.starts, duty.c.journal_seq, duty.c.id)
    )
    return [DutyFacts(row.id, Weekly(frozenset(map(int, row.weekdays)), _shift(row))) for row in rows]


def roster_of(connection: Connection) -> Roster:
    """Return the roster as it stands."""
    rows = connection.execute(select(duty_excepted).order_by(duty_excepted.c.journal_seq, duty_excepted.c.id))
    excepted = tuple(OtherDay(row.on_date, row.is_on, _shift(row)) for row in rows)
    return Roster(standing_ids(connection), tuple(one.weekly for one in standing_duties(connection)), excepted)


def people_called_first(tx: Tx) -> frozenset[UUID]:
    """Return whom the ladder calls first now."""
    at = tx.now.astimezone(tx.site.zone).replace(tzinfo=None)
    return people_to_call(roster_of(tx.connection), shipped().step[0], at)


def days_that_differ(roster: Roster, since: date) -> Sequence[OtherDay]:
    """Return what was last said of each day from one on that differs."""
    latest = {(day.on_date, day.shift.step, day.shift.contact_id): day for day in roster.excepted}
    return [latest[key] for key in sorted(latest) if key[0] >= since]


def _require(connection: Connection, shift: Shift) -> None:
    require_contact(connection, shift.contact_id)
    if shift.step not in {one.step for one in shipped().every_step}:
        raise StepUnknown(step=shift.step)


def _shift(row: Row[Any]) -> Shift:
    return Shift(row.contact_id, row.step, row.starts, row.ends)


def _columns(shift: Shift) -> dict[str, UUID | int | time]:
    return {
        "contact_id": shift.contact_id,
        "step": shift.step,
        "starts": shift.starts,
        "ends": shift.ends,
    }
