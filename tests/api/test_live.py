"""The live stream's queue: bounded, honest about what it dropped, and gone with its page."""

import pytest

from clinic_server.kit.broadcast import RESYNC, Broadcaster, Change
from clinic_server.kit.tx import Signal


def signal(seq: int, *topics: str) -> Signal:
    return Signal(seq, frozenset(topics))


async def test_a_page_hears_its_topics_in_order_and_no_others() -> None:
    broadcaster = Broadcaster()
    with broadcaster.open(frozenset({"visits"})) as page:
        broadcaster.publish([signal(1, "visits"), signal(2, "stock"), signal(3, "visits", "stock")])
        assert [await page.next(1), await page.next(1)] == [Change(1, "visits"), Change(3, "visits")]
        with pytest.raises(TimeoutError):
            await page.next(0.01)


async def test_a_page_too_slow_to_read_is_told_to_look_at_everything_again() -> None:
    broadcaster = Broadcaster()
    with broadcaster.open(frozenset({"visits"})) as page:
        broadcaster.publish(signal(seq, "visits") for seq in range(1, 200))
        heard = []
        while not heard or heard[-1] != Change(199, "visits"):
            heard.append(await page.next(1))
        assert len(heard) < 100
        assert heard[0] is not None
        assert heard[0].topic == RESYNC


async def test_nothing_is_kept_of_a_page_that_was_closed() -> None:
    broadcaster = Broadcaster()
    for _ in range(1000):
        with broadcaster.open(frozenset({"visits"})):
            assert len(broadcaster) == 1
    assert len(broadcaster) == 0


async def test_a_stopping_server_ends_every_stream_also_one_opened_meanwhile() -> None:
    broadcaster = Broadcaster()
    with broadcaster.open(frozenset({"visits"})) as before:
        broadcaster.close()
        with broadcaster.open(frozenset({"visits"})) as after:
            assert (await before.next(1), await after.next(1)) == (None, None)


async def test_whoever_looks_at_everything_forgets_what_waits_but_not_that_the_server_stops() -> None:
    broadcaster = Broadcaster()
    with broadcaster.open(frozenset({"visits"})) as page:
        broadcaster.publish(signal(seq, "visits") for seq in range(1, 9))
        page.forget()
        broadcaster.publish([signal(9, "visits")])
        assert await page.next(1) == Change(9, "visits")
        page.close()
        page.forget()
        assert await page.next(1) is None
