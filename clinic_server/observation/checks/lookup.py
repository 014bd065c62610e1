"""How the checks stand of those who are watched."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import msgspec
from sqlalchemy import BindParameter, Connection, bindparam, select

from clinic_server.adverse_events.rules import CareEnd
from clinic_server.adverse_events.tables import adverse_event, care_over
from clinic_server.kit.crypto import Keyring
from clinic_server.observation.checks import plans
from clinic_server.observation.checks.rules import (
    Checked,
    CheckSaid,
    CheckStanding,
    planned_minutes,
    risks_of,
    slots_of,
)
from clinic_server.observation.checks.tables import check_overruled, observation_check
from clinic_server.visits.chain import stays
from clinic_server.visits.tables import dose, visit_order

_of_visits: BindParameter[Any] = bindparam("visit_ids", expanding=True)
_given_against_advice = (
    select(visit_order.c.visit_id)
    .join(dose, dose.c.order_id == visit_order.c.id)
    .where(visit_order.c.visit_id.in_(_of_visits), visit_order.c.is_against_advice)
)
_well_again = (
    select(adverse_event.c.visit_id)
    .join(care_over, care_over.c.event_id == adverse_event.c.id)
    .where(adverse_event.c.visit_id.in_(_of_visits), care_over.c.care_end == CareEnd.WELL_AGAIN)
)
_checks = select(observation_check).where(observation_check.c.visit_id.in_(_of_visits))
_overruled = select(check_overruled).where(check_overruled.c.visit_id.in_(_of_visits))


class Watch(Protocol):
    """What the checks must know of somebody's watch."""

    @property
    def given_at(self) -> datetime:
        """The last dose's time as it was recorded."""

    @property
    def minutes_in(self) -> int:
        """The full minutes since then."""

    @property
    def minutes_planned(self) -> int:
        """How long the watch lasts."""


def check_standings(
    connection: Connection, keyring: Keyring, watches: Mapping[UUID, Watch]
) -> Mapping[UUID, CheckStanding]:
    """Return how the checks stand of each visit that is watched so."""
    of_stay = stays(connection, watches)
    visit_ids = {one for stay in of_stay.values() for one in stay}
    at_risk, reacted = _given_to_those_at_risk(connection, visit_ids), _reacted(connection, visit_ids)
    made, plan = _made(connection, keyring, watches), plans.shipped()

    def stand(visit_id: UUID, watch: Watch) -> CheckStanding:
        risks = risks_of(
            watch.minutes_planned,
            plan,
            is_against_advice=not at_risk.isdisjoint(of_stay[visit_id]),
            has_reacted=not reacted.isdisjoint(of_stay[visit_id]),
        )
        minutes = planned_minutes(risks, watch.minutes_planned, plan)
        done = made[visit_id]
        slots = slots_of(minutes, [one.minutes_in for one in done], watch.minutes_in, plan)
        return CheckStanding(risks, slots, done)

    return {visit_id: stand(visit_id, watch) for visit_id, watch in watches.items()}


def said_context(check_id: UUID) -> str:
    """Return under what a check is sealed."""
    return f"observation_check:said:{check_id}"


def reason_context(overruled_id: UUID) -> str:
    """Return under what a physician's reason is sealed."""
    return f"check_overruled:reason:{overruled_id}"


def _given_to_those_at_risk(connection: Connection, visit_ids: Collection[UUID]) -> AbstractSet[UUID]:
    """Return on which of these visits a dose was given in spite of findings."""
    return set(connection.execute(_given_against_advice, {"visit_ids": list(visit_ids)}).scalars())


def _reacted(connection: Connection, visit_ids: Collection[UUID]) -> AbstractSet[UUID]:
    """Return on which of these visits somebody was cared for and is well again."""
    return set(connection.execute(_well_again, {"visit_ids": list(visit_ids)}).scalars())


def _made(connection: Connection, keyring: Keyring, watches: Mapping[UUID, Watch]) -> Mapping[UUID, Sequence[Checked]]:
    """Return the checks of each standing watch and what was overruled, in the order of the journal."""
    rows: list[tuple[int, UUID, datetime, Checked]] = []
    for row in connection.execute(_checks, {"visit_ids": list(watches)}):
        said = msgspec.json.decode(keyring.open(row.said_sealed, said_context(row.id)), type=CheckSaid)
        checked = Checked(row.minutes_in, row.checked_by, row.checked_at, said)
        rows.append((row.journal_seq, row.visit_id, row.given_at, checked))
    for row in connection.execute(_overruled, {"visit_ids": list(watches)}):
        reason = keyring.open(row.reason_sealed, reason_context(row.id))
        overruled = Checked(row.minutes_in, row.physician_id, row.overruled_at, None, reason)
        rows.append((row.journal_seq, row.visit_id, row.given_at, overruled))
    made: dict[UUID, list[Checked]] = defaultdict(list)
    for _, visit_id, given_at, checked in sorted(rows, key=_by_line):
        if given_at == watches[visit_id].given_at:
            made[visit_id].append(checked)
    return made


def _by_line(row: tuple[Any, ...]) -> int:
    seq: int = row[0]
    return seq
