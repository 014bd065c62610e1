"""The SMS driver before a modem on a pseudo-terminal: what is sent, what is believed, and when it is deleted."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Timer

import pytest

from devices.errors import SpecRefused
from devices.links import open_byte_link
from devices.pagers import at_modem
from devices.pagers.page import Outcome, Page, PagerSpec, Reached
from devices.pagers.sms_modem import SmsModem
from firmware_stubs.pagers.modem import Card, ModemStub
from firmware_stubs.plugs import PtyPlug

TEXT = "冷链报警：一号冰箱 +9.4 °C，批号 202601001 已隔离。回复 4711 确认。"
PAGE = Page("4711", "COLD CHAIN A1 +9.4C", TEXT)
PHONE = "13800138000"
IN_TWO_PARTS = Page("4711", "A1", "高" * 100)
SAME_PHONE, OTHER_PHONE = "+8613800138000", "+8613800138001"


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in (("KNOCK_S", 0.3), ("QUIET_S", 0.02), ("READY_WITHIN_S", 0.3), ("LOOKS_EVERY_S", 0.05)):
        monkeypatch.setattr(at_modem, name, seconds)


@contextmanager
def modem(card: Card | None = None, *, pin: str = "", **options: str) -> Iterator[tuple[ModemStub, SmsModem]]:
    with PtyPlug("modem") as plug:
        stub = ModemStub(plug, card)
        spec = PagerSpec("m", "sms_modem", plug.url, {"waits_s": "0", **options}, {"pin": pin})
        yield stub, SmsModem(spec)


async def paged(pager: SmsModem, page: Page = PAGE) -> str:
    outcome = await pager.send(PHONE, page)
    assert outcome.reached is Reached.ACCEPTED
    assert outcome.ref
    return outcome.ref


async def test_a_page_in_chinese_arrives_whole() -> None:
    with modem() as (stub, pager):
        ref = await paged(pager)
    assert [(one.number, one.text, one.part, one.wants_report) for one in stub.sent] == [
        ("8613800138000", TEXT, "", True)
    ]
    assert PHONE not in ref


async def test_a_long_page_arrives_in_parts_with_its_number() -> None:
    with modem() as (stub, pager):
        await paged(pager, Page("4712-a", "A1", "高" * 100))
        await paged(pager, Page("4713", "SEVERAL", "x" * 1_000))
    first, second, *others = stub.sent
    assert first.text + second.text == "高" * 100 + " #4712-a"
    assert [one.part for one in stub.sent] == [" (1/2)", " (2/2)", " (1/4)", " (2/4)", " (3/4)", " (4/4)"]
    said = "".join(one.text for one in others)
    assert said.startswith("SEVERAL\nxxx")
    assert said.endswith("x.. #4713")


@pytest.mark.parametrize(
    ("sender", "said", "reply"),
    [
        (SAME_PHONE, "4711 ok", "ok"),
        (PHONE, "OK 4711", "OK"),
        (SAME_PHONE, "４７１１确认", "确认"),
        (SAME_PHONE, "4711", ""),
        (OTHER_PHONE, "4711 ok", None),
        ("CLINIC", "4711 ok", None),
        (SAME_PHONE, "47110 ok", None),
        (SAME_PHONE, "4711-b ok", None),
        (SAME_PHONE, "ok", None),
    ],
)
async def test_only_the_paged_phone_answers_and_only_with_the_pages_number(
    sender: str, said: str, reply: str | None
) -> None:
    with modem() as (stub, pager):
        ref = await paged(pager)
        stub.receive(sender, said)
        outcome = await pager.follow(ref)
    expected = Outcome(Reached.ACCEPTED, ref=ref) if reply is None else Outcome(Reached.REPLIED, ref=ref, reply=reply)
    assert outcome == expected


async def test_a_reply_is_deleted_only_after_it_was_handed_over() -> None:
    with modem() as (stub, pager):
        ref = await paged(pager)
        stub.receive(OTHER_PHONE, "the balance of your card is 3.20")
        stub.receive(SAME_PHONE, "4711 ok")
        assert len(stub.memories["SM"]) == 2
        await pager.follow(ref)
        assert len(stub.memories["SM"]) == 2
        assert (await pager.follow(ref)).reply == "ok"
        assert list(stub.memories["SM"]) == [1]
        assert (await pager.follow(ref)).reply == "ok"


async def test_a_server_that_stopped_before_it_kept_a_reply_finds_it_again() -> None:
    with modem() as (stub, pager):
        ref = await paged(pager)
        stub.receive(SAME_PHONE, "4711 ok")
        await pager.follow(ref)
        after_a_stop = SmsModem(PagerSpec("m", "sms_modem", stub.plug.url))
        assert (await after_a_stop.follow(ref)).reply == "ok"


@pytest.mark.parametrize(
    ("statuses", "reached", "reason"),
    [
        ([0, 0], Reached.DELIVERED, ""),
        ([0], Reached.ACCEPTED, ""),
        ([0, 0x20], Reached.QUEUED, ""),
        ([0, 0x46], Reached.EXPIRED, "report_expired"),
        ([0x41, 0], Reached.FAILED, "report_failed"),
    ],
)
async def test_a_page_got_as_far_as_the_worst_of_its_parts(statuses: list[int], reached: Reached, reason: str) -> None:
    with modem() as (stub, pager):
        ref = await paged(pager, IN_TWO_PARTS)
        for place, status in enumerate(statuses):
            stub.report(place, status)
        assert await pager.follow(ref) == Outcome(reached, reason, ref)


async def test_reports_that_are_not_stored_are_listened_to() -> None:
    with modem(Card(stores_reports=False), waits_s="20") as (stub, pager):
        stub.heard = lambda sent: Timer(0.1, stub.report, [sent.reference - 1]).start()
        outcome = await pager.send(PHONE, IN_TWO_PARTS)
        assert outcome.reached is Reached.DELIVERED
        assert outcome.ref
        assert await pager.follow(outcome.ref) == outcome


async def test_a_report_of_another_day_is_of_another_message() -> None:
    with modem() as (stub, pager):
        ref = await paged(pager)
        stub.report(0, ago=timedelta(days=1))
        assert (await pager.follow(ref)).reached is Reached.ACCEPTED


async def test_a_reply_counts_more_than_a_report() -> None:
    with modem() as (stub, pager):
        ref = await paged(pager)
        stub.report(0)
        assert (await pager.follow(ref)).reached is Reached.DELIVERED
        stub.receive(SAME_PHONE, "4711 ok")
        assert (await pager.follow(ref)).reached is Reached.REPLIED
        await pager.follow(ref)  # the reply is deleted
        stub.report(0)
        assert (await pager.follow(ref)).reached is Reached.REPLIED


async def test_a_full_memory_is_told() -> None:
    with modem(Card(room=1)) as (stub, pager):
        ref = await paged(pager)
        stub.receive(OTHER_PHONE, "hello")
        assert await pager.follow(ref) == Outcome(Reached.ACCEPTED, "message_store_full", ref)


@pytest.mark.parametrize(
    ("refusal", "outcome"),
    [
        ("cms_38", Outcome(Reached.FAILED, "cms_38")),
        ("cme_30", Outcome(Reached.FAILED, "cme_30")),
        ("cms_332", Outcome(Reached.UNCONFIRMED, "cms_332")),
        ("silence", Outcome(Reached.UNCONFIRMED, "no_answer")),
    ],
)
async def test_what_a_modem_refuses_was_not_sent(
    refusal: str, outcome: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(at_modem, "SENT_WITHIN_S", 0.3)
    with modem() as (stub, pager):
        stub.refuse_next.append(refusal)
        assert await pager.send(PHONE, PAGE) == outcome
        await paged(pager)  # and the line is in step again


@pytest.mark.parametrize(
    ("card", "reason"),
    [
        (Card(registered=2), "not_registered"),
        (Card(registered=3), "registration_denied"),
        (Card(registered=0, signal=99), "no_signal"),
        (Card(pin="1234", tries_left=0), "sim_locked"),
        (Card(pin="1234"), "pin_missing"),
    ],
)
async def test_a_modem_that_cannot_send_says_why(card: Card, reason: str) -> None:
    with modem(card) as (stub, pager):
        assert await pager.send(PHONE, PAGE) == Outcome(Reached.FAILED, reason)
    assert not stub.sent


async def test_a_card_is_opened_with_its_pin() -> None:
    with modem(Card(pin="1234"), pin="1234") as (_, pager):
        await paged(pager)


async def test_a_wrong_pin_is_tried_once_and_never_again() -> None:
    """The third refusal would lock the card; a modem that tells no count is not tried twice by one process."""
    with modem(Card(pin="1234"), pin="9999") as (stub, pager):
        after_a_stop = SmsModem(PagerSpec("m", "sms_modem", stub.plug.url, {}, {"pin": "9999"}))
        for tries in (pager, after_a_stop):
            assert await tries.send(PHONE, PAGE) == Outcome(Reached.FAILED, "pin_refused")
        assert stub.card.tries_left == 2
    with modem(Card(pin="1234", tells_tries=False), pin="9999") as (stub, pager):
        for _ in range(3):
            assert await pager.send(PHONE, PAGE) == Outcome(Reached.FAILED, "pin_refused")
        assert stub.card.tries_left == 2


async def test_a_half_message_of_an_earlier_talk_is_given_up() -> None:
    with modem() as (stub, pager):
        async with await open_byte_link(stub.plug.url) as line:
            await line.write(b"AT+CMGS=20\r")
        await paged(pager)
        assert len(stub.sent) == 1


async def test_nobody_on_the_line_and_no_number_are_failures() -> None:
    with modem() as (stub, pager):
        assert await pager.send("138 0013", PAGE) == Outcome(Reached.FAILED, "address_malformed")
        stub.plug.connect(lambda _: None)
        assert await pager.send(PHONE, PAGE) == Outcome(Reached.FAILED, "no_answer")
        assert await pager.follow("nonsense") == Outcome(Reached.UNCONFIRMED, "bad_frame", "nonsense")
    assert (await pager.send(PHONE, PAGE)).reached is Reached.FAILED


@pytest.mark.parametrize(
    ("url", "options", "pin"),
    [
        ("http://x/", {}, ""),
        ("tcp://m:1", {"country": "+86"}, ""),
        ("tcp://m:1", {"report": "yes"}, ""),
        ("tcp://m:1", {}, "1\r2"),
    ],
)
def test_a_modem_set_up_wrongly_is_refused(url: str, options: dict[str, str], pin: str) -> None:
    with pytest.raises(SpecRefused):
        SmsModem(PagerSpec("m", "sms_modem", url, options, {"pin": pin}))
