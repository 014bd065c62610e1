"""Doses that were given against a rule: recorded as they were given, with what the rule says and why.

One mark is about where a needle went in, and a correction of the place moves it. The other is about a needle that was
in before anybody could be told not to, and nothing moves that.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, Table, exists, select

from clinic_server.kit.crypto import Keyring
from clinic_server.kit.tx import Tx
from clinic_server.staff.actions import open_name
from clinic_server.staff.tables import staff
from clinic_server.stock.rules import BodySite
from clinic_server.stock.tables import lot, product
from clinic_server.visits.doses import body_site_now, in_error
from clinic_server.visits.tables import (
    DoseAgainstRule,
    DoseDespiteRefusal,
    body_site_corrected,
    dose,
    dose_against_rule,
    dose_despite_refusal,
    visit,
)


@dataclass(frozen=True, slots=True)
class GivenAgainstRule:
    """A dose that stands, and what speaks against it as it was given; ``reason`` is None unless it was opened."""

    dose_id: UUID
    ticket_number: int
    product: str
    body_site: BodySite
    given_at: datetime
    vaccinator: str
    findings: tuple[str, ...]
    reason: str | None = field(default=None, repr=False)


def mark_against_rule(tx: Tx, dose_id: UUID, findings: Collection[str], reason: str) -> None:
    """Say of a dose, in the action that records or corrects it, which rules speak against its place, and why."""
    _mark(tx, DoseAgainstRule, dose_id, findings, reason)


def mark_despite_refusal(tx: Tx, dose_id: UUID, findings: Collection[str], reason: str) -> None:
    """Say of a dose, in the action that records it, what forbade it when its needle was in, and how that came."""
    _mark(tx, DoseDespiteRefusal, dose_id, findings, reason)


def given_against_rule(
    connection: Connection, keyring: Keyring, *conditions: ColumnElement[bool], with_reasons: bool
) -> Sequence[GivenAgainstRule]:
    """Return the doses that stand against a rule, the earliest first; a place that was corrected since does not."""
    is_corrected = exists().where(
        body_site_corrected.c.dose_id == dose_against_rule.c.dose_id,
        body_site_corrected.c.journal_seq > dose_against_rule.c.journal_seq,
    )
    asked = (_marked(dose_against_rule).where(~is_corrected), _marked(dose_despite_refusal))
    rows = [
        _seen(keyring, row, mark.name, with_reason=with_reasons)
        for mark, statement in zip((dose_against_rule, dose_despite_refusal), asked, strict=True)
        for row in connection.execute(statement.where(*conditions))
    ]
    return sorted(_as_one(rows), key=lambda one: (one.given_at, one.ticket_number))


def _mark(
    tx: Tx,
    record: type[DoseAgainstRule | DoseDespiteRefusal],
    dose_id: UUID,
    findings: Collection[str],
    reason: str,
) -> None:
    row_id = tx.new_id()
    tx.append(
        record,
        id=row_id,
        dose_id=dose_id,
        findings=" ".join(findings),
        reason_sealed=tx.keyring.seal(reason.strip(), _context(str(record.__tablename__), row_id)),
        said_by=tx.actor.staff_id,
        said_at=tx.now,
    )


def _marked(mark: Table) -> Select[Any]:
    return (
        select(
            dose.c.id,
            visit.c.ticket_number,
            product.c.name,
            body_site_now().label("body_site"),
            dose.c.given_at,
            staff.c.id.label("staff_id"),
            staff.c.name_sealed,
            mark.c.id.label("mark_id"),
            mark.c.findings,
            mark.c.reason_sealed,
        )
        .join_from(mark, dose, dose.c.id == mark.c.dose_id)
        .join(visit, visit.c.id == dose.c.visit_id)
        .join(lot, lot.c.id == dose.c.lot_id)
        .join(product, product.c.id == lot.c.product_id)
        .join(staff, staff.c.id == dose.c.vaccinator_id)
        .where(~in_error())
        .order_by(mark.c.journal_seq)
    )


def _as_one(marks: Iterable[GivenAgainstRule]) -> Sequence[GivenAgainstRule]:
    """Return each dose once, with all that was said of it."""
    found: dict[UUID, GivenAgainstRule] = {}
    for one in marks:
        said = found.get(one.dose_id)
        if said is None:
            found[one.dose_id] = one
            continue
        reasons = dict.fromkeys(reason for reason in (said.reason, one.reason) if reason)
        findings = tuple(dict.fromkeys((*said.findings, *one.findings)))
        found[one.dose_id] = replace(said, findings=findings, reason=" · ".join(reasons) or None)
    return list(found.values())


def _seen(keyring: Keyring, row: Any, mark: str, *, with_reason: bool) -> GivenAgainstRule:
    return GivenAgainstRule(
        row.id,
        row.ticket_number,
        row.name,
        BodySite(row.body_site),
        row.given_at,
        open_name(keyring, row.staff_id, row.name_sealed),
        tuple(row.findings.split()),
        keyring.open(row.reason_sealed, _context(mark, row.mark_id)) if with_reason else None,
    )


def _context(mark: str, row_id: UUID) -> str:
    return f"{mark}:reason:{row_id}"
