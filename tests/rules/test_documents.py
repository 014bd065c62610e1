"""Numbers of documents: what is read out of them, and every way in which one is refused."""

from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from clinic_server.people.documents import (
    Document,
    DocumentKind,
    IssuingCountryMissing,
    NumberCheckDigitWrong,
    NumberDateWrong,
    NumberKindDiffers,
    NumberKindUnknown,
    NumberLengthWrong,
    NumberRefused,
    Sex,
    icao_check_digit,
)

# Published specimens: the worked examples of GB 11643-1999, the NIA's and the Beijing police's sample cards.
VALID = [
    ("11010519491231002X", DocumentKind.RESIDENT_ID, date(1949, 12, 31), Sex.FEMALE),
    ("440524188001010014", DocumentKind.RESIDENT_ID, date(1880, 1, 1), Sex.MALE),
    ("11010119900307803X", DocumentKind.RESIDENT_ID, date(1990, 3, 7), Sex.MALE),
    ("440308199901101512", DocumentKind.RESIDENT_ID, date(1999, 1, 10), Sex.MALE),
    ("810000199408230021", DocumentKind.RESIDENCE_PERMIT_HK, date(1994, 8, 23), Sex.FEMALE),
    ("830000199201300022", DocumentKind.RESIDENCE_PERMIT_TW, date(1992, 1, 30), Sex.FEMALE),
    ("911124198108030024", DocumentKind.FOREIGN_PERMANENT_RESIDENT_2023, date(1981, 8, 3), Sex.FEMALE),
    ("932682198501010017", DocumentKind.FOREIGN_PERMANENT_RESIDENT_2023, date(1985, 1, 1), Sex.MALE),
    ("931012199012010018", DocumentKind.FOREIGN_PERMANENT_RESIDENT_2023, date(1990, 12, 1), Sex.MALE),
    ("CAN110081080310", DocumentKind.FOREIGN_PERMANENT_RESIDENT_2017, None, None),
    ("H12345678", DocumentKind.TRAVEL_PERMIT_HK_MACAU, None, None),
    ("M1234567801", DocumentKind.TRAVEL_PERMIT_HK_MACAU, None, None),
    ("12345678", DocumentKind.TRAVEL_PERMIT_TAIWAN, None, None),
]
REFUSED = [
    ("440308199901101513", NumberCheckDigitWrong),
    ("810000199408230023", NumberCheckDigitWrong),
    ("CAN110081080311", NumberCheckDigitWrong),
    ("11010119900230123X", NumberDateWrong),
    ("110101990230123", NumberDateWrong),
    ("110101179912310029", NumberDateWrong),
    ("310104196712322X", NumberLengthWrong),
    ("CAN1100810803", NumberLengthWrong),
    ("H1234567", NumberLengthWrong),
    ("810000940823002", NumberLengthWrong),
    ("", NumberKindUnknown),
    ("王明", NumberKindUnknown),
    ("01010119900307803X", NumberKindUnknown),
    ("1101051949123100XX", NumberKindUnknown),
    ("١١٠١٠٥١٩٤٩١٢٣١٠٠٢٠", NumberKindUnknown),
]


@pytest.mark.parametrize(("number", "kind", "born_on", "sex"), VALID)
def test_a_valid_number_tells_what_it_knows(
    number: str, kind: DocumentKind, born_on: date | None, sex: Sex | None
) -> None:
    document = Document.parse(number)
    assert (document.kind, document.number, document.born_on, document.sex) == (kind, number, born_on, sex)
    assert document.issuing_country == "CHN"


@pytest.mark.parametrize(("number", "refusal"), REFUSED)
def test_a_wrong_number_is_refused_by_its_own_code(number: str, refusal: type[NumberRefused]) -> None:
    with pytest.raises(refusal) as refused:
        Document.parse(number)
    assert refused.type is refusal


def test_a_number_of_the_first_generation_is_completed_to_18_digits() -> None:
    document = Document.parse("610104620927690")
    assert (document.number, document.born_on, document.sex) == (
        "610104196209276908",
        date(1962, 9, 27),
        Sex.FEMALE,
    )


def test_both_generations_of_one_number_are_one_document() -> None:
    assert Document.parse("110105491231002") == Document.parse("11010519491231002x")


@pytest.mark.parametrize(
    "written", [" 11010519491231002x ", "１１０１０５１９４９１２３１００２Ｘ", "110105 19491231 002X"]
)
def test_a_number_is_normalised_once(written: str) -> None:
    assert Document.parse(written).number == "11010519491231002X"


def test_the_renewal_count_of_a_travel_permit_does_not_make_another_person() -> None:
    first, renewed = Document.parse("H1234567800"), Document.parse("h1234567801")
    assert first.person_number == renewed.person_number == "H12345678"
    assert first.number != renewed.number


