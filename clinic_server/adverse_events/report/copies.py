"""Copies of cases that leave the site: for whom and why, of which cases, and what stands in them.

The county has the whole card, as the law's form has it. Whoever is asked to bear costs has the cases of which that was
noted, of each what they judge by (``card.OF_CLAIMS``), and no word of what others were asked to bear.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, and_, exists, func, select

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
    CopyOfNothing,
    ExportOfAnother,
    ExportUnknown,
    required_reason,
)
from clinic_server.adverse_events.report.tables import (
    CardExported,
    CaseCopied,
    card_exported,
    case_copied,
    event_claim,
    report_card,
)
from clinic_server.adverse_events.report.terms import CopyFor, ExportForm
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
    copied_for: CopyFor
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
    copied_for: CopyFor
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
    cases = _cases(tx, new, event_id)
    if not cases:
        raise CopyOfNothing
    scope = {"event_id": event_id, "since": since, "until": until}
    said = {"form": new.form, "reason_sealed": sealed, "exported_by": taken_by, "exported_at": tx.now}
    tx.append(CardExported, id=export_id, **scope, **said)
    for one in cases:
        tx.append(CaseCopied, export_id=export_id, event_id=one, copied_for=new.copied_for)
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
    found = connection.execute(
        select(
            adverse_event.c.id,
            adverse_event.c.number,
            case_copied.c.copied_for,
            func.max(report_card.c.version).label("version"),
        )
        .join_from(case_copied, adverse_event, adverse_event.c.id == case_copied.c.event_id)
        .join(report_card, report_card.c.event_id == adverse_event.c.id)
        .where(case_copied.c.export_id == export_id, report_card.c.journal_seq <= row.journal_seq)
        .group_by(adverse_event.c.id, adverse_event.c.number, case_copied.c.copied_for)
        .order_by(adverse_event.c.number)
    ).all()
    if not found:
        raise ExportUnknown  # taken before it was kept which cases a copy holds
    copied_for = CopyFor(found[0].copied_for)
    cards = [_copied(connection, keyring, one, copied_for) for one in found]
    return Copy(row.form, copied_for, row.exported_at, row.staff_number, reason, cards)


def copy_context(export_id: UUID) -> str:
    """Return under what is sealed why a copy was taken."""
    return f"card_exported:reason:{export_id}"


def _cases(tx: Tx, new: NewCopy, event_id: UUID | None) -> Sequence[UUID]:
    """Return the cases a copy holds: of those asked for, the ones that whoever it is for has to do with."""
    chosen = report_card.c.event_id == event_id if event_id else _filed_in(new, tx.site.zone)
    asked = select(report_card.c.event_id).where(report_card.c.version == 1, chosen)
    if (claim := new.copied_for.claim) is not None:
        claimed = exists().where(event_claim.c.event_id == report_card.c.event_id, event_claim.c.kind == claim)
        asked = asked.where(claimed)
    return tx.execute(asked.order_by(report_card.c.journal_seq)).scalars().all()


def _filed_in(new: NewCopy, zone: tzinfo) -> ColumnElement[bool]:
    assert new.since is not None  # noqa: S101  # as NewCopy has it
    assert new.until is not None  # noqa: S101  # as NewCopy has it
    begin = datetime.combine(new.since, time(), zone)
    end = datetime.combine(new.until + timedelta(days=1), time(), zone)
    return and_(report_card.c.written_at >= begin, report_card.c.written_at < end)


def _copied(connection: Connection, keyring: Keyring, row: Any, copied_for: CopyFor) -> CopiedCard:
    steps = steps_taken(connection, row.id)
    return CopiedCard(
        event=row.number,
        card_number=number_of_card(connection, row.id),
        steps={step.value: at for step, at in steps.items()},
        version=version_of(card_versions(connection, keyring, row.id), row.version),
        classes=classes_said(connection, keyring, row.id),
        conclusions=conclusions_of(connection, keyring, row.id),
        claims=[one for one in claims_of(connection, keyring, row.id) if one.kind is copied_for.claim],
    )
