"""The SAM protocol against its golden vectors, and against everything else bytes can be."""

from collections.abc import Mapping
from dataclasses import fields as fields_of
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.errors import BadFrame
from devices.events import IdCard
from devices.id_card_reader import wire
from devices.id_card_reader.envelopes import ENVELOPES
from devices.id_card_text import decode_card_text
from firmware_stubs.id_card_reader.cards import SyntheticCard, synthetic_resident, with_check_digit
from firmware_stubs.id_card_reader.stub import enveloped, framed
from tests.wire.vectors import bytes_of, vectors_of

DEVICE = "id_card_reader"
ANSWERS = vectors_of(DEVICE, "answer")
WHOLE_READ = bytes_of(vectors_of(DEVICE, "read")[0][1])
CARDS = vectors_of(DEVICE, "card")
EMPTY = {"None": None, "": ""}


def as_written(card: IdCard) -> dict[str, str]:
    """Return a card's fields as the vectors write them, the empty ones left out."""
    values = {field.name: getattr(card, field.name) for field in fields_of(card)}
    return {name: str(value) for name, value in values.items() if value not in (None, "", b"", False)}


def expected(fields: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in fields.items() if name != "hex" and value}


def ids(vectors: list[tuple[str, Mapping[str, str]]]) -> list[str]:
    return [name for name, _ in vectors]


COMMANDS = vectors_of(DEVICE, "command")
BAD = vectors_of(DEVICE, "bad")
BAD_CARDS = vectors_of(DEVICE, "bad_card")
BAD_ADDRESSES = vectors_of(DEVICE, "bad_address")
ENVELOPED = vectors_of(DEVICE, "envelope")


@pytest.mark.parametrize(("name", "fields"), COMMANDS, ids=ids(COMMANDS))
def test_golden_command(name: str, fields: Mapping[str, str]) -> None:
    assert wire.encode(wire.Command[name], bytes.fromhex(fields.get("argument", ""))) == bytes_of(fields)


def test_every_command_has_a_golden_vector() -> None:
    assert {name for name, _ in COMMANDS} == {command.name for command in wire.Command}


@pytest.mark.parametrize(("name", "fields"), ENVELOPED, ids=ids(ENVELOPED))
def test_golden_envelope(name: str, fields: Mapping[str, str]) -> None:
    question = wire.encode(wire.Command.FIND_CARD)
    assert ENVELOPES[name](question) == bytes_of(fields)
    assert enveloped(question, name, asking=True) == bytes_of(fields)


def test_every_envelope_has_a_golden_vector() -> None:
    assert {name for name, _ in ENVELOPED} == set(ENVELOPES)


@pytest.mark.parametrize("envelope", ENVELOPES)
@given(places=st.lists(st.integers(min_value=0), max_size=4))
def test_an_answer_is_found_inside_every_envelope(envelope: str, places: list[int]) -> None:
    stream = enveloped(WHOLE_READ, envelope) + enveloped(bytes_of(ANSWERS[0][1]), envelope)
    splitter = wire.answer_splitter()
    frames = [frame for piece in cut(stream, places) for frame in splitter.feed(piece)]
    assert frames == [WHOLE_READ, bytes_of(ANSWERS[0][1])]


@pytest.mark.parametrize(("name", "fields"), ANSWERS, ids=ids(ANSWERS))
def test_golden_answer(name: str, fields: Mapping[str, str]) -> None:
    answer = wire.decode_answer(bytes_of(fields))
    assert (answer.status, answer.content.hex()) == (fields["status"], fields["content"]), name


@pytest.mark.parametrize(("name", "fields"), BAD, ids=ids(BAD))
def test_golden_bad_frame(name: str, fields: Mapping[str, str]) -> None:
    with pytest.raises(BadFrame) as refused:
        wire.decode_answer(bytes_of(fields))
    assert refused.value.reason == fields["reason"], name


def test_golden_sam_id() -> None:
    (_, fields), *_ = vectors_of(DEVICE, "sam_id")
    assert wire.decode_sam_id(wire.decode_answer(bytes_of(fields)).content) == fields["sam_id"]


@pytest.mark.parametrize(("content", "reason"), [(bytes(16), "sam_id_blank"), (b"\1" * 15, "sam_id_length_wrong")])
def test_what_names_no_reader_is_no_number(content: bytes, reason: str) -> None:
    with pytest.raises(BadFrame, match=reason):
        wire.decode_sam_id(content)


def test_golden_whole_read() -> None:
    (_, fields), *_ = vectors_of(DEVICE, "read")
    assert len(WHOLE_READ) == 1295
    assert as_written(wire.decode_card(wire.decode_answer(WHOLE_READ).content)) == expected(fields)


def test_golden_newest_address() -> None:
    (_, fields), *_ = vectors_of(DEVICE, "newest_address")
    assert wire.decode_newest_address(wire.decode_answer(bytes_of(fields)).content) == fields["address"]


@pytest.mark.parametrize(("name", "fields"), BAD_ADDRESSES, ids=ids(BAD_ADDRESSES))
def test_golden_bad_address(name: str, fields: Mapping[str, str]) -> None:
    with pytest.raises(BadFrame) as refused:
        wire.decode_newest_address(bytes_of(fields))
    assert refused.value.reason == fields["reason"], name