def test_a_passport_belongs_to_the_country_that_issued_it() -> None:
    passport = Document.of(DocumentKind.PASSPORT, " l898902c3 ", "uto")
    assert (passport.number, passport.issuing_country, passport.born_on) == ("L898902C3", "UTO", None)
    for country in ("", "X", "U1O"):
        with pytest.raises(IssuingCountryMissing):
            Document.of(DocumentKind.PASSPORT, "L898902C3", country)


@pytest.mark.parametrize("written", ["D", "d", "D<<", "DEU"])
def test_germany_is_one_country_however_its_passports_write_it(written: str) -> None:
    """ICAO Doc 9303 part 3, section 5: D is the one code of one letter."""
    assert Document.of(DocumentKind.PASSPORT, "C01X00T47", written).issuing_country == "DEU"


@pytest.mark.parametrize(
    ("kind", "number", "refusal"),
    [
        (DocumentKind.PASSPORT, "11010519491231002X", NumberLengthWrong),
        (DocumentKind.PASSPORT, "L8989/02C", NumberKindUnknown),
        (DocumentKind.BIRTH_CERTIFICATE, "T12", NumberLengthWrong),
        (DocumentKind.RESIDENT_ID, "810000199408230021", NumberKindDiffers),
        (DocumentKind.RESIDENT_ID, "440308199901101513", NumberCheckDigitWrong),
    ],
)
def test_a_stated_kind_must_fit_the_number(kind: DocumentKind, number: str, refusal: type[NumberRefused]) -> None:
    with pytest.raises(refusal):
        Document.of(kind, number, "UTO")


def test_a_birth_certificate_is_chinese() -> None:
    certificate = Document.of(DocumentKind.BIRTH_CERTIFICATE, "t110012345", "UTO")
    assert (certificate.number, certificate.issuing_country) == ("T110012345", "CHN")


@pytest.mark.parametrize("shown", [repr, str])
def test_a_document_never_prints_its_number(shown: type) -> None:
    assert "194912" not in str(shown(Document.parse("11010519491231002X")))


def test_a_refusal_never_quotes_the_number() -> None:
    with pytest.raises(NumberRefused) as refused:
        Document.parse("440308199901101513")
    assert "4403" not in repr(refused.value) + str(refused.value.facts) + str(refused.value.findings)


@pytest.mark.parametrize(
    ("characters", "digit"), [("L898902C3", 6), ("740812", 2), ("120415", 9), ("D23145890", 7), ("ZE184226B<<<<<", 1)]
)
def test_the_icao_check_digit_is_that_of_the_published_specimen(characters: str, digit: int) -> None:
    """ICAO Doc 9303, the Utopian passport and card."""
    assert icao_check_digit(characters) == digit


_regions = st.integers(100_000, 899_999).map(str)
_birthdays = st.dates(date(1800, 1, 1), date(2100, 12, 31))
_sequences = st.integers(0, 999).map("{:03d}".format)


@st.composite
def resident_numbers(draw: st.DrawFn, birthdays: st.SearchStrategy[date] = _birthdays) -> str:
    """Build a number from the definition: the weight of place i (from the right, 1-based) is 2^(i-1) mod 11."""
    digits = draw(_regions) + draw(birthdays).strftime("%Y%m%d") + draw(_sequences)
    digits = digits.zfill(17)
    total = sum(int(digit) * pow(2, 17 - place, 11) for place, digit in enumerate(digits))
    return digits + "10X98765432"[total % 11]


@given(resident_numbers())
def test_no_region_code_refuses_anybody(number: str) -> None:
    assert Document.parse(number).number == number


@given(resident_numbers(), st.integers(0, 17), st.sampled_from("0123456789X"))
def test_any_single_wrong_character_is_caught(number: str, place: int, character: str) -> None:
    assume(number[place] != character)
    with pytest.raises(NumberRefused):
        Document.parse(number[:place] + character + number[place + 1 :])


@given(resident_numbers(), st.integers(0, 16))
def test_two_neighbours_exchanged_are_caught(number: str, place: int) -> None:
    assume(number[place] != number[place + 1])
    with pytest.raises(NumberRefused):
        Document.parse(number[:place] + number[place + 1] + number[place] + number[place + 2 :])


@given(resident_numbers(st.dates(date(1900, 1, 1), date(1999, 12, 31))))
def test_the_15_digits_lead_to_one_18_digit_number(number: str) -> None:
    assume(number[:6] not in {"810000", "820000", "830000"})
    assert Document.parse(number[:6] + number[8:17]).number == number


@given(st.text() | st.text("0123456789XxHhMm ０９", min_size=7, max_size=20))
def test_whatever_is_typed_is_a_document_or_a_refusal_and_reads_the_same_twice(text: str) -> None:
    try:
        document = Document.parse(text)
    except NumberRefused:
        return
    assert Document.parse(document.number) == document
