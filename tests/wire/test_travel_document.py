"""Machine readable zones against their golden vectors, and against everything else lines can be."""

from collections.abc import Mapping
from dataclasses import fields as fields_of
from datetime import date
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from devices.errors import BadFrame
from devices.events import IdCard
from devices.travel_document import wire
from devices.travel_document.mrz import check_digit, decode
from firmware_stubs.travel_document.documents import (
    SyntheticDocument,
    synthetic_passport,
    synthetic_permit,
    synthetic_taiwan_permit,
)
from tests.wire.vectors import vectors_of

ZONES = vectors_of("travel_document", "zone")
SOUND = [(name, fields) for name, fields in ZONES if "reason" not in fields]
WRONG = [(name, fields) for name, fields in ZONES if "reason" in fields]
TODAY = date(2026, 11, 25)
PASSPORT = SyntheticDocument()


def lines_of(fields: Mapping[str, str]) -> list[str]:
    return fields["lines"].split()


def as_written(card: IdCard) -> dict[str, str]:
    """Return a card's fields as the vectors write them, the empty ones left out."""
    values = {field.name: getattr(card, field.name) for field in fields_of(card)}
    return {name: str(value) for name, value in values.items() if value not in (None, "", b"", False)}


def read(document: SyntheticDocument, today: date = TODAY) -> IdCard:
    return decode("".join(document.lines()), today)


def gathered(*pieces: bytes) -> list[str]:
    """Return the zones in a stream that was cut into these pieces."""
    splitter, gatherer = wire.line_splitter(), wire.ZoneGatherer()
    zones = [zone for piece in pieces for line in splitter.feed(piece) for zone in gatherer.feed(line)]
    last = gatherer.feed(splitter.end_of_silence()) if splitter.has_pending else []
    return zones + last + gatherer.end_of_silence()


@pytest.mark.parametrize(("name", "fields"), SOUND, ids=[name for name, _ in SOUND])
def test_golden_zone(name: str, fields: Mapping[str, str]) -> None:
    card = decode("".join(lines_of(fields)), date.fromisoformat(fields["today"]))
    assert as_written(card) == {key: fields[key] for key in fields if key not in {"lines", "today"}}, name


@pytest.mark.parametrize(("name", "fields"), WRONG, ids=[name for name, _ in WRONG])
def test_golden_wrong_zone(name: str, fields: Mapping[str, str]) -> None:
    with pytest.raises(BadFrame) as refused:
        decode("".join(lines_of(fields)), date.fromisoformat(fields["today"]))
    assert refused.value.reason == fields["reason"], name


@pytest.mark.parametrize(("name", "fields"), ZONES, ids=[name for name, _ in ZONES])
@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n", b"\t", b"\r\n\x03\x02"])
@pytest.mark.parametrize("is_joined", [True, False], ids=["joined", "line_by_line"])
def test_the_lines_of_a_golden_zone_are_gathered(
    name: str, fields: Mapping[str, str], end: bytes, is_joined: bool
) -> None:
    lines = lines_of(fields)
    sent = ["".join(lines)] if is_joined else lines
    assert gathered(b"".join(line.encode() + end for line in sent)) == ["".join(lines)], name


@pytest.mark.parametrize(("name", "fields"), SOUND, ids=[name for name, _ in SOUND])
def test_the_stub_writes_its_zones_as_the_vectors_do(name: str, fields: Mapping[str, str]) -> None:
    lines = lines_of(fields)
    card = decode("".join(lines), TODAY)
    family, _, given_names = card.latin_name.partition(", ")
    flat = "".join(lines)
    born, expires = (flat[30:36], flat[38:44]) if len(lines) == 3 else (lines[1][13:19], lines[1][21:27])
    document = SyntheticDocument(
        form={90: 1, 72: 2, 88: 3}[len(flat)],
        code=flat[:2].rstrip("<"),
        issuer=card.issuing_country,
        number=card.number,
        family_name=family,
        given_names=given_names,
        nationality=card.nationality,
        born=born,
        sex={"1": "M", "2": "F", "9": "<"}[card.sex],
        expires=expires,
        optional=lines[1][28:42].rstrip("<") if len(flat) == 88 else "",
    )
    assert document.lines() == lines, name


