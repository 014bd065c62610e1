"""What the desks see of a person's past: every dose with what it is worth, what is due, and severe reactions."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Connection

from clinic_server.immunisations.history import DoseKnown, Proof, Reaction
from clinic_server.immunisations.lookup import past_of, site_zone
from clinic_server.immunisations.outlooks import Past, case_on, standings_on
from clinic_server.immunisations.schedules import Schedule
from clinic_server.immunisations.terms import Certainty, DoseStatus, Outlook, SeriesStanding, SeriesStatus
from clinic_server.kit.crypto import Keyring
from clinic_server.staff.rules import Role
from clinic_server.stock import vaccines
from clinic_server.stock.actions import products
from clinic_server.stock.rules import Platform
from clinic_server.visits.lookup import standing

_SAYS_NOTHING = frozenset({SeriesStatus.AGED_OUT, SeriesStatus.NOT_RECOMMENDED})


@dataclass(frozen=True, slots=True)
class WorthSeen:
    """What a dose is worth in one series; ``dose_number`` is computed, None when the series needed no such dose."""

    series: str
    antigen: str
    dose_number: int | None
    status: DoseStatus
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DoseSeen:
    """One dose that stands; ``given`` is as exact as it is known, ``proof`` None for one given here."""

    dose_id: UUID
    given: str
    vaccine_code: str | None
    vaccine_name: str | None
    antigens: tuple[str, ...]
    certainty: Certainty
    proof: Proof | None
    place: str = field(repr=False)
    worth: tuple[WorthSeen, ...]


@dataclass(frozen=True, slots=True)
class DueSeen:
    """What comes next in one series."""

    series: str
    antigen: str
    status: SeriesStatus
    dose_number: int | None
    earliest_on: date | None
    recommended_on: date | None
    past_due_on: date | None
    is_past_due: bool
    reasons: tuple[str, ...]
    schedule_code: str
    schedule_version: int
    source: str


@dataclass(frozen=True, slots=True)
class ReactionSeen:
    """A severe reaction, with the note that cleared it."""

    reaction_id: UUID
    vaccine_code: str | None = field(repr=False)
    vaccine_name: str | None = field(repr=False)
    platform: Platform | None = field(repr=False)
    occurred_on: date = field(repr=False)
    note: str = field(repr=False)
    cleared_at: datetime | None
    clearance: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Immunisations:
    """A person's past and what is due; ``reactions`` is None for whom they do not concern."""

    person_id: UUID
    doses: tuple[DoseSeen, ...]
    due: tuple[DueSeen, ...]
    reactions: tuple[ReactionSeen, ...] | None


@dataclass(frozen=True, slots=True)
class OutlookSeen:
    """What one product would be for a person today; ``is_barred`` when no reason allows it."""

    outlook: Outlook = field(repr=False)
    is_barred: bool = field(repr=False)


def outlooks_of_visit(
    connection: Connection, keyring: Keyring, visit_id: UUID, local_now: datetime
) -> Mapping[str, OutlookSeen]:
    """Return by product which dose it would be for a visit's person now, and what of their past speaks against it."""
    past = past_of(connection, keyring, standing(connection, visit_id).person_id, site_zone(local_now))
    known = vaccines.shipped()
    cases = {one.code: case_on(past, known, known[one.vaccine_code], local_now.date()) for one in products(connection)}
    return {code: OutlookSeen(case.outlook, bool(case.bars())) for code, case in cases.items()}


def immunisations_of(
    connection: Connection, keyring: Keyring, person_id: UUID, local_now: datetime, roles: Collection[str]
) -> Immunisations:
    """Return what these roles may see of one person's past on the site's day, or raise PersonUnknown."""
    past = past_of(connection, keyring, person_id, site_zone(local_now))
    standings = standings_on(past, vaccines.shipped(), local_now.date())
    reactions = tuple(map(_reaction_seen, past.reactions)) if Role.PHYSICIAN in roles else None
    return Immunisations(
        person_id,
        tuple(_doses_seen(past, [series for _, series in standings])),
        tuple(_due_seen(standings, local_now.date())),
        reactions,
    )


def vaccine_name(code: str | None) -> str | None:
    """Return a vaccine's name in the catalogue."""
    vaccine = vaccines.shipped().get(code or "")
    return vaccine.name if vaccine else code


def _doses_seen(past: Past, judged: Iterable[SeriesStanding]) -> Iterator[DoseSeen]:
    worth: dict[UUID, list[WorthSeen]] = {}
    for series in judged:
        for one in series.doses:
            seen = WorthSeen(series.series, series.antigen, one.target_dose, one.status, one.reasons)
            worth.setdefault(one.dose.dose_id, []).append(seen)
    return (_dose_seen(known, worth.get(known.dose_id, ())) for known in past.doses)


def _dose_seen(known: DoseKnown, worth: Iterable[WorthSeen]) -> DoseSeen:
    return DoseSeen(
        known.dose_id,
        str(known.given),
        known.vaccine_code,
        vaccine_name(known.vaccine_code),
        known.antigens,
        known.certainty,
        known.proof,
        known.place,
        tuple(worth),
    )


def _due_seen(standings: Iterable[tuple[Schedule, SeriesStanding]], on: date) -> Iterator[DueSeen]:
    for schedule, series in standings:
        told = series.forecast
        if told.status in _SAYS_NOTHING and not series.doses:
            continue
        yield DueSeen(
            series.series,
            series.antigen,
            told.status,
            told.dose_number,
            told.earliest_on,
            told.recommended_on,
            told.past_due_on,
            told.past_due_on is not None and told.past_due_on <= on,
            told.reasons,
            schedule.code,
            schedule.version,
            told.source,
        )


def _reaction_seen(one: Reaction) -> ReactionSeen:
    told = one.told
    return ReactionSeen(
        one.reaction_id,
        told.vaccine_code,
        vaccine_name(told.vaccine_code),
        told.platform,
        told.occurred_on,
        told.note,
        one.cleared_at,
        one.clearance,
    )