STATUSES = [  # as the protocol's description lists them, so that no two are exchanged unseen
    *((0x90, "ok"), (0x9F, "card_found"), (0x91, "item_empty"), (0x10, "host_checksum_wrong")),
    *((0x11, "host_length_wrong"), (0x21, "command_wrong"), (0x23, "not_permitted"), (0x24, "unrecognised_error")),
    *((0x31, "card_refused_reader"), (0x32, "reader_refused_card"), (0x33, "verification_failed")),
    *((0x40, "card_type_unknown"), (0x41, "read_failed"), (0x47, "random_failed"), (0x60, "self_test_failed")),
    *((0x66, "not_authorised"), (0x80, "no_card"), (0x81, "select_failed")),
]


def test_every_listed_status_byte_has_its_name_and_every_other_is_unlisted() -> None:
    told = {byte: wire.decode_answer(framed(byte)).status.value for byte in range(256)}
    assert told == dict.fromkeys(range(256), "unlisted") | dict(STATUSES)


@pytest.mark.parametrize(("name", "fields"), CARDS, ids=ids(CARDS))
def test_golden_card_text(name: str, fields: Mapping[str, str]) -> None:
    assert as_written(decode_card_text(bytes_of(fields))) == expected(fields), name


@pytest.mark.parametrize(("name", "fields"), BAD_CARDS, ids=ids(BAD_CARDS))
def test_golden_bad_card(name: str, fields: Mapping[str, str]) -> None:
    with pytest.raises(BadFrame) as refused:
        decode_card_text(bytes_of(fields))
    assert refused.value.reason == fields["reason"], name


@pytest.mark.parametrize(("name", "fields"), ANSWERS, ids=ids(ANSWERS))
def test_the_stub_frames_its_answers_as_the_vectors_do(name: str, fields: Mapping[str, str]) -> None:
    frame = bytes_of(fields)
    assert framed(frame[9], bytes.fromhex(fields["content"])) == frame, name


@pytest.mark.parametrize(("name", "fields"), CARDS, ids=ids(CARDS))
def test_the_stub_lays_out_its_cards_as_the_vectors_do(name: str, fields: Mapping[str, str]) -> None:
    flags = {"resident_id": " ", "hk_macau_taiwan_residence_permit": "J"}
    flags |= {"foreign_permanent_resident_2017": "I", "foreign_permanent_resident_2023": "Y"}
    dates = {name: fields[name].replace("-", "") for name in ("born_on", "valid_from", "valid_until") if name in fields}
    card = SyntheticCard(
        kind=flags[fields["document_kind"]],
        name=fields["name"],
        latin_name=fields.get("latin_name", ""),
        sex=fields["sex"],
        ethnicity=fields.get("ethnicity_code", "01"),
        born=dates["born_on"],
        address=fields.get("address", ""),
        number=fields["number"],
        issuer=fields.get("issuer", ""),
        valid_from=dates["valid_from"],
        valid_until=dates.get("valid_until", "长期"),
        nationality=fields.get("nationality", ""),
        travel_permit_number=fields.get("travel_permit_number", ""),
    )
    assert as_written(decode_card_text(card.text_block())) == expected(fields), name


def test_nul_padding_is_stripped_like_blanks() -> None:
    block = bytearray(bytes_of(CARDS[0][1]))
    block[0:30] = "演示".encode("utf-16-le").ljust(30, b"\0")
    assert decode_card_text(bytes(block)).name == "演示"


def test_a_byte_order_mark_is_a_character_and_not_an_order() -> None:
    block = bytearray(bytes_of(CARDS[0][1]))
    block[0:4] = b"\xff\xfe\x14\x6f"
    assert decode_card_text(bytes(block)).name.startswith("\ufeff演")


def test_photo_and_finger_lengths_are_taken_from_their_fields() -> None:
    text = bytes_of(CARDS[0][1])
    card = wire.decode_card((256).to_bytes(2, "big") + (3).to_bytes(2, "big") + text + b"xyz")
    assert card.number == "11010519491231002X"
    with pytest.raises(BadFrame, match="parts_do_not_add_up"):
        wire.decode_card((256).to_bytes(2, "big") + (4).to_bytes(2, "big") + text + b"xyz")


def test_the_photo_is_kept_only_when_it_is_asked_for() -> None:
    content = wire.decode_answer(WHOLE_READ).content
    assert wire.decode_card(content).photo == b""
    kept = wire.decode_card(content, keep_photo=True)
    assert (len(kept.photo), kept.photo[:11].hex().upper()) == (1024, "574C66007E00320000FF85")
    assert "574c" not in repr(kept)
    assert repr(kept.photo[:4]) not in repr(kept)


def test_fingers_are_taken_off_and_never_kept() -> None:
    text = bytes_of(CARDS[0][1])
    for fingers in (b"", bytes(512), bytes(1024)):
        lengths = (256).to_bytes(2, "big") + (3).to_bytes(2, "big") + len(fingers).to_bytes(2, "big")
        card = wire.decode_card(lengths + text + b"xyz" + fingers, parts=3, keep_photo=True)
        assert (card.number, card.photo) == ("11010519491231002X", b"xyz")