@pytest.mark.parametrize("form", [1, 2])
@given(number=st.text("0123456789ABCXYZ", min_size=1, max_size=15))
def test_a_number_of_any_length_comes_back_whole(form: int, number: str) -> None:
    number = number if form == 1 else number[:14]
    assert read(SyntheticDocument(form=form, code="I", number=number)).number == number


CHECKED = {  # where a check digit vouches, in the joined lines
    1: [*range(5, 37), *range(38, 45), *range(48, 60)],
    2: [*range(36, 46), *range(49, 56), *range(57, 72)],
    3: [*range(44, 54), *range(57, 64), *range(65, 88)],
}


@pytest.mark.parametrize("form", CHECKED)
@given(data=st.data())
def test_no_single_wrong_character_passes_where_a_check_digit_vouches(form: int, data: st.DataObject) -> None:
    """Weights 7, 3, 1 miss what differs by a multiple of ten, so those exchanges are left out: A for K, 0 for A."""
    optional = {1: "ABC4567890ABCDE", 2: "ABC4567", 3: "ABC4567890ABCD"}[form]
    zone = "".join(SyntheticDocument(form=form, code="I", number="D23145890", optional=optional).lines())
    assert decode(zone, TODAY).number == "D23145890"
    place = data.draw(st.sampled_from(CHECKED[form]))
    other = data.draw(st.sampled_from("<0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    assume((int(other.replace("<", "0"), 36) - int(zone[place].replace("<", "0"), 36)) % 10)
    with pytest.raises(BadFrame):
        decode(zone[:place] + other + zone[place + 1 :], TODAY)


@pytest.mark.parametrize(
    ("born", "today", "year"),
    [
        ("261125", date(2026, 11, 25), 2026),
        ("261126", date(2026, 11, 25), 2026),  # the site's day has begun, that of UTC has not
        ("261127", date(2026, 11, 25), 1926),
        ("000229", date(2026, 11, 25), 2000),
        ("000229", date(2126, 11, 25), 2000),  # 2100 has no 29 February
        ("991231", date(2026, 11, 25), 1999),
        ("991231", date(2099, 12, 30), 2099),
        ("991231", date(2099, 12, 29), 1999),
    ],
)
def test_nobody_is_born_in_the_future(born: str, today: date, year: int) -> None:
    card = read(SyntheticDocument(born=born), today)
    assert card.born_on is not None
    assert card.born_on.year == year


@pytest.mark.parametrize(
    ("expires", "today", "year"),
    [
        ("760101", date(2026, 11, 25), 2076),
        ("770101", date(2026, 11, 25), 1977),
        ("991231", date(2026, 11, 25), 1999),
        ("261124", date(2026, 11, 25), 2026),
        ("020101", date(2099, 1, 1), 2102),
    ],
)
def test_an_expiry_lies_within_fifty_years(expires: str, today: date, year: int) -> None:
    valid_until = read(SyntheticDocument(expires=expires), today).valid_until
    assert valid_until is not None
    assert valid_until.year == year


def test_an_expiry_that_only_another_century_had_is_refused() -> None:
    with pytest.raises(BadFrame, match="expiry_date_malformed"):
        read(SyntheticDocument(expires="000229"), date(2060, 1, 1))  # 2100 has no such day, and 2000 is too long ago


@given(born=st.dates(date(1927, 1, 1), TODAY))
def test_whoever_is_younger_than_99_is_read_with_their_own_birth_date(born: date) -> None:
    assert read(SyntheticDocument(born=f"{born:%y%m%d}")).born_on == born


@pytest.mark.parametrize("field", ["born", "expires"])
@pytest.mark.parametrize("day", ["991301", "990229", "9<0101", "99<<01", "99010A"])
def test_a_day_that_is_none_is_refused(field: str, day: str) -> None:
    document = SyntheticDocument(born=day) if field == "born" else SyntheticDocument(expires=day)
    with pytest.raises(BadFrame, match="birth_date_malformed" if field == "born" else "expiry_date_malformed"):
        read(document)


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (SyntheticDocument(number="<"), "number_missing"),
        (SyntheticDocument(family_name="", given_names=""), "name_missing"),
        (SyntheticDocument(sex="X"), "sex_code_unknown"),
        (SyntheticDocument(nationality="<<<"), "country_malformed"),
    ],
)
def test_what_a_document_must_say_is_missed(document: SyntheticDocument, reason: str) -> None:
    with pytest.raises(BadFrame, match=reason):
        read(document)


