"""Decisions that set findings aside, or withheld a dose without one: what a day's report shows of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Connection, select

from clinic_server.kit.call import Call
from clinic_server.kit.crypto import Keyring
from clinic_server.screening.decisions import Override, OverrideKind
from clinic_server.screening.rules import DecisionOutcome
from clinic_server.screening.tables import decision, decision_override
from clinic_server.staff.actions import open_name
from clinic_server.staff.rules import Role
from clinic_server.staff.tables import staff
from clinic_server.visits.tables import visit


@dataclass(frozen=True, slots=True)
class OverrideLine:
    """One override of a day: no person, but whose ticket, who decided, when, and what kind of rule was set aside.

    ``reason`` and ``findings`` tell of health: None unless opened for a physician.
    """

    decision_id: UUID
    ticket_number: int
    physician: str
    outcome: DecisionOutcome
    kind: OverrideKind
    decided_at: datetime
    reason: str | None = field(default=None, repr=False)
    findings: tuple[str, ...] | None = field(default=None, repr=False)


def as_seen_by(call: Call, business_on: date) -> Callable[[Connection], Sequence[OverrideLine]]:
    """Return the question for a day's overrides; reasons and findings are opened for physicians alone."""
    keyring, opens = call.house.db.keyring, tells_health(call)
    return lambda connection: overrides_of_day(connection, keyring, business_on, with_reasons=opens)


def tells_health(call: Call) -> bool:
    """Tell whether a day's report opens reasons and findings for the caller."""
    return Role.PHYSICIAN in call.actor.roles


def overrides_of_day(
    connection: Connection, keyring: Keyring, business_on: date, *, with_reasons: bool
) -> Sequence[OverrideLine]:
    """Return a clinic day's overrides in the order they were made."""
    rows = connection.execute(
        select(
            decision.c.id,
            visit.c.ticket_number,
            staff.c.id.label("staff_id"),
            staff.c.name_sealed,
            decision.c.outcome,
            decision.c.decided_at,
            decision.c.reason_sealed,
            decision_override.c.override_sealed,
        )
        .join(decision_override, decision_override.c.decision_id == decision.c.id)
        .join(visit, visit.c.id == decision.c.visit_id)
        .join(staff, staff.c.id == decision.c.physician_id)
        .where(visit.c.business_on == business_on)
        .order_by(decision.c.journal_seq)
    )
    return [_line(keyring, row, with_reasons=with_reasons) for row in rows]


def _line(keyring: Keyring, row: Any, *, with_reasons: bool) -> OverrideLine:
    override = msgspec.json.decode(keyring.open(row.override_sealed, f"decision:override:{row.id}"), type=Override)
    return OverrideLine(
        row.id,
        row.ticket_number,
        open_name(keyring, row.staff_id, row.name_sealed),
        DecisionOutcome(row.outcome),
        override.kind,
        row.decided_at,
        keyring.open(row.reason_sealed, f"decision:reason:{row.id}") if with_reasons else None,
        override.findings if with_reasons else None,
    )
