"""Who somebody is by what they show, and how little of it a screen tells."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic_server.people.documents import Document, DocumentKind, NumberCheckDigitWrong, Sex
from clinic_server.people.rules import (
    BirthDateContradicted,
    CardFault,
    IdentityFacts,
    IdentityIncomplete,
    PersonFacts,
    Source,
    age_on,
    card_from,
    completed_by,
    differs_from_held,
    holder_from,
    mask_name,
    mask_number,
    may_replace,
    name_key,
    tidy_name,
)

SPECIMEN = Document.parse("11010519491231002X")
PASSPORT = Document.of(DocumentKind.PASSPORT, "L898902C3", "UTO")
HELD = PersonFacts(
    name="王小明",
    latin_name="WANG XIAOMING",
    sex=Sex.FEMALE,
    born_on=date(1949, 12, 31),
    nationality="CHN",
    source=Source.CARD,
    document_kind=DocumentKind.RESIDENT_ID,
    masked_number="110105********002X",
)


def test_a_number_completes_what_was_typed() -> None:
    stated = IdentityFacts.stated(SPECIMEN, name=" 王  小明 ")
    assert (stated.name, stated.born_on, stated.sex) == ("王 小明", date(1949, 12, 31), Sex.FEMALE)


def test_a_mistyped_birth_date_is_refused_because_age_hangs_on_it() -> None:
    with pytest.raises(BirthDateContradicted):
        IdentityFacts.stated(SPECIMEN, name="王小明", born_on=date(1949, 12, 30))


@pytest.mark.parametrize(("name", "born_on", "missing"), [("", date(1974, 8, 12), "name"), ("A", None, "born_on")])
def test_a_passport_tells_nothing_by_its_number_alone(name: str, born_on: date | None, missing: str) -> None:
    with pytest.raises(IdentityIncomplete) as refused:
        IdentityFacts.stated(PASSPORT, name=name, born_on=born_on)
    assert refused.value.findings == (missing,)


def test_a_card_without_a_chinese_name_is_known_by_its_latin_one() -> None:
    stated = IdentityFacts.stated(PASSPORT, name="", latin_name="ERIKSSON ANNA", born_on=date(1974, 8, 12))
    assert stated.name == stated.latin_name == "ERIKSSON ANNA"


def test_a_card_is_read_whole_or_refused() -> None:
    card = card_from(number="11010519491231002X", name="王小明", gbt_2261_sex="2", valid_until=date(2030, 1, 1))
    assert (card.document, card.sex, card.valid_until) == (SPECIMEN, Sex.FEMALE, date(2030, 1, 1))
    with pytest.raises(NumberCheckDigitWrong):
        card_from(number="110105194912310021", name="王小明")


@pytest.mark.parametrize(("printed", "held"), [("CAN", "CAN"), ("", ""), ("中国", ""), ("CANADA", "")])
def test_a_nationality_that_is_no_code_is_left_out(printed: str, held: str) -> None:
    assert card_from(number="11010519491231002X", name="王小明", nationality=printed).nationality == held


def test_a_passport_is_read_by_its_kind_and_its_country() -> None:
    card = card_from(
        number="C01X00T47",
        name="",
        latin_name="MUSTERMANN, ERIKA",
        born_on=date(1964, 8, 12),
        nationality="D",
        kind=DocumentKind.PASSPORT,
        issuing_country="D",
    )
    assert card.document == Document.of(DocumentKind.PASSPORT, "C01X00T47", "DEU")
    assert (card.name, card.nationality) == ("MUSTERMANN, ERIKA", "DEU")


def test_a_card_nobody_is_registered_by_names_its_holder() -> None:
    told = {"latin_name": " DEMO,  PERSON", "gbt_2261_sex": "1", "born_on": date(1990, 1, 1), "nationality": "THA"}
    holder = holder_from(wanted=DocumentKind.PASSPORT, name="", **told)  # type: ignore[arg-type]  # fields of one kind
    assert (holder.name, holder.latin_name, holder.sex) == ("DEMO, PERSON", "DEMO, PERSON", Sex.MALE)
    assert not [secret for secret in ("DEMO", "1990", "THA", "male") if secret in repr(holder)]


def test_a_card_that_names_nobody_is_refused() -> None:
    nothing = {"name": "", "latin_name": " ", "gbt_2261_sex": "0", "born_on": None, "nationality": ""}
    with pytest.raises(IdentityIncomplete):
        holder_from(wanted=DocumentKind.PASSPORT, **nothing)  # type: ignore[arg-type]  # as above


@pytest.mark.parametrize(("latin", "differs"), [("WANG, XIAOMING", False), ("WANG, XIAOHONG", True)])
def test_a_document_without_chinese_characters_is_compared_by_the_latin_name(latin: str, differs: bool) -> None:
    stated = IdentityFacts(PASSPORT, latin, Sex.FEMALE, date(1949, 12, 31), latin)
    assert differs_from_held(stated, HELD) is differs


def test_nothing_personal_shows_when_facts_are_printed() -> None:
    card = card_from(number="11010519491231002X", name="王小明", latin_name="WANG", nationality="CHN")
    printed = repr(card) + repr(HELD) + repr(CardFault("card_unreadable"))
    assert not [secret for secret in ("王", "WANG", "1949", "002X", "CHN'", "female") if secret in printed]


@pytest.mark.parametrize(
    ("change", "differs"),
    [
        ({}, False),
        ({"name": "王小明 "}, False),
        ({"name": "王晓明"}, True),
        ({"sex": Sex.UNKNOWN}, False),
        ({"sex": Sex.MALE}, True),
        ({"latin_name": ""}, False),
        ({"latin_name": "Wang Xiaoming"}, False),
        ({"latin_name": "WONG"}, True),
        ({"nationality": "CAN"}, True),
    ],
)
def test_only_what_a_document_says_can_differ(change: dict[str, str], differs: bool) -> None:
    stated = IdentityFacts(SPECIMEN, "王小明", Sex.FEMALE, date(1949, 12, 31), "WANG XIAOMING", "CHN")
    assert differs_from_held(replace(stated, **change), HELD) is differs  # type: ignore[arg-type]  # fields of one kind


def test_what_a_document_leaves_out_erases_nothing() -> None:
    stated = IdentityFacts(SPECIMEN, "王晓明", Sex.UNKNOWN, date(1949, 12, 31))
    completed = completed_by(stated, HELD)
    assert (completed.name, completed.sex, completed.latin_name, completed.nationality) == (
        "王晓明",
        Sex.FEMALE,
        "WANG XIAOMING",
        "CHN",
    )


@pytest.mark.parametrize(
    ("held", "new", "may"),
    [
        (Source.TYPED, Source.CARD, True),
        (Source.CARD, Source.CARD, True),
        (Source.TYPED, Source.TYPED, True),
        (Source.IMPORT, Source.TYPED, True),
        (Source.CARD, Source.TYPED, False),
        (Source.CARD, Source.IMPORT, False),
    ],
)
def test_the_keyboard_never_replaces_a_card(held: Source, new: Source, may: bool) -> None:
    assert may_replace(held, new) is may


@pytest.mark.parametrize(
    ("born_on", "day", "age"),
    [
        (date(2008, 3, 2), date(2026, 3, 1), 17),
        (date(2008, 3, 2), date(2026, 3, 2), 18),
        (date(2008, 2, 29), date(2026, 2, 28), 17),
        (date(2008, 2, 29), date(2026, 3, 1), 18),
        (date(2008, 2, 29), date(2028, 2, 29), 20),
        (date(2026, 3, 2), date(2026, 3, 2), 0),
    ],
)
def test_a_year_of_age_is_full_on_the_birthday(born_on: date, day: date, age: int) -> None:
    """满18周岁 is the birthday itself; a month that lacks the day counts from the first of the next (CDSi)."""
    assert age_on(born_on, day) == age


@pytest.mark.parametrize(
    ("number", "masked"),
    [
        ("11010519491231002X", "110105********002X"),
        ("CAN110081080310", "CAN110*****0310"),
        ("H12345678", "H*****678"),
        ("L898902C3", "L*****2C3"),
        ("1234", "****"),
        ("", ""),
    ],
)
def test_a_number_is_masked(number: str, masked: str) -> None:
    assert mask_number(number) == masked


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("王明", "王*"),
        ("王小明", "王*明"),
        ("欧阳小明", "欧**明"),
        ("王", "王*"),
        ("ERIKSSON ANNA MARIA", "E*** A*** M***"),
        ("Éva Nagy", "É*** N***"),
        ("\ue863小明", "\ue863*明"),
    ],
)
def test_a_name_is_masked(name: str, masked: str) -> None:
    assert mask_name(name) == masked


@given(st.text(min_size=1).filter(lambda name: bool(tidy_name(name))))
def test_no_mask_shows_a_whole_name(name: str) -> None:
    tidied = tidy_name(name)
    masked = mask_name(tidied)
    assert masked != tidied or "*" in tidied, "a name with a star in it may look as if it were masked already"
    assert tidy_name(tidied) == tidied


@pytest.mark.parametrize(
    ("one", "other"),
    [("Eriksson  Anna", "ＥＲＩＫＳＳＯＮ ANNA"), ("买买提·吐尔逊", "买买提•吐尔逊"), ("王 小明", "王小明")],
)
def test_spellings_of_one_name_have_one_key(one: str, other: str) -> None:
    assert name_key(one) == name_key(other)


def test_a_rare_character_from_a_card_stays_in_the_name_and_its_key() -> None:
    assert "\ue863" in tidy_name("王\ue863\x00明")
    assert name_key("王\ue863") != name_key("王")
