"""People, what is known of them, and the documents that are theirs; names and numbers sealed."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, UniqueConstraint
from sqlmodel import Field

from clinic_server.kit.tables import Record, instant, one_of, sealed, table_of, text
from clinic_server.people.documents import DocumentKind, Sex
from clinic_server.people.rules import LinkReason, Source
from clinic_server.people.signatures import Relationship, SignatureMethod, Signer


class Person(Record, table=True):
    """Somebody who came, or who is expected."""

    __tablename__ = "person"

    registered_at: datetime = instant()


class Demographics(Record, table=True):
    """What was stated of a person at one time; the latest row stands, the others are kept."""

    __tablename__ = "demographics"
    __table_args__ = (Index(None, "person_id", "journal_seq"), Index(None, "name_index", "born_on"))

    person_id: UUID = Field(foreign_key="person.id")
    name_sealed: bytes = sealed()
    name_index: bytes = Field(sa_type=LargeBinary)
    latin_name_sealed: bytes = sealed()
    sex: Sex = one_of(Sex)
    born_on: date
    nationality: str = text(3)
    source: Source = one_of(Source)
    stated_at: datetime = instant()


class Identifier(Record, table=True):
    """One document of one person; the database itself refuses a second owner."""

    __tablename__ = "identifier"
    __table_args__ = (
        UniqueConstraint("kind", "issuing_country", "number_index"),
        CheckConstraint("length(number_index) = 16", name="number_index_length"),
        Index(None, "person_id", "journal_seq"),
    )

    person_id: UUID = Field(foreign_key="person.id")
    kind: DocumentKind = one_of(DocumentKind)
    issuing_country: str = text(3)
    number_sealed: bytes = sealed()
    number_index: bytes = Field(sa_type=LargeBinary)
    read_by: Source = one_of(Source)
    read_at: datetime = instant()


class Contact(Record, table=True):
    """A telephone number somebody can be reached by; the latest counts."""

    __tablename__ = "contact"
    __table_args__ = (Index(None, "person_id", "journal_seq"),)

    person_id: UUID = Field(foreign_key="person.id")
    phone_sealed: bytes = sealed()
    stated_at: datetime = instant()


class GuardianStated(Record, table=True):
    """Who came with a child as its guardian, as the desk was told; the latest counts."""

    __tablename__ = "guardian_stated"
    __table_args__ = (Index(None, "person_id", "journal_seq"),)

    person_id: UUID = Field(foreign_key="person.id")
    relationship: Relationship = one_of(Relationship)
    name_sealed: bytes = sealed()
    stated_at: datetime = instant()


class PhoneIndexed(Record, table=True):
    """By what a telephone number is found that stands sealed under a contact."""

    __tablename__ = "phone_indexed"

    contact_id: UUID = Field(foreign_key="contact.id", unique=True)
    phone_index: bytes = Field(sa_type=LargeBinary, index=True)


class PersonLink(Record, table=True):
    """Two people who may be one: proposed by the program, decided by a person, never merged."""

    __tablename__ = "person_link"
    __table_args__ = (
        UniqueConstraint("person_id", "other_person_id"),
        CheckConstraint("person_id <> other_person_id", name="two_people"),
        Index(None, "other_person_id"),
    )

    person_id: UUID = Field(foreign_key="person.id")
    other_person_id: UUID = Field(foreign_key="person.id")
    reason: LinkReason = one_of(LinkReason)
    proposed_at: datetime = instant()


class Signed(Record):
    """What a record keeps of one signature: an image with the strokes that made it, or why it stands on paper."""

    signer: Signer = one_of(Signer)
    relationship: Relationship = one_of(Relationship)
    method: SignatureMethod = one_of(SignatureMethod)
    name_sealed: bytes = sealed()
    image_sealed: bytes | None = sealed(default=None, nullable=True)
    strokes_sealed: bytes | None = sealed(default=None, nullable=True)
    paper_reason_sealed: bytes | None = sealed(default=None, nullable=True)
    document_number_sealed: bytes | None = sealed(default=None, nullable=True)
    delegation_sealed: bytes | None = sealed(default=None, nullable=True)


def signature_checks() -> tuple[CheckConstraint, CheckConstraint]:
    """Return what the database itself checks of a signature, for a table of them."""
    drawn = "(method = 'drawn') = (image_sealed IS NOT NULL AND strokes_sealed IS NOT NULL)"
    paper = "(method = 'paper') = (paper_reason_sealed IS NOT NULL)"
    return CheckConstraint(drawn, name="drawn_image"), CheckConstraint(paper, name="paper_reason")


person = table_of(Person)
demographics = table_of(Demographics)
identifier = table_of(Identifier)
contact = table_of(Contact)
guardian_stated = table_of(GuardianStated)
phone_indexed = table_of(PhoneIndexed)
person_link = table_of(PersonLink)
