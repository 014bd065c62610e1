"""What the stages share about one dose: the physician's order and the consent to it.

An order is placed by a recommendation and ended by whatever step comes next that is not about the consent to
it: answers given again, a refusal, the way back to the questions, the dose itself. A consent falls alone when it
is disputed or was recorded in error; the order then waits for another. Nothing marks either as ended; the later
step is the fact.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Exists, bindparam, exists, func, select

from clinic_server.kit.errors import Conflict
from clinic_server.kit.tx import Tx
from clinic_server.visits.flow import Outcome, Stage
from clinic_server.visits.tables import (
    IS_OPEN,
    VisitOrder,
    VisitOrderConsent,
    visit_now,
    visit_order,
    visit_order_consent,
    visit_step,
)

_CONSENT_FALLS = (Outcome.CONSENT_DISPUTED, Outcome.CONSENT_INVALIDATED)
_ABOUT_CONSENT = (Outcome.CONSENTED, Outcome.DISPUTE_SETTLED, *_CONSENT_FALLS)


class OrderNotStanding(Conflict):
    """No order of this decision stands for the visit: it was never placed, or a later step ended it."""

    code = "order_not_standing"


@dataclass(frozen=True, slots=True)
class Order:
    """An order that stands; only with a ``consent_id`` may it be given."""

    order_id: UUID
    decision_id: UUID
    product_code: str
    decided_by: UUID
    placed_at: datetime
    valid_until: datetime
    is_against_advice: bool
    observation_minutes: int
    consent_id: UUID | None


@dataclass(frozen=True, slots=True)
class NewOrder:
    """What a physician recommends, until when, how long its recipient stays, and whether findings advise against it."""

    decision_id: UUID
    product_code: str
    physician_id: UUID
    valid_until: datetime
    observation_minutes: int
    is_against_advice: bool = False


def place_order(tx: Tx, visit_id: UUID, new: NewOrder) -> UUID:
    """Append the order of a recommendation, in the action and under the journal line of its step."""
    return tx.append(
        VisitOrder,
        visit_id=visit_id,
        decision_id=new.decision_id,
        product_code=new.product_code,
        physician_id=new.physician_id,
        placed_at=tx.now,
        valid_until=new.valid_until,
        is_against_advice=new.is_against_advice,
        observation_minutes=new.observation_minutes,
    )


def attach_consent(tx: Tx, order_id: UUID, consent_id: UUID) -> None:
    """Append the consent to an order; the caller knows that it stands."""
    tx.append(VisitOrderConsent, order_id=order_id, consent_id=consent_id, attached_at=tx.now)


def products_ordered(connection: Connection) -> dict[UUID, str]:
    """Return the product of the standing order of everyone who waits for the needle, by visit."""
    later = visit_order.alias()
    newest = select(func.max(later.c.journal_seq)).where(later.c.visit_id == visit_now.c.visit_id).scalar_subquery()
    rows = connection.execute(
        select(visit_order.c.visit_id, visit_order.c.product_code)
        .join(visit_now, visit_now.c.visit_id == visit_order.c.visit_id)
        .where(IS_OPEN, visit_now.c.stage == Stage.WAITING_FOR_INJECTION, visit_order.c.journal_seq == newest)
    )
    return {row.visit_id: row.product_code for row in rows}


def waiting_by_product(connection: Connection) -> Mapping[str, int]:
    """Return how many people wait for the needle, by the product their standing order names."""
    return Counter(products_ordered(connection).values())


def standing_order(connection: Connection, visit_id: UUID) -> Order | None:
    """Return the order that stands now: the newest, unless a step other than its consent came after it."""
    row = connection.execute(_latest, {"visit_id": visit_id}).first()
    if row is None or row[-1]:
        return None
    return Order(*row[:-1])


def order_placed(connection: Connection, order_id: UUID) -> Order:
    """Return an order as it was placed, whatever ended it since; its consent is not asked for."""
    return Order(*connection.execute(_placed, {"order_id": order_id}).one(), consent_id=None)


def require_order(connection: Connection, visit_id: UUID, decision_id: UUID) -> Order:
    """Return the standing order when it is this decision's, or raise OrderNotStanding."""
    order = standing_order(connection, visit_id)
    if order is None or order.decision_id != decision_id:
        raise OrderNotStanding
    return order


def _has_step_since(seq: ColumnElement[int], which: ColumnElement[bool]) -> Exists:
    later = exists().where(visit_step.c.visit_id == visit_order.c.visit_id, visit_step.c.journal_seq > seq, which)
    return later.correlate(visit_order, visit_order_consent)


_as_placed = (
    visit_order.c.id,
    visit_order.c.decision_id,
    visit_order.c.product_code,
    visit_order.c.physician_id,
    visit_order.c.placed_at,
    visit_order.c.valid_until,
    visit_order.c.is_against_advice,
    visit_order.c.observation_minutes,
)
_placed = select(*_as_placed).where(visit_order.c.id == bindparam("order_id"))
_latest = (
    select(
        *_as_placed,
        visit_order_consent.c.consent_id,
        _has_step_since(visit_order.c.journal_seq, visit_step.c.outcome.not_in(_ABOUT_CONSENT)),
    )
    .outerjoin_from(
        visit_order,
        visit_order_consent,
        (visit_order_consent.c.order_id == visit_order.c.id)
        & ~_has_step_since(visit_order_consent.c.journal_seq, visit_step.c.outcome.in_(_CONSENT_FALLS)),
    )
    .where(visit_order.c.visit_id == bindparam("visit_id"))
    .order_by(visit_order.c.journal_seq.desc())
    .limit(1)
)