@pytest.mark.parametrize("cut_off", [1, 3])
def test_a_number_fills_its_field(cut_off: int) -> None:
    """A resident's number has 18 characters, that of 2017 has 15: a shorter one was read wrongly."""
    for name, fields in CARDS:
        block = bytearray(bytes_of(fields))
        end = 152 if "2017" in name else 158
        block[end - 2 * cut_off : end] = b" \0" * cut_off
        with pytest.raises(BadFrame, match="number_malformed"):
            decode_card_text(bytes(block))


@given(st.binary(max_size=80) | st.binary(min_size=70, max_size=70))
def test_no_bytes_crash_the_address_decoder(content: bytes) -> None:
    try:
        assert wire.decode_newest_address(content).isprintable() or content
    except BadFrame:
        return


@given(st.binary(max_size=64))
def test_no_bytes_crash_the_answer_decoder(frame: bytes) -> None:
    for candidate in (frame, wire.PREAMBLE + frame):
        try:
            wire.decode_answer(candidate)
        except BadFrame:
            continue


@given(st.binary(max_size=300))
def test_no_bytes_crash_the_card_decoder(content: bytes) -> None:
    for candidate in (content, b"\x01\x00\x00\x00" + content[:256].ljust(256, b"\0")):
        try:
            wire.decode_card(candidate)
        except BadFrame:
            continue


@given(flag=st.sampled_from(" JYI"), block=st.binary(min_size=256, max_size=256))
def test_no_card_text_crashes_its_layout(flag: str, block: bytes) -> None:
    try:
        decode_card_text(block[:248] + flag.encode("utf-16-le") + block[250:])
    except BadFrame:
        return


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({0, len(stream), *(place % (len(stream) + 1) for place in places)})
    return [stream[start:end] for start, end in pairwise(edges)]


PIECES = st.lists(
    st.one_of(
        st.sampled_from([bytes_of(fields) for _, fields in ANSWERS]),
        st.just(WHOLE_READ),
        st.just(WHOLE_READ[:500]),
        st.binary(max_size=40),
        st.just(wire.PREAMBLE),
        st.just(b"\xaa\xaa\xaa"),
    ),
    max_size=5,
).map(b"".join)


@given(stream=PIECES, places=st.lists(st.integers(min_value=0), max_size=12))
def test_slicing_the_stream_never_changes_what_comes_out(stream: bytes, places: list[int]) -> None:
    whole, sliced = wire.answer_splitter(), wire.answer_splitter()
    assert [frame for piece in cut(stream, places) for frame in sliced.feed(piece)] == whole.feed(stream)


@given(garbage=st.binary(max_size=200))
def test_garbage_then_an_answer_yields_the_answer(garbage: bytes) -> None:
    answer = bytes_of(ANSWERS[0][1])
    assert answer in wire.answer_splitter().feed(garbage + wire.PREAMBLE[:3] + answer)


@given(kept=st.integers(min_value=0, max_value=1294))
def test_an_answer_cut_short_never_borrows_bytes_from_the_next(kept: int) -> None:
    assert wire.answer_splitter().feed(WHOLE_READ[:kept] + WHOLE_READ) == [WHOLE_READ]


@given(false_length=st.integers(min_value=0, max_value=0xFFFF).filter(lambda length: length != 0x0508))
def test_an_answer_with_a_false_length_costs_itself_and_not_the_next(false_length: int) -> None:
    """Too short, too long or absurd: what follows is whole, and nothing is made of bytes of both."""
    false = WHOLE_READ[:5] + false_length.to_bytes(2, "big") + WHOLE_READ[7:]
    frames = wire.answer_splitter().feed(false + WHOLE_READ)
    assert frames[-1] == WHOLE_READ
    for frame in frames[:-1]:
        with pytest.raises(BadFrame):
            wire.decode_card(wire.decode_answer(frame).content)


@given(place=st.integers(min_value=7, max_value=1289))
def test_a_preamble_inside_an_answer_means_that_another_one_began(place: int) -> None:
    short = bytes_of(ANSWERS[0][1])
    assert wire.answer_splitter().feed(WHOLE_READ[:place] + short + WHOLE_READ[place:]) == [short]


@given(place=st.integers(min_value=5, max_value=1294), bit=st.integers(min_value=0, max_value=7))
def test_no_flipped_bit_passes_as_an_answer(place: int, bit: int) -> None:
    damaged = bytearray(WHOLE_READ)
    damaged[place] ^= 1 << bit
    with pytest.raises(BadFrame):
        wire.decode_answer(bytes(damaged))


def test_check_digits_of_the_standards_example() -> None:
    """GB 11643-1999, worked example."""
    assert with_check_digit("11010519491231002") == "11010519491231002X"


def test_synthetic_residents_are_all_different_and_repeatable() -> None:
    numbers = [synthetic_resident(seed).number for seed in range(20_000)]
    assert len(set(numbers)) == len(numbers)
    assert synthetic_resident(7) == synthetic_resident(7)
