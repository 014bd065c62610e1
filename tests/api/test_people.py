"""One person for one document, on both engines; what differs is kept, and nothing is merged."""

from collections.abc import Sequence
from datetime import date
from functools import partial

import pytest
from sqlalchemy import Connection, RowMapping, Table, insert, select
from sqlalchemy.exc import DBAPIError

from clinic_server.kit.access import system_actor
from clinic_server.kit.db import Database
from clinic_server.kit.errors import ClinicError
from clinic_server.kit.journal import verify
from clinic_server.kit.tx import Tx
from clinic_server.people.actions import Registered, find_or_register
from clinic_server.people.documents import Document, DocumentKind, Sex
from clinic_server.people.lookup import find_by_document, people, person, possible_duplicates
from clinic_server.people.rules import IdentityFacts, LinkReason, PersonFacts, PersonUnknown, Source
from clinic_server.people.tables import demographics, identifier
from clinic_server.people.tables import person as person_table

SPECIMEN = Document.parse("11010519491231002X")
PASSPORT = Document.of(DocumentKind.PASSPORT, "L898902C3", "UTO")


def stated(document: Document = SPECIMEN, name: str = "王小明", born_on: date = date(1949, 12, 31)) -> IdentityFacts:
    return IdentityFacts(document, name, Sex.FEMALE, born_on, "WANG XIAOMING", "CHN")


def register(
    db: Database, facts: IdentityFacts, source: Source = Source.CARD, *, take_stated: bool = False
) -> Registered:
    def act(tx: Tx) -> Registered:
        registered = find_or_register(tx, facts, source, take_stated=take_stated)
        tx.journal("person_seen", registered.person_id)
        return registered

    return db.write_now(act, system_actor("test"))


def held(db: Database, registered: Registered) -> PersonFacts:
    return db.read_now(lambda connection: person(connection, db.keyring, registered.person_id))


def count(db: Database, table: Table = person_table) -> int:
    return len(db.read_now(partial(rows_of, table=table)))


def rows_of(connection: Connection, table: Table) -> Sequence[RowMapping]:
    return connection.execute(select(table)).mappings().all()


def test_the_same_document_is_the_same_person_in_every_spelling(db: Database) -> None:
    first = register(db, stated())
    again = register(db, stated(Document.parse("110105491231002")))
    assert (first.is_new, again.is_new, again.person_id == first.person_id) == (True, False, True)
    assert (count(db), count(db, identifier), count(db, demographics)) == (1, 1, 1)


def test_a_renewed_travel_permit_is_the_same_person(db: Database) -> None:
    first = register(db, stated(Document.parse("H1234567800")))
    assert register(db, stated(Document.parse("H1234567801"))).person_id == first.person_id


@pytest.mark.each_engine
def test_equal_passport_numbers_of_two_countries_are_two_people(db: Database) -> None:
    other = Document.of(DocumentKind.PASSPORT, "L898902C3", "CAN")
    assert register(db, stated(PASSPORT)).person_id != register(db, stated(other, "LI LI")).person_id


def test_what_is_held_can_be_read_again(db: Database) -> None:
    facts = held(db, register(db, stated()))
    assert facts == PersonFacts(
        "王小明",
        "WANG XIAOMING",
        Sex.FEMALE,
        date(1949, 12, 31),
        "CHN",
        Source.CARD,
        SPECIMEN.kind,
        "110105********002X",
    )


def test_several_people_are_read_at_once_and_unknown_ids_are_left_out(db: Database) -> None:
    one, two = register(db, stated()), register(db, stated(PASSPORT, "ERIKSSON ANNA", date(1974, 8, 12)))
    ids = [one.person_id, two.person_id, db.ids.new()]
    found = db.read_now(lambda connection: people(connection, db.keyring, ids))
    assert {person_id: facts.name for person_id, facts in found.items()} == {
        one.person_id: "王小明",
        two.person_id: "ERIKSSON ANNA",
    }


