"""Questions about people. Names and numbers are opened here and nowhere else.

Every reading of names and numbers passes ``person`` or ``people``: the audit of readings belongs in these two. Rules
ask for ``birth_facts`` alone, and open nothing.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, bindparam, exists, func, or_, select

from clinic_server.kit.crypto import Keyring
from clinic_server.people.documents import Document
from clinic_server.people.rules import (
    BirthFacts,
    GuardianTold,
    IdentityFacts,
    LinkReason,
    PersonFacts,
    PersonUnknown,
    mask_number,
    name_key,
    phone_key,
)
from clinic_server.people.tables import contact, demographics, guardian_stated, identifier, person_link, phone_indexed

IS_NOT_INDEXED = ~exists().where(phone_indexed.c.contact_id == contact.c.id)


@dataclass(frozen=True, slots=True)
class PossibleDuplicate:
    """Somebody else on record who may be the same person."""

    person_id: UUID
    reason: LinkReason


def person(connection: Connection, keyring: Keyring, person_id: UUID) -> PersonFacts:
    """Return what is held of one person, or raise PersonUnknown."""
    row = connection.execute(_newest_demographics, {"person_id": person_id}).first()
    if row is None:
        raise PersonUnknown
    return _opened(keyring, row, connection.execute(_newest_document, {"person_id": person_id}).one())


def birth_facts(connection: Connection, person_id: UUID) -> BirthFacts:
    """Return when somebody was born and their sex, as last told, or raise PersonUnknown."""
    row = connection.execute(_newest_birth_facts, {"person_id": person_id}).first()
    if row is None:
        raise PersonUnknown
    return BirthFacts(*row)


def people(connection: Connection, keyring: Keyring, person_ids: Collection[UUID]) -> Mapping[UUID, PersonFacts]:
    """Return what is held of several people; unknown ids are left out."""
    documents = _latest_of_each(connection, identifier, person_ids)
    return {
        person_id: _opened(keyring, row, documents[person_id])
        for person_id, row in _latest_of_each(connection, demographics, person_ids).items()
    }


def phones(connection: Connection, keyring: Keyring, person_ids: Collection[UUID]) -> Mapping[UUID, str]:
    """Return the telephone number last told of each of these people who told one."""
    latest = _latest_of_each(connection, contact, person_ids)
    return {person_id: keyring.open(row.phone_sealed, f"contact:phone:{row.id}") for person_id, row in latest.items()}


def find_by_document(connection: Connection, keyring: Keyring, document: Document) -> UUID | None:
    """Return whose document this is."""
    shown = {"kind": document.kind, "country": document.issuing_country, "number": number_index(keyring, document)}
    owner: UUID | None = connection.execute(_owner, shown).scalar()
    return owner


def people_named(connection: Connection, keyring: Keyring, name: str, born_on: date | None = None) -> list[UUID]:
    """Return everybody who ever stood on record under a name, and with a birth date where it is told."""
    stated = demographics.c
    is_theirs = [stated.name_index == name_index(keyring, name)]
    if born_on is not None:
        is_theirs.append(stated.born_on == born_on)
    return list(connection.execute(select(stated.person_id).where(*is_theirs).distinct()).scalars())


def guardians_told(
    connection: Connection, keyring: Keyring, person_ids: Collection[UUID]
) -> Mapping[UUID, GuardianTold]:
    """Return who came last with each of these people with whom somebody came."""
    latest = _latest_of_each(connection, guardian_stated, person_ids)
    return {
        person_id: GuardianTold(keyring.open(row.name_sealed, f"guardian_stated:name:{row.id}"), row.relationship)
        for person_id, row in latest.items()
    }


def people_reached(connection: Connection, keyring: Keyring, phone: str) -> list[UUID]:
    """Return everybody who ever told this telephone number; a family shares one."""
    theirs = select(contact.c.person_id).join(phone_indexed, phone_indexed.c.contact_id == contact.c.id)
    asked = theirs.where(phone_indexed.c.phone_index == phone_index(keyring, phone)).distinct()
    return list(connection.execute(asked).scalars())


def lacks_phone_index(connection: Connection) -> bool:
    """Tell whether a telephone number stands here that nobody is found by."""
    return bool(connection.execute(select(select(contact.c.id).where(IS_NOT_INDEXED).exists())).scalar())


def identity_held(connection: Connection, keyring: Keyring, person_id: UUID) -> IdentityFacts:
    """Return who somebody is by the document last shown here, or raise PersonUnknown."""
    held = person(connection, keyring, person_id)
    row = connection.execute(_newest_document, {"person_id": person_id}).one()
    document = Document(row.kind, keyring.open(row.number_sealed, f"identifier:number:{row.id}"), row.issuing_country)
    return IdentityFacts(document, held.name, held.sex, held.born_on, held.latin_name, held.nationality)


def possible_duplicates(connection: Connection, person_id: UUID) -> list[PossibleDuplicate]:
    """Return who was proposed to be this same person."""
    rows = connection.execute(
        select(person_link.c.person_id, person_link.c.other_person_id, person_link.c.reason)
        .where(or_(person_link.c.person_id == person_id, person_link.c.other_person_id == person_id))
        .order_by(person_link.c.journal_seq, person_link.c.id)
    )
    return [PossibleDuplicate(other if one == person_id else one, LinkReason(reason)) for one, other, reason in rows]


def name_index(keyring: Keyring, name: str) -> bytes:
    """Return the blind index by which everybody of a name is found."""
    return keyring.blind_index("demographics:name", name_key(name))


def phone_index(keyring: Keyring, phone: str) -> bytes:
    """Return the blind index by which everybody of a telephone number is found."""
    return keyring.blind_index("contact:phone", phone_key(phone))


def number_index(keyring: Keyring, document: Document) -> bytes:
    """Return the blind index by which a document's owner is found."""
    return keyring.blind_index(
        "identifier:number", f"{document.kind.value}\0{document.issuing_country}\0{document.person_number}"
    )


