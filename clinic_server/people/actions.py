"""Finding a person by what they show, or registering them."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import bindparam, select

from clinic_server.kit.tx import Tx
from clinic_server.people.lookup import IS_NOT_INDEXED, find_by_document, name_index, number_index, person, phone_index
from clinic_server.people.rules import (
    GuardianTold,
    IdentityFacts,
    LinkReason,
    Source,
    completed_by,
    differs_from_held,
    may_replace,
)
from clinic_server.people.tables import (
    Contact,
    Demographics,
    GuardianStated,
    Identifier,
    Person,
    PersonLink,
    PhoneIndexed,
    contact,
    demographics,
)

_of_name_and_birth_date = (
    select(demographics.c.person_id)
    .where(demographics.c.name_index == bindparam("name"), demographics.c.born_on == bindparam("born_on"))
    .distinct()
    .order_by(demographics.c.person_id)
)
_not_indexed = select(contact.c.id, contact.c.phone_sealed).where(IS_NOT_INDEXED)


@dataclass(frozen=True, slots=True)
class Registered:
    """Who it is. ``differs_from_held`` says that the document told something else than what now stands."""

    person_id: UUID
    is_new: bool
    possible_duplicates: tuple[UUID, ...] = ()
    differs_from_held: bool = False


def find_or_register(tx: Tx, stated: IdentityFacts, source: Source, *, take_stated: bool = False) -> Registered:
    """Return the document's owner, registering them if nobody is; one document never has two owners.

    What a document says differently is taken only when the desk confirmed it (``take_stated``), and never from
    the keyboard over a card; what was held before is kept. The caller closes the journal line.
    """
    person_id = find_by_document(tx.connection, tx.keyring, stated.document)
    if person_id is None:
        return _register(tx, stated, source)
    held = person(tx.connection, tx.keyring, person_id)
    if not differs_from_held(stated, held):
        return Registered(person_id, is_new=False)
    if take_stated and may_replace(held.source, source):
        _append_demographics(tx, person_id, completed_by(stated, held), source)
        return Registered(person_id, is_new=False)
    return Registered(person_id, is_new=False, differs_from_held=True)


def _register(tx: Tx, stated: IdentityFacts, source: Source) -> Registered:
    alike = _alike(tx, stated)
    person_id = tx.append(Person, registered_at=tx.now)
    _append_demographics(tx, person_id, stated, source)
    _append_identifier(tx, person_id, stated, source)
    for other_id in alike:
        tx.append(
            PersonLink,
            person_id=person_id,
            other_person_id=other_id,
            reason=LinkReason.SAME_NAME_AND_BIRTH_DATE,
            proposed_at=tx.now,
        )
    return Registered(person_id, is_new=True, possible_duplicates=alike)


def _alike(tx: Tx, stated: IdentityFacts) -> tuple[UUID, ...]:
    """Return everybody who ever had this name and birth date; their documents are others, or they were found."""
    named = {"name": name_index(tx.keyring, stated.name), "born_on": stated.born_on}
    return tuple(tx.execute(_of_name_and_birth_date, named).scalars())


def _append_demographics(tx: Tx, person_id: UUID, stated: IdentityFacts, source: Source) -> None:
    row_id = tx.new_id()
    tx.append(
        Demographics,
        id=row_id,
        person_id=person_id,
        name_sealed=tx.keyring.seal(stated.name, f"demographics:name:{row_id}"),
        name_index=name_index(tx.keyring, stated.name),
        latin_name_sealed=tx.keyring.seal(stated.latin_name, f"demographics:latin_name:{row_id}"),
        sex=stated.sex,
        born_on=stated.born_on,
        nationality=stated.nationality,
        source=source,
        stated_at=tx.now,
    )


def _append_identifier(tx: Tx, person_id: UUID, stated: IdentityFacts, source: Source) -> None:
    row_id = tx.new_id()
    tx.append(
        Identifier,
        id=row_id,
        person_id=person_id,
        kind=stated.document.kind,
        issuing_country=stated.document.issuing_country,
        number_sealed=tx.keyring.seal(stated.document.number, f"identifier:number:{row_id}"),
        number_index=number_index(tx.keyring, stated.document),
        read_by=source,
        read_at=tx.now,
    )


def note_phone(tx: Tx, person_id: UUID, phone: str) -> UUID:
    """Record by which number somebody can be reached, or raise PersonUnknown."""
    person(tx.connection, tx.keyring, person_id)
    contact_id = append_phone(tx, person_id, phone)
    tx.journal("phone_noted", contact_id)
    return contact_id


def append_phone(tx: Tx, person_id: UUID, phone: str) -> UUID:
    """Keep by which number somebody can be reached and found; the caller closes the journal line."""
    contact_id = tx.new_id()
    sealed = tx.keyring.seal(phone, f"contact:phone:{contact_id}")
    tx.append(Contact, id=contact_id, person_id=person_id, phone_sealed=sealed, stated_at=tx.now)
    _append_index(tx, contact_id, phone)
    return contact_id


def append_guardian(tx: Tx, person_id: UUID, guardian: GuardianTold) -> None:
    """Keep who came with a child; the caller closes the journal line."""
    row_id = tx.new_id()
    tx.append(
        GuardianStated,
        id=row_id,
        person_id=person_id,
        relationship=guardian.relationship,
        name_sealed=tx.keyring.seal(guardian.name, f"guardian_stated:name:{row_id}"),
        stated_at=tx.now,
    )


def index_phones(tx: Tx) -> None:
    """Make those found by telephone whose numbers were noted before there was an index."""
    for row in tx.execute(_not_indexed).all():
        _append_index(tx, row.id, tx.keyring.open(row.phone_sealed, f"contact:phone:{row.id}"))
    tx.journal("phones_indexed", None)


def _append_index(tx: Tx, contact_id: UUID, phone: str) -> None:
    tx.append(PhoneIndexed, contact_id=contact_id, phone_index=phone_index(tx.keyring, phone))
