"""Several pages in one message: nothing is lost that fits, what is cut is marked, places and lots always stay."""

from hypothesis import given
from hypothesis import strategies as st

from devices.pagers.merging import CUT, cut, fitted, merged, size
from devices.pagers.page import Page

SHORT = "COLD CHAIN A1 +9.4C 12MIN LOT 202601001 QUARANTINED ACK 4711"


def a_page(number: int, text: str) -> Page:
    return Page(str(number), f"COLD CHAIN A{number} +9.4C LOT 2026{number:05} ACK {number:04}", text)


@st.composite
def pages(draw: st.DrawFn) -> list[Page]:
    texts = draw(st.lists(st.text(st.sampled_from("ab冷链冰箱😀\n"), max_size=400), min_size=1, max_size=40))
    return [a_page(number, text) for number, text in enumerate(texts)]


LIMITS = st.integers(80, 2048)


@given(pages(), LIMITS)
def test_a_message_never_passes_its_bytes(told: list[Page], most_bytes: int) -> None:
    assert size(merged(told, most_bytes).text) <= most_bytes
    assert all(size(fitted(page, most_bytes)) <= most_bytes for page in told)


@given(pages(), LIMITS)
def test_every_page_is_in_the_message_or_waits_and_none_is_both(told: list[Page], most_bytes: int) -> None:
    message = merged(told, most_bytes)
    assert [*message.told, *message.waiting] == told
    assert message.told


@given(pages(), LIMITS)
def test_a_page_is_told_whole_or_keeps_its_place_and_lot(told: list[Page], most_bytes: int) -> None:
    message = merged(told, most_bytes)
    assert all(page.text in message.text or page.short in message.text for page in message.told)


@given(pages(), LIMITS)
def test_nothing_is_cut_while_all_of_it_fits(told: list[Page], most_bytes: int) -> None:
    whole = "\n\n".join(page.text for page in told)
    if size(whole) <= most_bytes:
        assert merged(told, most_bytes).text == whole


@given(pages(), LIMITS)
def test_a_page_waits_only_where_its_least_form_has_no_room(told: list[Page], most_bytes: int) -> None:
    message = merged(told, most_bytes)
    if message.waiting:
        with_next = [*message.told, message.waiting[0]]
        least = [min(page.short, page.text, key=size) for page in with_next]
        assert size("\n\n".join(least)) > most_bytes


@given(st.text(st.characters(blacklist_categories=("Cs",)), max_size=300), st.integers(0, 400))
def test_a_cut_keeps_whole_characters_and_is_marked(text: str, most_bytes: int) -> None:
    kept = cut(text, most_bytes)
    assert size(kept) <= most_bytes
    if kept != text and most_bytes >= size(CUT):
        assert kept.endswith(CUT)
        assert text.startswith(kept.removesuffix(CUT))
        assert size(kept) > most_bytes - 4  # no character that had room is missing


def test_a_long_page_begins_with_its_short_form_and_is_cut_visibly() -> None:
    page = Page("4711", SHORT, "一号冰箱" * 300)
    kept = fitted(page, 2048)
    assert kept.startswith(f"{SHORT}\n一号冰箱")
    assert kept.endswith(CUT)
    assert 2045 <= size(kept) <= 2048


def test_two_thousand_chinese_characters_are_six_thousand_bytes() -> None:
    """An Apprise plugin counts characters, and sends WeCom three times what it takes."""
    assert size(fitted(Page("1", SHORT, "冷" * 2000), 2048)) <= 2048


def test_twenty_fridges_of_a_power_cut_are_in_one_wecom_message() -> None:
    told = [a_page(number, f"冰箱 A{number} 温度 9.4 °C，已持续 12 分钟。" * 5) for number in range(20)]
    message = merged(told, 2048)
    assert message.waiting == []
    assert all(f"A{number} " in message.text for number in range(20))


def test_the_room_a_short_page_leaves_goes_to_a_long_one() -> None:
    message = merged([a_page(1, "x" * 1000), a_page(2, "y")], 600)
    assert size(message.text) >= 597
    assert message.text.endswith("\n\ny")
