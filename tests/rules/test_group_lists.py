"""The list of a group: every way to write a line, and what is wrong with one."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic_server.check_in.group.rules import (
    MOST_PEOPLE,
    GroupLineRefused,
    GroupListEmpty,
    GroupTooLarge,
    members_of,
)
from firmware_stubs.id_card_reader.cards import synthetic_resident

names = st.sampled_from(["王小明", "欧阳静", "Anna Lind", "O'Neill Seán", "阿依古丽·买买提"])
between = st.sampled_from([" ", "\t", ",", "， ", "、", "   "])
LINE = f"王小明 {synthetic_resident(7).number}"


@given(st.lists(st.tuples(st.integers(0, 800_000), names, between, st.booleans()), min_size=1, max_size=8))
def test_a_line_tells_name_number_and_birth_date_however_it_is_written(lines: list[tuple[int, str, str, bool]]) -> None:
    """What was written is what is read, in its order and under its line, empty lines between or not."""
    cards = [synthetic_resident(seed) for seed, *_ in lines]
    written = [
        f"  {name}{gap}{card.number}{gap if says_born else ''}{date.fromisoformat(card.born) if says_born else ''}"
        for card, (_, name, gap, says_born) in zip(cards, lines, strict=True)
    ]
    members = members_of("\n\n".join(written))
    assert [member.line for member in members] == [1 + 2 * place for place in range(len(lines))]
    for member, card, (_, name, *_) in zip(members, cards, lines, strict=True):
        stated = member.stated
        assert (stated.name, stated.document.number, f"{stated.born_on:%Y%m%d}") == (name, card.number, card.born)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("王小明", "group_line_unclear"),
        (synthetic_resident(7).number, "group_line_unclear"),
        (f"{synthetic_resident(7).number} 王小明", "group_number_wrong"),
        (f"王小明 {synthetic_resident(7).number[:-1]}", "group_number_wrong"),
        (f"王小明 {synthetic_resident(7).number} 1901-01-01", "group_number_wrong"),
        (f"王小明 {synthetic_resident(7).number} 1980-02-31", "group_born_missing"),
        ("陈大文 H12345678", "group_born_missing"),
    ],
)
def test_the_first_line_at_fault_is_named_with_its_reason_and_nothing_of_what_it_says(line: str, fault: str) -> None:
    with pytest.raises(GroupLineRefused) as refused:
        members_of(f"{LINE}\n\n{line}\n{line}")
    assert (refused.value.facts, refused.value.findings) == ({"line": 3}, (fault, "listed"))


def test_a_list_names_somebody_and_not_too_many() -> None:
    with pytest.raises(GroupListEmpty):
        members_of(" \n\t\n,")
    assert len(members_of("\n".join([LINE] * MOST_PEOPLE))) == MOST_PEOPLE
    with pytest.raises(GroupTooLarge):
        members_of("\n".join([LINE] * (MOST_PEOPLE + 1)))
