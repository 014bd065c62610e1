"""Whose next dose must be reckoned anew, and what comes of it: read beside the desks, so that no needle waits for it.

The journal says whose past changed. What changes while this reads has a later line and is looked at the next time.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Select, func, select

from clinic_server.demand.rules import Due, next_doses
from clinic_server.demand.tables import dose_due, due_reckoning
from clinic_server.immunisations.lookup import past_of
from clinic_server.immunisations.outlooks import standings_on
from clinic_server.immunisations.tables import dose_elsewhere, severe_reaction
from clinic_server.kit.crypto import Keyring
from clinic_server.kit.journal import journal
from clinic_server.stock import vaccines
from clinic_server.stock.actions import products
from clinic_server.visits.doses import doses_given
from clinic_server.visits.tables import dose, dose_entered_in_error

MOST_LINES = 50  # what comes of them is written at once, while nobody else writes


@dataclass(frozen=True, slots=True)
class Changed:
    """Somebody's next dose of a vaccine is another than was known; None: none is due."""

    person_id: UUID
    vaccine_code: str
    due: Due | None


@dataclass(frozen=True, slots=True)
class Reckoned:
    """What changed for everybody whose past changed up to a line of the journal."""

    upto_seq: int
    changes: tuple[Changed, ...]


def reckoned(
    connection: Connection, keyring: Keyring, zone: ZoneInfo, today: date, most: int = MOST_LINES
) -> Reckoned | None:
    """Return what the next lines of the journal change of the doses that are due, None when there are none."""
    done = connection.execute(select(func.max(due_reckoning.c.upto_seq))).scalar() or 0
    lines = connection.execute(
        select(journal.c.seq, journal.c.kind, journal.c.ref)
        .where(journal.c.seq > done, journal.c.kind.in_(_PERSON_OF))
        .order_by(journal.c.seq)
        .limit(most)
    ).all()
    if not lines:
        return None
    stocked = {product.vaccine_code for product in products(connection)}
    changes: list[Changed] = []
    for person_id in dict.fromkeys(_person_of(connection, line.kind, UUID(line.ref)) for line in lines):
        now = _due(connection, keyring, person_id, zone, today, stocked)
        changes += _changes(person_id, _known(connection, person_id), now)
    return Reckoned(lines[-1].seq, tuple(changes))


def _due(  # noqa: PLR0913, PLR0917  # what a person's past is read with
    connection: Connection, keyring: Keyring, person_id: UUID, zone: ZoneInfo, today: date, stocked: set[str]
) -> Mapping[str, Due]:
    """Return somebody's next doses; whoever was given nothing here is expected by nobody."""
    if not doses_given(connection, person_id):
        return {}
    past = past_of(connection, keyring, person_id, zone)
    standings = (standing for _, standing in standings_on(past, vaccines.shipped(), today))
    return next_doses(standings, [known.vaccine_code for known in past.doses if known.vaccine_code], stocked)


def _known(connection: Connection, person_id: UUID) -> Mapping[str, Due]:
    columns = (dose_due.c.vaccine_code, dose_due.c.earliest_on, dose_due.c.recommended_on, dose_due.c.past_due_on)
    rows = connection.execute(
        select(*columns).where(dose_due.c.person_id == person_id).order_by(dose_due.c.journal_seq)
    )
    latest = {row.vaccine_code: row for row in rows}
    return {code: Due(*row[1:]) for code, row in latest.items() if row.recommended_on is not None}


def _changes(person_id: UUID, known: Mapping[str, Due], now: Mapping[str, Due]) -> Iterator[Changed]:
    for code in sorted({*known, *now}):
        if known.get(code) != now.get(code):
            yield Changed(person_id, code, now.get(code))


def _person_of(connection: Connection, kind: str, ref: UUID) -> UUID:
    """Return whose past a line of the journal is about."""
    found: UUID = connection.execute(_PERSON_OF[kind](ref)).scalar_one()
    return found


def _of_dose(ref: UUID) -> Select[Any]:
    return select(dose.c.person_id).where(dose.c.id == ref)


def _of_correction(ref: UUID) -> Select[Any]:
    is_its = dose_entered_in_error.c.dose_id == dose.c.id
    return select(dose.c.person_id).join(dose_entered_in_error, is_its).where(dose_entered_in_error.c.id == ref)


def _of_dose_elsewhere(ref: UUID) -> Select[Any]:
    return select(dose_elsewhere.c.person_id).where(dose_elsewhere.c.id == ref)


def _of_reaction(ref: UUID) -> Select[Any]:
    return select(severe_reaction.c.person_id).where(severe_reaction.c.id == ref)


_PERSON_OF: Mapping[str, Callable[[UUID], Select[Any]]] = {
    "dose_given": _of_dose,
    "dose_entered_in_error": _of_correction,
    "dose_elsewhere_noted": _of_dose_elsewhere,
    "dose_elsewhere_struck": _of_dose_elsewhere,
    "severe_reaction_noted": _of_reaction,
    "severe_reaction_cleared": _of_reaction,
}
