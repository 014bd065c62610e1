"""By what somebody is sought, and how a telephone number is written: pure."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic_server.people.rules import phone_key
from clinic_server.seeking.rules import BirthDateNotTheirs, Description, NobodyDescribed, refuse_another

MOBILE = st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)


@given(MOBILE, st.sampled_from(["", "+86", "+86 ", "0086", "0086-", "(+86) "]), st.sets(st.integers(1, 10)))
def test_a_number_is_one_however_it_is_written(number: str, before: str, blanks: set[int]) -> None:
    written = before + "".join("-" * (place in blanks) + digit for place, digit in enumerate(number))
    assert phone_key(written) == phone_key(number) == number


@given(MOBILE, MOBILE)
def test_two_numbers_are_two(one: str, other: str) -> None:
    assert (phone_key(one) == phone_key(other)) is (one == other)
    assert phone_key("+44 7700 900123") != phone_key("+86 7700 900123")


def test_a_trunk_zero_is_left_out_where_the_country_stands_before() -> None:
    assert phone_key("020-8888 6666") == phone_key("+86 20 8888 6666")


@pytest.mark.parametrize(("name", "phone"), [("", ""), ("·", ""), ("", "+86"), (" - ", "00")])
def test_signs_describe_nobody(name: str, phone: str) -> None:
    with pytest.raises(NobodyDescribed):
        Description.of(name, phone, date(1980, 5, 1))


@given(st.dates(), st.dates())
def test_only_the_birth_date_held_is_theirs(told: date, held: date) -> None:
    refuse_another(held, held)
    if told != held:
        with pytest.raises(BirthDateNotTheirs):
            refuse_another(told, held)
