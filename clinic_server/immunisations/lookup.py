"""Questions about what a person had, here and elsewhere. What is sealed of it is opened here and nowhere else."""

from collections.abc import Iterator
from datetime import date, datetime, tzinfo
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Connection, Select, bindparam, exists, select

from clinic_server.immunisations.history import (
    DoseKnown,
    NewReaction,
    PartialDate,
    Precision,
    Proof,
    Reaction,
    ReactionUnknown,
    counted_on,
)
from clinic_server.immunisations.outlooks import NOTHING_FORESEEN, Foreseen, Past
from clinic_server.immunisations.tables import (
    dose_elsewhere,
    dose_elsewhere_struck,
    dose_foreseen,
    reaction_clearance,
    severe_reaction,
)
from clinic_server.kit.crypto import Keyring
from clinic_server.people.lookup import birth_facts
from clinic_server.stock import vaccines
from clinic_server.stock.actions import products
from clinic_server.visits.doses import doses_given


def past_of(connection: Connection, keyring: Keyring, person_id: UUID, zone: tzinfo) -> Past:
    """Return everything a schedule is asked about one person, or raise PersonUnknown."""
    held = birth_facts(connection, person_id)
    doses = doses_known(connection, keyring, person_id, zone)
    return Past(held.born_on, held.sex, doses, reactions_of(connection, keyring, person_id))


def site_zone(local_now: datetime) -> tzinfo:
    """Return the zone of a wall clock."""
    if local_now.tzinfo is None:
        raise ValueError("A wall clock has its zone.")
    return local_now.tzinfo


def doses_known(connection: Connection, keyring: Keyring, person_id: UUID, zone: tzinfo) -> tuple[DoseKnown, ...]:
    """Return the doses that stand for one person, given here and elsewhere, the earliest first."""
    known = [*_given_here(connection, person_id, zone), *_given_elsewhere(connection, keyring, person_id, zone)]
    return tuple(sorted(known, key=lambda one: (one.counted_on, one.dose_id)))


def reactions_of(connection: Connection, keyring: Keyring, person_id: UUID) -> tuple[Reaction, ...]:
    """Return the severe reactions noted of one person, the first noted first."""
    rows = connection.execute(_reactions_of_person, {"person_id": person_id})
    return tuple(_reaction(keyring, row) for row in rows)


def reaction_of(connection: Connection, keyring: Keyring, reaction_id: UUID) -> Reaction:
    """Return one severe reaction as it stands, or raise ReactionUnknown."""
    row = connection.execute(_reactions().where(severe_reaction.c.id == reaction_id)).first()
    if row is None:
        raise ReactionUnknown
    return _reaction(keyring, row)


def foreseen_of(connection: Connection, keyring: Keyring, decision_id: UUID) -> Foreseen:
    """Return what a recommendation was made in view of."""
    row = connection.execute(_foreseen, {"decision_id": decision_id}).first()
    if row is None:
        return NOTHING_FORESEEN
    return msgspec.json.decode(keyring.open(row.content_sealed, f"dose_foreseen:content:{row.id}"), type=Foreseen)


def antigens_known() -> tuple[str, ...]:
    """Return everything a vaccine of the catalogue is against."""
    return tuple(sorted({antigen for vaccine in vaccines.shipped().values() for antigen in vaccine.antigens}))


def _given_here(connection: Connection, person_id: UUID, zone: tzinfo) -> Iterator[DoseKnown]:
    given = doses_given(connection, person_id)
    named = {product.code: product.vaccine_code for product in products(connection)} if given else {}
    for one in given:
        on = one.given_at.astimezone(zone).date()
        yield _known(one.dose_id, PartialDate(on, Precision.DAY), on, named[one.product_code])


def _given_elsewhere(connection: Connection, keyring: Keyring, person_id: UUID, zone: tzinfo) -> Iterator[DoseKnown]:
    for row in connection.execute(_elsewhere, {"person_id": person_id}):
        given = PartialDate(row.given_on, Precision(row.precision))
        counted = counted_on(given, row.noted_at.astimezone(zone).date())
        yield _known(row.id, given, counted, row.vaccine_code, row.antigen, Proof(row.proof), _place(keyring, row))


def _known(  # noqa: PLR0913, PLR0917  # what is stored of one dose
    dose_id: UUID,
    given: PartialDate,
    counted: date,
    vaccine_code: str | None,
    antigen: str | None = None,
    proof: Proof | None = None,
    place: str = "",
) -> DoseKnown:
    vaccine = vaccines.shipped().get(vaccine_code or "")
    against = vaccine.antigens if vaccine else (antigen,) if antigen else ()
    return DoseKnown(
        dose_id, given, counted, vaccine_code, against, vaccine.platform if vaccine else None, proof, place
    )


def _place(keyring: Keyring, row: Any) -> str:
    if row.place_sealed is None:
        return ""
    return keyring.open(row.place_sealed, f"dose_elsewhere:place:{row.id}")


def _reactions() -> Select[Any]:
    return select(
        severe_reaction.c.id,
        severe_reaction.c.content_sealed,
        reaction_clearance.c.id.label("clearance_id"),
        reaction_clearance.c.note_sealed,
        reaction_clearance.c.cleared_at,
    ).outerjoin_from(severe_reaction, reaction_clearance, reaction_clearance.c.reaction_id == severe_reaction.c.id)


def _reaction(keyring: Keyring, row: Any) -> Reaction:
    content = keyring.open(row.content_sealed, f"severe_reaction:content:{row.id}")
    told = msgspec.json.decode(content, type=NewReaction)
    if row.clearance_id is None:
        return Reaction(row.id, told, None)
    note = keyring.open(row.note_sealed, f"reaction_clearance:note:{row.clearance_id}")
    return Reaction(row.id, told, row.cleared_at, note)


_of_person = severe_reaction.c.person_id == bindparam("person_id")
_reactions_of_person = _reactions().where(_of_person).order_by(severe_reaction.c.journal_seq)
_foreseen = select(dose_foreseen).where(dose_foreseen.c.decision_id == bindparam("decision_id"))
_elsewhere = select(dose_elsewhere).where(
    dose_elsewhere.c.person_id == bindparam("person_id"),
    ~exists().where(dose_elsewhere_struck.c.dose_elsewhere_id == dose_elsewhere.c.id),
)
