"""Copies of cards that leave the site: why they were taken, and what stands in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, func, select

from clinic_server.adverse_events.lookup import event_by_number, steps_taken
from clinic_server.adverse_events.report.lookup import (
    ClassSaid,
    ConclusionNoted,
    card_versions,
    claims_of,
    classes_said,
    conclusions_of,
    number_of_card,
    version_of,
)
from clinic_server.adverse_events.report.rules import (
    CardNotFiled,
    CardVersion,
    Claim,
    ExportOfAnother,
    ExportUnknown,
    required_reason,
)
from clinic_server.adverse_events.report.tables import CardExported, card_exported, report_card
from clinic_server.adverse_events.report.terms import ExportForm
from clinic_server.adverse_events.rules import ADVERSE_EVENTS
from clinic_server.adverse_events.tables import adverse_event
from clinic_server.kit.crypto import Keyring
from clinic_server.kit.errors import Malformed
from clinic_server.kit.tx import Tx
from clinic_server.staff.actions import require_signed_in
from clinic_server.staff.tables import staff


@dataclass(frozen=True, slots=True)
class NewCopy:
    """A copy to be taken: of one event's card, or of all that were filed on the days from ``since`` to ``until``."""

    form: ExportForm
    reason: str = field(repr=False)
    number: int | None = None
    since: date | None = None
    until: date | None = None

    def __post_init__(self) -> None:
        """Refuse a copy of nothing: a period has both its ends."""
        if self.number is None and (self.since is None or self.until is None):
            raise Malformed(findings=("since", "until"))


@dataclass(frozen=True, slots=True)
class CopyRef:
    """Under which id a copy is fetched."""

    export_id: UUID


@dataclass(frozen=True, slots=True)
class Copy:
    """What stands in a copy: the cards as they read when it was taken, and what else is known of each case since."""

    form: ExportForm
    exported_at: datetime
    staff_number: str
    reason: str = field(repr=False)
    cards: Sequence["CopiedCard"] = field(repr=False)


@dataclass(frozen=True, slots=True, repr=False)
class CopiedCard:
    """One card of a copy with what is known of its case; the last class and conclusion count."""

    event: int
    card_number: str | None
    steps: Mapping[str, datetime]
    version: CardVersion
    classes: Sequence[ClassSaid]
    conclusions: Sequence[ConclusionNoted]
    claims: Sequence[Claim]


def take_copy(tx: Tx, new: NewCopy) -> CopyRef:
    """Record that cards leave the site, and why; the file itself is fetched by whoever took it."""
    taken_by, event_id = require_signed_in(tx), None
    since, until = new.since, new.until
    if new.number is not None:
        event_id, since, until = event_by_number(tx.connection, new.number).event_id, None, None
        if tx.execute(select(report_card.c.id).where(report_card.c.event_id == event_id)).first() is None:
            raise CardNotFiled
    export_id = tx.new_id()
    sealed = tx.keyring.seal(required_reason(new.reason), copy_context(export_id))
    scope = {"event_id": event_id, "since": since, "until": until}
    said = {"form": new.form, "reason_sealed": sealed, "exported_by": taken_by, "exported_at": tx.now}
    tx.append(CardExported, id=export_id, **scope, **said)
    tx.journal("report_card_exported", export_id, ADVERSE_EVENTS)
    return CopyRef(export_id)


def copy_of(
    connection: Connection, keyring: Keyring, export_id: UUID, staff_id: UUID | None, local_now: datetime
) -> Copy:
    """Return a copy to whoever took it today, or raise ExportUnknown or ExportOfAnother."""
    row = connection.execute(
        select(card_exported, staff.c.number.label("staff_number"))
        .join(staff, staff.c.id == card_exported.c.exported_by)
        .where(card_exported.c.id == export_id)
    ).first()
    if row is None:
        raise ExportUnknown
    if row.exported_by != staff_id or row.exported_at.astimezone(local_now.tzinfo).date() != local_now.date():
        raise ExportOfAnother
    reason = keyring.open(row.reason_sealed, copy_context(row.id))
    chosen = report_card.c.event_id == row.event_id if row.event_id else _filed_in(row, local_now.tzinfo)
    found = connection.execute(
        select(adverse_event.c.id, adverse_event.c.number, func.max(report_card.c.version).label("version"))
        .join_from(report_card, adverse_event, adverse_event.c.id == report_card.c.event_id)
        .where(report_card.c.journal_seq <= row.journal_seq, chosen)
        .group_by(adverse_event.c.id, adverse_event.c.number)
        .order_by(adverse_event.c.number)
    )
    cards = [_copied(connection, keyring, one) for one in found]
    return Copy(row.form, row.exported_at, row.staff_number, reason, cards)


def copy_context(export_id: UUID) -> str:
    """Return under what is sealed why a copy was taken."""
    return f"card_exported:reason:{export_id}"


def _filed_in(row: Any, zone: tzinfo | None) -> ColumnElement[bool]:
    begin = datetime.combine(row.since, time(), zone)
    end = datetime.combine(row.until + timedelta(days=1), time(), zone)
    filed = report_card.alias("filed")
    return report_card.c.event_id.in_(
        select(filed.c.event_id).where(filed.c.version == 1, filed.c.written_at >= begin, filed.c.written_at < end)
    )


def _copied(connection: Connection, keyring: Keyring, row: Any) -> CopiedCard:
    steps = steps_taken(connection, row.id)
    return CopiedCard(
        event=row.number,
        card_number=number_of_card(connection, row.id),
        steps={step.value: at for step, at in steps.items()},
        version=version_of(card_versions(connection, keyring, row.id), row.version),
        classes=classes_said(connection, keyring, row.id),
        conclusions=conclusions_of(connection, keyring, row.id),
        claims=claims_of(connection, keyring, row.id),
    )