def test_half_a_document_never_becomes_half_of_the_next() -> None:
    first, second = synthetic_passport(1).lines(), synthetic_passport(2).lines()
    stream = "\r\n".join([first[0], *second]) + "\r\n"
    assert gathered(stream.encode()) == [first[0], "".join(second)]
    stream = "\r\n".join([first[1], *second]) + "\r\n"
    assert gathered(stream.encode()) == [first[1], "".join(second)]


def test_a_passport_between_the_lines_of_a_card_is_read_and_the_card_is_not() -> None:
    card, passport = synthetic_permit(1).lines(), synthetic_passport(1).lines()
    stream = "\r\n".join([*card[:2], *passport, card[2]]) + "\r\n"
    assert gathered(stream.encode()) == ["".join(card[:2]), "".join(passport), card[2]]


def test_a_single_line_of_30_is_no_document() -> None:
    """The permit of mainland residents for Hong Kong; shape as in public readers' code, number invented."""
    (zone,) = gathered(b"CSC000000009<3401012<9001015<6\r\n")
    with pytest.raises(BadFrame, match="mrz_incomplete"):
        decode(zone, TODAY)


@given(noise=st.lists(st.binary(max_size=25).map(lambda line: line.replace(b"<", b"")), max_size=4))
def test_noise_between_the_lines_is_skipped(noise: list[bytes]) -> None:
    between = b"\r\n".join([b"", *noise, b""])
    lines = PASSPORT.lines()
    assert gathered(between + lines[0].encode() + between + lines[1].encode() + between) == ["".join(lines)]


CHARACTERS = st.text("ABCIPV0123456789<", max_size=92)


@given(
    st.text(max_size=92)
    | CHARACTERS
    | st.sampled_from([90, 72, 88]).flatmap(
        lambda length: st.text("ABCIPVMF0123456789<", min_size=length, max_size=length)
    )
)
def test_no_characters_crash_the_decoder(zone: str) -> None:
    try:
        decode(zone, TODAY)
    except BadFrame:
        return


STREAMS = st.lists(
    st.one_of(
        st.sampled_from(["".join(lines_of(fields)) for _, fields in ZONES]).map(str.encode),
        st.sampled_from([line for _, fields in ZONES for line in lines_of(fields)]).map(str.encode),
        st.sampled_from([b"\r", b"\n", b"\t", b"\x02", b"\x03", b"\xff"]),
        st.binary(max_size=40),
    ),
    max_size=12,
).map(b"\r".join)


@given(stream=STREAMS, places=st.lists(st.integers(min_value=0), max_size=12))
def test_slicing_the_stream_never_changes_what_comes_out(stream: bytes, places: list[int]) -> None:
    edges = sorted({0, len(stream), *(place % (len(stream) + 1) for place in places)})
    assert gathered(*(stream[start:end] for start, end in pairwise(edges))) == gathered(stream)


@given(st.binary(max_size=300))
def test_no_bytes_crash_the_gatherer(stream: bytes) -> None:
    for zone in gathered(stream):
        try:
            decode(zone, TODAY)
        except BadFrame:
            continue


@given(st.integers(0, 9999), st.sampled_from([synthetic_passport, synthetic_permit, synthetic_taiwan_permit]))
def test_every_synthetic_document_is_gathered_and_decoded(seed: int, make: object) -> None:
    document = make(seed)  # type: ignore[operator]  # one of three functions
    (zone,) = gathered("\r\n".join(document.lines()).encode())
    assert decode(zone, TODAY).number == document.number


@pytest.mark.parametrize(("characters", "digit"), [("L898902C3", 6), ("D23145890734", 9), ("ZE184226B<<<<<", 1)])
def test_the_check_digit_is_that_of_the_published_specimens(characters: str, digit: int) -> None:
    assert check_digit(characters) == digit