def _latest_of_each(connection: Connection, table: Any, person_ids: Collection[UUID]) -> dict[UUID, Any]:
    latest = (
        select(table.c.id, func.row_number().over(partition_by=table.c.person_id, order_by=_newest_first(table)))
        .where(table.c.person_id.in_(person_ids))
        .subquery()
    )
    newest = select(table).join(latest, latest.c.id == table.c.id).where(latest.c[1] == 1)
    return {row.person_id: row for row in connection.execute(newest)}


def _newest_of_one(table: Any, *columns: Any) -> Select[Any]:
    asked = select(*(columns or [table])).where(table.c.person_id == bindparam("person_id"))
    return asked.order_by(*_newest_first(table)).limit(1)


def _newest_first(table: Any) -> list[Any]:
    return [table.c.journal_seq.desc(), table.c.id.desc()]


_newest_demographics, _newest_document = _newest_of_one(demographics), _newest_of_one(identifier)
_newest_birth_facts = _newest_of_one(demographics, demographics.c.born_on, demographics.c.sex)
_owner = select(identifier.c.person_id).where(
    identifier.c.kind == bindparam("kind"),
    identifier.c.issuing_country == bindparam("country"),
    identifier.c.number_index == bindparam("number"),
)


def _opened(keyring: Keyring, row: Any, document: Any) -> PersonFacts:
    return PersonFacts(
        name=keyring.open(row.name_sealed, f"demographics:name:{row.id}"),
        latin_name=keyring.open(row.latin_name_sealed, f"demographics:latin_name:{row.id}"),
        sex=row.sex,
        born_on=row.born_on,
        nationality=row.nationality,
        source=row.source,
        document_kind=document.kind,
        masked_number=mask_number(keyring.open(document.number_sealed, f"identifier:number:{document.id}")),
    )
