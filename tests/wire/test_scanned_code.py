"""What a scanned text says about its box. Codes typed by hand; the GTINs are GS1's and biip's published examples."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.barcode_scanner.code import (
    BadCode,
    Booking,
    Gs1,
    Other,
    Scanned,
    TraceCode,
    VisitSlip,
    what_was_scanned,
    what_was_typed,
)

GTIN = "07032069804988"
TRACE = "81000001000000000001"


@pytest.mark.parametrize(
    ("text", "symbology", "scanned"),
    [
        (f"01{GTIN}15210526100329", "]C1", Gs1(GTIN, lot="0329", others=(("15", "210526"),))),
        (f"01{GTIN}15210526100329", None, Gs1(GTIN, lot="0329", others=(("15", "210526"),))),
        (f"01{GTIN}100329\x1d15210526", None, Gs1(GTIN, lot="0329", others=(("15", "210526"),))),
        (f"01{GTIN}100329\x1d\x1d15210526", None, Gs1(GTIN, lot="0329", others=(("15", "210526"),))),
        (f"\x1d01{GTIN}17290301\x1d", "]d2", Gs1(GTIN, date(2029, 3, 1))),
        (f"01{GTIN}100329|2112345\x1d15210526", None, Gs1(GTIN, None, "0329", "12345", (("15", "210526"),))),
        ("0195012345678903", None, Gs1("95012345678903")),
        (f"01{GTIN}1729020010A", "]Q3", Gs1(GTIN, date(2029, 2, 28), "A")),
        (f"01{GTIN}1728020010A", "]Q3", Gs1(GTIN, date(2028, 2, 29), "A")),
        (f"01{GTIN}11260301{'17290301'}", None, Gs1(GTIN, date(2029, 3, 1), others=(("11", "260301"),))),
        (f"01{GTIN}240AB", None, Gs1(GTIN, others=(("240", "AB"),))),
        ("00006141410000000018", "]C1", Gs1(others=(("00", "006141410000000018"),))),
        (f"(01){GTIN}(17)290301(10)LOT20260301(21)SN1", None, Gs1(GTIN, date(2029, 3, 1), "LOT20260301", "SN1")),
        (f"(01){GTIN} (10)A1", None, Gs1(GTIN, lot="A1")),
        ("6901234567892", "]E0", Gs1("06901234567892")),
        ("6901234567892", None, Other("6901234567892")),
    ],
)
def test_what_a_gs1_code_says(text: str, symbology: str | None, scanned: Scanned) -> None:
    assert what_was_scanned(text, symbology) == scanned


def test_a_lot_without_its_separator_swallows_what_follows_and_is_not_guessed() -> None:
    """ "]C1 010703206980498810032915210526": a scanner that drops FNC1 loses the date for good."""
    assert what_was_scanned(f"01{GTIN}10032915210526", "]C1") == Gs1(GTIN, lot="032915210526")


@pytest.mark.parametrize("symbology", [None, "]C0", "]d1", "]Q1"])
@pytest.mark.parametrize("code", [TRACE, "81100000000000000000", "81110100000000000000", "82001111111111111111"])
def test_twenty_digits_that_begin_with_8_are_a_trace_code(code: str, symbology: str | None) -> None:
    """8110, 8111, 8112 and 8200 are GS1 application identifiers too."""
    scanned = what_was_scanned(code, symbology)
    assert scanned == TraceCode(code)
    assert isinstance(scanned, TraceCode)
    assert scanned.drug_identifier == code[:7]


@pytest.mark.parametrize("symbology", ["]C1", "]d2", "]Q3"])
def test_announced_as_gs1_they_are_read_as_gs1(symbology: str) -> None:
    assert what_was_scanned("82001111111111111111", symbology) == Gs1(others=(("8200", "1" * 16),))
    with pytest.raises(BadCode, match="not_gs1"):
        what_was_scanned(TRACE, symbology)


@pytest.mark.parametrize(
    ("text", "symbology", "reason"),
    [
        ("0107032069804987", "]C1", "gtin_check_digit"),
        ("010703206980498717290301", None, "gtin_check_digit"),
        ("(01)06901234560001(17)290301(10)LOT20260301(21)SN000000000001", None, "gtin_check_digit"),
        ("6901234567893", "]E0", "gtin_check_digit"),
        (f"01{GTIN}17290230", "]C1", "not_gs1"),
        (f"01{GTIN}17291301", "]C1", "not_gs1"),
        ("", "]C1", "not_gs1"),
        ("\x1d", "]C1", "not_gs1"),
        ("01\uff10\uff17032069804988", "]C1", "not_gs1"),
        (f"01{GTIN}17\uff1290301", "]C1", "not_gs1"),
        ("预约:42", "]Q3", "not_gs1"),
        (f"01{GTIN}10A\x1d10B", None, "contradicts_itself"),
        (f"(01){GTIN}(10)A(B)C", None, "brackets_in_value"),
    ],
)
def test_a_code_that_breaks_its_own_rules_is_refused(text: str, symbology: str | None, reason: str) -> None:
    with pytest.raises(BadCode) as refused:
        what_was_scanned(text, symbology)
    assert refused.value.reason == reason
    assert text not in str(refused.value) or not text


@pytest.mark.parametrize(
    "text",
    [
        "预约:42",
        "(备注)",
        "8100000100000000000",
        "810000010000000000011",
        "8100000100000000000１",
        "0107032069804987",
        f"01{GTIN}F810032915210526x" + "y" * 30,
        "2100001",
        "10ABC",
        "",
        "110101199003070000",
    ],
)
def test_anything_else_is_left_as_it_is(text: str) -> None:
    assert what_was_scanned(text) == Other(text)
    assert not text or text not in repr(what_was_scanned(text))


def test_a_booking_is_its_reference_and_never_shown() -> None:
    assert what_was_scanned("CB1:abcd_EFGH-12", "]Q1") == Booking("abcd_EFGH-12")
    assert "abcd_EFGH-12" not in repr(Booking("abcd_EFGH-12"))


@pytest.mark.parametrize(
    "text", ["CB1:1234567", "CB1:" + "a" * 33, "cb1:abcdefgh", "CB1:abcdefg\u0660", "CB1:abcd efgh"]
)
def test_what_is_not_quite_a_booking_is_none(text: str) -> None:
    assert what_was_scanned(text) == Other(text)


def test_a_slip_is_the_whole_of_its_code_and_never_shown() -> None:
    assert what_was_scanned("V1-260302-047-ABCDEF27", "]Q1") == VisitSlip("V1-260302-047-ABCDEF27")
    assert "ABCDEF27" not in repr(VisitSlip("V1-260302-047-ABCDEF27"))


@pytest.mark.parametrize(
    "text",
    [
        "v1-260302-047-ABCDEF27",
        "V1-260302-047-abcdef27",
        "V1-260302-47-ABCDEF27",
        "V1-260302-047-ABCDEF2",
        "V1-260302-047-ABCDEF277",
        "V1-260302-047-ABCDEF21",
        "V1-260302-04\u0667-ABCDEF27",
        "V1-260302-047-ABCDEF27\n",
        "V2-260302-047-ABCDEF27",
    ],
)
def test_what_is_not_quite_a_slip_is_none(text: str) -> None:
    assert what_was_scanned(text) == Other(text)


@pytest.mark.parametrize(
    ("typed", "scanned"),
    [
        (f"]C0{TRACE}", TraceCode(TRACE)),
        (f" {TRACE}\r\n", TraceCode(TRACE)),
        (f"]d201{GTIN}10A|21B", Gs1(GTIN, lot="A", serial="B")),
        (f"]C101{GTIN}10A]21B", Gs1(GTIN, lot="A", serial="B")),
        (f"01{GTIN}10A]21B", Gs1(GTIN, lot="A", serial="B")),
        (f"]01{GTIN}10A]21B", Other(f"]01{GTIN}10A]21B")),
        ("]Q1CB1:abcdefgh", Booking("abcdefgh")),
        ("]Q1V1-260302-047-ABCDEF27\r", VisitSlip("V1-260302-047-ABCDEF27")),
        ("]-1", Other("]-1")),
        ("a]b", Other("a]b")),
    ],
)
def test_a_keyboard_types_the_identifier_and_shows_the_separator(typed: str, scanned: Scanned) -> None:
    assert what_was_typed(typed) == scanned


def test_a_typed_code_is_refused_for_the_same_reasons() -> None:
    with pytest.raises(BadCode, match="gtin_check_digit"):
        what_was_typed("]C10107032069804987")


TEXTS = st.one_of(
    st.text(max_size=60),
    st.text("0123456789()|\x1dAF8", max_size=60),
    st.lists(
        st.sampled_from(["01" + GTIN, "(01)", GTIN, "17290230", "10", "\x1d", "|", "8110", "21", "7003", "(10)"])
    ).map("".join),
)


@given(TEXTS, st.sampled_from([None, "]C0", "]C1", "]d1", "]d2", "]Q1", "]Q3", "]e0", "]E0", "]E4", "]X9"]))
def test_no_text_raises_anything_but_bad_code(text: str, symbology: str | None) -> None:
    try:
        scanned = what_was_scanned(text, symbology)
    except BadCode:
        return
    if isinstance(scanned, Gs1) and scanned.gtin is not None:
        assert len(scanned.gtin) == 14
    if isinstance(scanned, TraceCode | Other):
        assert scanned.text == text


@given(st.from_regex(r"8[0-9]{19}", fullmatch=True))
def test_every_trace_code_is_one(code: str) -> None:
    assert what_was_scanned(code, "]C0") == TraceCode(code)
