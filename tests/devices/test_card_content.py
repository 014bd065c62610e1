"""What a desk gets of every kind of card a reader can read."""

from dataclasses import astuple
from datetime import date

import pytest

from clinic_server.device_hub.translation import card_content
from clinic_server.people.documents import DocumentKind as Kind
from clinic_server.people.documents import Sex
from clinic_server.people.rules import CardFacts, CardFault, CardHolder
from devices.events import DocumentKind, IdCard

BORN = date(1990, 1, 1)
LATIN = "DEMO, PERSON"
PHOTO = bytes.fromhex("574C66007E00320000FF85") + bytes(1013)


def card(kind: DocumentKind, number: str, **fields: object) -> IdCard:
    told = {"name": "演示", "sex": "1", "born_on": BORN, "address": "演示省", "photo": PHOTO, **fields}
    return IdCard(document_kind=kind, number=number, **told)  # type: ignore[arg-type]  # fields of several kinds


REGISTERED = [
    (card(DocumentKind.RESIDENT_ID, "119900199001011013"), Kind.RESIDENT_ID, "CHN"),
    (card(DocumentKind.SOCIAL_SECURITY_CARD, "119900199001011013"), Kind.RESIDENT_ID, "CHN"),
    (
        card(DocumentKind.HK_MACAU_TAIWAN_RESIDENCE_PERMIT, "830000199201300022", born_on=None),
        Kind.RESIDENCE_PERMIT_TW,
        "CHN",
    ),
    (
        card(DocumentKind.FOREIGN_PERMANENT_RESIDENT_2023, "932682198501010017", born_on=None),
        Kind.FOREIGN_PERMANENT_RESIDENT_2023,
        "CHN",
    ),
    (
        card(DocumentKind.FOREIGN_PERMANENT_RESIDENT_2017, "CAN110081080310"),
        Kind.FOREIGN_PERMANENT_RESIDENT_2017,
        "CHN",
    ),
    (card(DocumentKind.PASSPORT, "L898902C3", issuing_country="UTO", name="", latin_name=LATIN), Kind.PASSPORT, "UTO"),
    (card(DocumentKind.PASSPORT, "C01X00T47", issuing_country="D", name="", latin_name=LATIN), Kind.PASSPORT, "DEU"),
    (
        card(DocumentKind.HK_MACAU_TRAVEL_PERMIT, "M0000000001", name="", latin_name=LATIN),
        Kind.TRAVEL_PERMIT_HK_MACAU,
        "CHN",
    ),
    (card(DocumentKind.TAIWAN_TRAVEL_PERMIT, "00000000", name="", latin_name=LATIN), Kind.TRAVEL_PERMIT_TAIWAN, "CHN"),
]
NAMED_ONLY = [
    (card(DocumentKind.TAIWAN_NHI_CARD, "A123456789"), Kind.TRAVEL_PERMIT_TAIWAN),
    (card(DocumentKind.FOREIGN_ID_CARD, "1234567890121", nationality="THA"), Kind.PASSPORT),
    (card(DocumentKind.OTHER_TRAVEL_DOCUMENT, "D23145890", nationality="UTO"), Kind.PASSPORT),
]


@pytest.mark.parametrize(("read", "kind", "country"), REGISTERED)
def test_a_card_is_the_document_its_number_belongs_to(read: IdCard, kind: Kind, country: str) -> None:
    content = card_content(read)
    assert isinstance(content, CardFacts), content
    assert (content.document.kind, content.document.issuing_country) == (kind, country)
    assert (content.sex, content.name) == (Sex.MALE, read.name or read.latin_name)


@pytest.mark.parametrize(("read", "wanted"), NAMED_ONLY)
def test_a_card_no_register_knows_names_its_holder_and_what_to_ask_for(read: IdCard, wanted: Kind) -> None:
    content = card_content(read)
    assert isinstance(content, CardHolder), content
    assert (content.wanted, content.name, content.born_on, content.sex) == (wanted, "演示", BORN, Sex.MALE)
    assert content.nationality == read.nationality


def test_every_kind_a_reader_reads_is_tried_here() -> None:
    tried = {read.document_kind for read, _, _ in REGISTERED} | {read.document_kind for read, _ in NAMED_ONLY}
    assert tried == set(DocumentKind)


@pytest.mark.parametrize(
    ("read", "code"),
    [
        (card(DocumentKind.RESIDENT_ID, "119900199001011014"), "number_check_digit"),
        (card(DocumentKind.SOCIAL_SECURITY_CARD, "ABC"), "number_kind_unknown"),
        (card(DocumentKind.PASSPORT, "L898902C3"), "issuing_country_missing"),
        (card(DocumentKind.PASSPORT, "L898902C3", issuing_country="UTO", born_on=None), "identity_incomplete"),
        (card(DocumentKind.HK_MACAU_TRAVEL_PERMIT, "00000000"), "number_kind_differs"),
        (card(DocumentKind.FOREIGN_ID_CARD, "1", name=""), "identity_incomplete"),
    ],
)
def test_a_card_that_cannot_be_used_says_why(read: IdCard, code: str) -> None:
    assert card_content(read) == CardFault(code)


@pytest.mark.parametrize("read", [read for read, *_ in [*REGISTERED, *NAMED_ONLY]])
def test_photo_and_address_go_no_further_than_the_hub(read: IdCard) -> None:
    content = card_content(read)
    assert not isinstance(content, CardFault)
    told = astuple(content)
    assert PHOTO not in told
    assert "演示省" not in told
    assert not [value for value in told if isinstance(value, bytes)]