def test_an_unknown_person_is_refused_and_an_unknown_document_is_nobodys(db: Database) -> None:
    with pytest.raises(PersonUnknown):
        db.read_now(lambda connection: person(connection, db.keyring, db.ids.new()))
    assert db.read_now(lambda connection: find_by_document(connection, db.keyring, SPECIMEN)) is None


def test_a_card_that_says_something_else_changes_nothing_until_the_desk_confirms(db: Database) -> None:
    typed = register(db, stated(name="王晓明"), Source.TYPED)
    unconfirmed = register(db, stated(name="王小明"))
    assert (unconfirmed.differs_from_held, held(db, typed).name) == (True, "王晓明")
    confirmed = register(db, stated(name="王小明"), take_stated=True)
    assert (confirmed.differs_from_held, held(db, typed).name, held(db, typed).source) == (
        False,
        "王小明",
        Source.CARD,
    )
    assert count(db, demographics) == 2


def test_the_keyboard_does_not_replace_a_card_even_when_confirmed(db: Database) -> None:
    carded = register(db, stated())
    typed = register(db, stated(name="王晓明"), Source.TYPED, take_stated=True)
    assert (typed.differs_from_held, held(db, carded).name, count(db, demographics)) == (True, "王小明", 1)


def test_the_same_name_and_birth_date_on_another_document_is_proposed_and_never_merged(db: Database) -> None:
    first = register(db, stated())
    second = register(db, stated(PASSPORT, "王 小明"))
    assert second.is_new
    assert second.possible_duplicates == (first.person_id,)
    for one, other in ((first, second), (second, first)):
        links = db.read_now(partial(possible_duplicates, person_id=one.person_id))
        assert [(link.person_id, link.reason) for link in links] == [
            (other.person_id, LinkReason.SAME_NAME_AND_BIRTH_DATE)
        ]
    assert register(db, stated(PASSPORT, "王 小明")).possible_duplicates == ()


@pytest.mark.parametrize(("name", "born_on"), [("王小红", date(1949, 12, 31)), ("王小明", date(1950, 1, 1))])
def test_twins_and_namesakes_are_not_proposed(db: Database, name: str, born_on: date) -> None:
    register(db, stated())
    assert register(db, stated(PASSPORT, name, born_on)).possible_duplicates == ()


@pytest.mark.each_engine
def test_the_database_itself_refuses_a_second_owner_of_one_document(db: Database) -> None:
    register(db, stated())
    other = register(db, stated(PASSPORT, "LI LI"))

    def steal(tx: Tx) -> None:
        row = dict(tx.execute(select(identifier).where(identifier.c.kind == SPECIMEN.kind)).mappings().one())
        tx.execute(insert(identifier), {**row, "id": tx.new_id(), "person_id": other.person_id})

    with pytest.raises(DBAPIError):
        db.write_now(steal, system_actor("test"))


def test_no_name_and_no_number_lies_readable_in_the_database(db: Database) -> None:
    register(db, stated())
    for table in (demographics, identifier, person_table):
        rows = db.read_now(partial(rows_of, table=table))
        stored = b"".join(
            value if isinstance(value, bytes) else str(value).encode() for row in rows for value in row.values()
        )
        assert not [secret for secret in ("王", "WANG", "0105194", "002X") if secret.encode() in stored]


@pytest.mark.each_engine
def test_every_record_is_vouched_for_by_the_journal(db: Database) -> None:
    register(db, stated())
    register(db, stated(PASSPORT))
    register(db, stated(name="李"), take_stated=True)
    seen = db.read_now(lambda connection: verify(connection, db.keyring.journal_key))
    assert (seen.lines, seen.records, seen.faults) == (3, 8, [])


def test_a_refused_action_registers_nobody(db: Database) -> None:
    def refuse(tx: Tx) -> None:
        find_or_register(tx, stated(), Source.CARD)
        raise PersonUnknown

    with pytest.raises(ClinicError):
        db.write_now(refuse, system_actor("test"))
    assert count(db) == 0
