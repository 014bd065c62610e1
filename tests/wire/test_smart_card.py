"""Every kind of chip card against its golden vectors, and against everything else a card can answer."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.errors import BadFrame, CardUnusable
from devices.events import IdCard
from devices.links.winscard import Slot
from devices.smart_card import apdu as apdus
from devices.smart_card.apdu import Answer, Exchange, Laying, ask
from devices.smart_card.fields import day, words
from devices.smart_card.recognition import KINDS, REFUSED, matches, read_card
from firmware_stubs.id_card_reader.cards import synthetic_resident
from firmware_stubs.smart_card.cards import (
    EstonianCard,
    Holder,
    MyKad,
    PlainResidentId,
    ResidentIdPages,
    SocialSecurityCard,
    TaiwanNhiCard,
    ThaiCard,
    UnknownCard,
    VirtualCard,
)
from tests.wire.test_id_card_reader import as_written
from tests.wire.vectors import vectors_of

READ, REFUSALS = vectors_of("smart_card", "read"), vectors_of("smart_card", "refused")
# PIN in every form, keys, counters reset, and everything that writes: none of it may ever reach a card.
DANGEROUS = {0x20, 0x21, 0x22, 0x24, 0x2A, 0x2C, 0x82, 0x84, 0x86, 0x87, 0x88} | {
    0x0E,
    0xD0,
    0xD2,
    0xD6,
    0xDA,
    0xDC,
    0xE2,
}
ATRS = [kind_atr.replace(".", "0").replace("*", "00") for kind in KINDS for kind_atr in kind.atr_patterns]
MOST_STEPS = 400
KNOWN_ATRS = [bytes.fromhex(atr) for atr in [*ATRS, *REFUSED, "3B021450"]]


def ids(vectors: list[tuple[str, Mapping[str, str]]]) -> list[str]:
    return [name for name, _ in vectors]


def said(fields: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    lines = [line.split(" -> ") for line in fields["said"].splitlines() if line]
    return [(bytes.fromhex(question), bytes.fromhex(answer)) for question, answer in lines]


def expected(fields: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in fields.items() if name not in {"atr", "said"}}


def written(card: IdCard) -> dict[str, str]:
    return {name: value for name, value in as_written(card).items() if value != "b''"}


def played(recipe: Exchange[IdCard], exchange: list[tuple[bytes, bytes]]) -> IdCard:
    """Let a recipe read a card that says exactly this, and demand that it asks exactly this."""
    remaining = list(exchange)
    try:
        asked = next(recipe)
        while True:
            question, answer = remaining.pop(0)
            assert asked.hex() == question.hex()
            asked = recipe.send(answer)
    except StopIteration as end:
        assert remaining == []
        card: IdCard = end.value
        return card


def laid(card: VirtualCard, *, keeps_photo: bool = False) -> IdCard:
    recipe = read_card(Laying(card.atr, keeps_photo))
    try:
        asked = next(recipe)
        while True:
            asked = recipe.send(card.answer(asked))
    except StopIteration as end:
        read: IdCard = end.value
        return read


def outcome_of(laying: Laying, answer_of: Callable[[int, bytes], bytes]) -> IdCard | str:
    """Return the card that is read, or the reason why none is; anything else that is raised fails the test."""
    recipe = read_card(laying)
    try:
        asked = next(recipe)
        for step in range(MOST_STEPS):
            assert asked[:2] in apdus.READING
            assert asked[1] not in DANGEROUS
            asked = recipe.send(answer_of(step, asked))
    except StopIteration as end:
        card: IdCard = end.value
        return card
    except (BadFrame, CardUnusable) as refused:
        return refused.reason
    pytest.fail("the recipe does not come to an end")


@pytest.mark.parametrize(("name", "fields"), READ, ids=ids(READ))
def test_golden_card(name: str, fields: Mapping[str, str]) -> None:
    card = played(read_card(Laying(bytes.fromhex(fields["atr"]))), said(fields))
    assert written(card) == expected(fields), name


@pytest.mark.parametrize(("name", "fields"), REFUSALS, ids=ids(REFUSALS))
def test_golden_refusal(name: str, fields: Mapping[str, str]) -> None:
    with pytest.raises(CardUnusable) as refused:
        played(read_card(Laying(bytes.fromhex(fields["atr"]))), said(fields))
    assert refused.value.reason == fields["reason"], name


MAN = {"sex": "1", "born": "19900307"}
VIRTUAL = {
    "social security 2.0": SocialSecurityCard(Holder(name="李演示", number="119900199003071001", **MAN)),
    "social security 3.0": SocialSecurityCard(Holder(name="李演示", number="119900199003071001", **MAN), "3.00"),
    "Taiwan NHI": TaiwanNhiCard(Holder(name="演示甲", number="A012345678", sex="2", born="19900307")),
    "Thai": ThaiCard(
        Holder(name="สาธิต ตัวอย่าง", latin_name="Demo Person", number="0000000000012", address="1 ถนนสาธิต", **MAN)
    ),
    "MyKad": MyKad(
        Holder(name="DEMO BIN CONTOH", number="900307000012", sex="2", born="19900307", address="1 JALAN CONTOH")
    ),
    "Estonia": EstonianCard(Holder(name="NÄIDIS ÕUNAPUU", number="49003070010", sex="2", born="19900307")),
    "resident ID in a reader without SAM": PlainResidentId(),
    "card of a shop": UnknownCard(),
}
BOUND = [(name, fields) for name, fields in READ + REFUSALS if name in VIRTUAL]


def whole(card: VirtualCard, question: bytes) -> bytes:
    """Fetch what waits, as the rule of the wire says."""
    answer = card.answer(question)
    while answer[-2] == 0x61:
        answer = answer[:-2] + card.answer(card.get_response + answer[-1:])
    return answer


@pytest.mark.parametrize(("name", "fields"), BOUND, ids=ids(BOUND))
def test_the_virtual_cards_say_what_the_vectors_say(name: str, fields: Mapping[str, str]) -> None:
    card = VIRTUAL[name]
    for question, answer in said(fields):
        if question[:1] != b"\xff":  # what a reader without SAM answers is no card's own word
            assert whole(card, question).hex() == answer.hex()


def test_every_kind_of_card_has_a_golden_vector() -> None:
    bound = {name for name, _ in BOUND}
    assert len(KINDS) == len({kind.name for kind in KINDS}) == len(READ) + 1  # the pages are those of the SAM reader
    assert bound == set(VIRTUAL)


@pytest.mark.parametrize("atr", KNOWN_ATRS, ids=bytes.hex)
@given(
    answers=st.lists(st.binary(max_size=300) | st.sampled_from([b"\x90\x00", b"\x61\x10", b"\x6c\x08"]), max_size=60)
)
def test_no_answers_crash_a_recipe_and_none_makes_it_send_anything_dangerous(atr: bytes, answers: list[bytes]) -> None:
    outcome = outcome_of(Laying(atr, keeps_photo=True), lambda step, _: answers[step] if step < len(answers) else b"")
    assert isinstance(outcome, IdCard) or outcome.isidentifier()


CARDS = [card for name, card in VIRTUAL.items() if name != "card of a shop"]
CARDS += [ResidentIdPages(synthetic_resident(5))]


@pytest.mark.parametrize("card", CARDS, ids=lambda card: type(card).__name__)
@given(choice=st.data())
def test_a_card_that_lies_once_never_crashes_a_recipe(card: VirtualCard, choice: st.DataObject) -> None:
    """Random bytes never get past a SELECT: here all is well but one answer, cut, turned or longer."""
    lies_at = choice.draw(st.integers(0, 40))

    def answer_of(step: int, asked: bytes) -> bytes:
        answer = card.answer(asked)
        if step != lies_at:
            return answer
        at = choice.draw(st.integers(0, len(answer) - 1))
        return answer[:at] + choice.draw(st.binary(max_size=4)) + choice.draw(st.sampled_from([b"", answer[at:]]))

    outcome = outcome_of(Laying(card.atr, keeps_photo=True), answer_of)
    assert isinstance(outcome, IdCard) or outcome.isidentifier()


@pytest.mark.parametrize("instruction", sorted(DANGEROUS))
def test_a_recipe_cannot_ask_for_more_than_reading(instruction: int) -> None:
    assert all(head[1] != instruction for head in apdus.READING)
    with pytest.raises(ValueError, match="only reads"):
        next(ask(bytes([0x00, instruction, 0x00, 0x00, 0x00])))


def test_an_old_pin_is_not_tried_even_where_everybody_knows_it() -> None:
    card = SocialSecurityCard(Holder(name="李演示", number="119900199003071001"), locked=True)
    with pytest.raises(CardUnusable):
        laid(card)
    assert {heard[1] for heard in card.heard} <= {0xA4, 0xB2, 0xC0}


def test_a_card_that_knows_only_tags_of_the_selected_file_is_read_as_well() -> None:
    card = SocialSecurityCard(Holder(name="李演示", number="119900199003071001", born="19900307"), by_tag_only=True)
    assert laid(card).number == "119900199003071001"


def test_a_long_name_goes_on_in_its_extension() -> None:
    name = "演示演示演示演示演示演示演示演" + "示" * 10
    assert len(name.encode("gbk")) == 50
    assert laid(SocialSecurityCard(Holder(name=name, number="119900199003071001"))).name == name


def test_the_old_thai_card_is_asked_for_the_rest_in_its_own_way() -> None:
    holder = Holder(name="สาธิต ตัวอย่าง", latin_name="Demo Person", number="0000000000012")
    card = ThaiCard(holder, is_old=True)
    assert laid(card).number == holder.number
    assert {heard[:4] for heard in card.heard if heard[1] == 0xC0} == {b"\x00\xc0\x00\x01"}


@pytest.mark.parametrize("keeps_photo", [False, True])
def test_the_photo_is_asked_for_only_where_the_site_keeps_photos(keeps_photo: bool) -> None:
    card = ResidentIdPages(synthetic_resident(5))
    read = laid(card, keeps_photo=keeps_photo)
    assert len(read.photo) == (1024 if keeps_photo else 0)
    assert {heard[2] for heard in card.heard} == (set(range(6)) if keeps_photo else {0, 1})


@pytest.mark.parametrize(
    ("pattern", "atr", "is_match"),
    [
        ("3B67..90", "3B670090", True),
        ("3B67.90", "3B670090", False),
        ("3B67*", "3B67", True),
        ("3B67*", "3B66", False),
        ("3B67", "3B6700", False),
    ],
)
def test_an_atr_pattern_leaves_digits_open_and_no_others(pattern: str, atr: str, is_match: bool) -> None:
    assert matches(pattern, bytes.fromhex(atr)) is is_match


@pytest.mark.parametrize("received", [b"", b"\x90"])
def test_an_answer_without_a_status_is_none(received: bytes) -> None:
    asking = ask(bytes.fromhex("00B0000000"))
    next(asking)
    with pytest.raises(BadFrame, match="answer_cut_short"):
        asking.send(received)


def test_an_answer_without_an_end_is_given_up() -> None:
    asking = ask(bytes.fromhex("00B0000000"))
    next(asking)
    for _ in range(apdus.MOST_ROUNDS - 1):
        asking.send(b"\x00\x61\x10")
    with pytest.raises(BadFrame, match="answer_endless"):
        asking.send(b"\x00\x61\x10")


@pytest.mark.parametrize(
    ("question", "again"),
    [("00B0000000", "00B0000012"), ("00A4000C", "00A4000C12"), ("80B0000402000D", "80B0000402000D12")],
)
def test_another_length_is_asked_for_as_the_card_wishes(question: str, again: str) -> None:
    asking = ask(bytes.fromhex(question))
    next(asking)
    assert asking.send(b"\x6c\x12").hex().upper() == again


def test_a_republic_and_a_buddhist_year_are_years_of_ours() -> None:
    assert str(day("25330307", years_ahead=543)) == "1990-03-07"
    assert day("25330300", years_ahead=543) is None
    with pytest.raises(BadFrame, match="date_malformed"):
        day("20230230")
    with pytest.raises(BadFrame, match="control_character_in_text"):
        words(b"a\x07b", "ascii")


@pytest.mark.parametrize(
    ("before", "now", "is_insertion"),
    [
        (Slot(), Slot(is_present=True, moves=1), True),
        (Slot(is_present=True, moves=1), Slot(is_present=True, moves=1), False),
        (Slot(is_present=True, moves=5), Slot(is_present=True, moves=7), True),
        (Slot(is_present=True, moves=0xFFFF), Slot(is_present=True, moves=1), True),
        (Slot(is_present=True, moves=5), Slot(is_present=False, moves=6), False),
    ],
    ids=["put in", "still there", "swapped unseen", "swapped unseen while the counter began anew", "taken out"],
)
def test_a_swap_that_nobody_saw_is_an_insertion(before: Slot, now: Slot, is_insertion: bool) -> None:
    assert now.is_insertion_after(before) is is_insertion


def test_nothing_of_a_card_shows_in_what_may_be_logged() -> None:
    shown = (
        repr(Answer(b"secret", 0x9000)) + repr(Laying(b"secret")) + repr(replace(Laying(b"secret"), keeps_photo=True))
    )
    assert "secret" not in shown
