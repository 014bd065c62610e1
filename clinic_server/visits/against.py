"""Doses that were given against a rule: recorded as they were given, at once, with what the rule says and why."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, exists, select

from clinic_server.kit.crypto import Keyring
from clinic_server.kit.tx import Tx
from clinic_server.staff.actions import open_name
from clinic_server.staff.tables import staff
from clinic_server.stock.rules import BodySite
from clinic_server.stock.tables import lot, product
from clinic_server.visits.doses import body_site_now, in_error
from clinic_server.visits.tables import DoseAgainstRule, body_site_corrected, dose, dose_against_rule, visit


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
    """Say of a dose, in the action that records or corrects it, which rules speak against it and why it was so."""
    row_id = tx.new_id()
    tx.append(
        DoseAgainstRule,
        id=row_id,
        dose_id=dose_id,
        findings=" ".join(findings),
        reason_sealed=tx.keyring.seal(reason.strip(), _context(row_id)),
        said_by=tx.actor.staff_id,
        said_at=tx.now,
    )


def given_against_rule(
    connection: Connection, keyring: Keyring, *conditions: ColumnElement[bool], with_reasons: bool
) -> Sequence[GivenAgainstRule]:
    """Return the doses that stand against a rule, the earliest first; what a correction has moved since does not."""
    is_corrected = exists().where(
        body_site_corrected.c.dose_id == dose_against_rule.c.dose_id,
        body_site_corrected.c.journal_seq > dose_against_rule.c.journal_seq,
    )
    rows = connection.execute(
        select(
            dose.c.id,
            visit.c.ticket_number,
            product.c.name,
            body_site_now().label("body_site"),
            dose.c.given_at,
            staff.c.id.label("staff_id"),
            staff.c.name_sealed,
            dose_against_rule.c.id.label("mark_id"),
            dose_against_rule.c.findings,
            dose_against_rule.c.reason_sealed,
        )
        .join_from(dose_against_rule, dose, dose.c.id == dose_against_rule.c.dose_id)
        .join(visit, visit.c.id == dose.c.visit_id)
        .join(lot, lot.c.id == dose.c.lot_id)
        .join(product, product.c.id == lot.c.product_id)
        .join(staff, staff.c.id == dose.c.vaccinator_id)
        .where(~is_corrected, ~in_error(), *conditions)
        .order_by(dose.c.journal_seq)
    )
    return [_seen(keyring, row, with_reason=with_reasons) for row in rows]


def _seen(keyring: Keyring, row: Any, *, with_reason: bool) -> GivenAgainstRule:
    return GivenAgainstRule(
        row.id,
        row.ticket_number,
        row.name,
        BodySite(row.body_site),
        row.given_at,
        open_name(keyring, row.staff_id, row.name_sealed),
        tuple(row.findings.split()),
        keyring.open(row.reason_sealed, _context(row.mark_id)) if with_reason else None,
    )


def _context(row_id: UUID) -> str:
    return f"dose_against_rule:reason:{row_id}"
