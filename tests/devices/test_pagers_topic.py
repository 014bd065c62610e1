"""A topic with its acknowledgements, a siren, a screen, and Apprise."""

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from devices.errors import BadFrame, SpecRefused
from devices.links import Subscription, open_message_link
from devices.links.port import MessageLink
from devices.pagers.mqtt_topic import acknowledged
from devices.pagers.page import Outcome, PagerSpec, Reached, TwoWayPager
from devices.pagers.registry import pager_for
from devices.pagers.siren import Siren
from firmware_stubs.pagers.robots import REFUSALS, Mishap, Reply, RobotsStub
from firmware_stubs.plugs import MemoryPlug, Plug, PtyPlug, TcpPlug
from tests.devices.broker_side import publishing
from tests.devices.pager_parts import HERE, PAGE
from tests.devices.parts import Mosquitto, eventually

names = itertools.count()
ON, OFF = bytes.fromhex("a00101a2"), bytes.fromhex("a00100a1")
BY_APPRISE = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # it loads 171 services to speak to one


# ---- a topic ----


@pytest.fixture(name="topic")
def _topic() -> str:
    return f"site/alarm-{next(names)}-{time.time_ns()}"


def topic_at(broker: Mosquitto, topic: str, waits_s: int = 5) -> TwoWayPager:
    options = {"topic": topic, "waits_s": str(waits_s)}
    pager = pager_for(PagerSpec(topic.replace("/", "-"), "mqtt_topic", broker.url, options, {}, HERE))
    assert isinstance(pager, TwoWayPager)
    return pager


@asynccontextmanager
async def listening(broker: Mosquitto, topic: str) -> AsyncIterator[MessageLink]:
    """Be the thing that hangs on the topic."""
    subscription = Subscription(f"light-{next(names)}-{time.time_ns()}", [topic], passing=True)
    async with await open_message_link(broker.url, subscription) as link:
        yield link


def told(state: str, number: str = PAGE.number, reply: str = "") -> bytes:
    return json.dumps({"number": number, "state": state, "reply": reply}).encode()


async def test_a_page_on_a_topic_is_accepted_by_the_broker(mosquitto: Mosquitto, topic: str) -> None:
    async with listening(mosquitto, f"{topic}/ward-3") as light:
        outcome = await topic_at(mosquitto, topic, waits_s=0).send("ward-3", PAGE)
        message = await light.next_message()
        message.receipt.acknowledge()
    assert outcome == Outcome(Reached.ACCEPTED, ref="4711")
    assert json.loads(message.payload) == {
        "number": "4711",
        "short": PAGE.short,
        "text": PAGE.text,
        "is_urgent": True,
        "reply_code": "01",
    }


async def test_a_page_nobody_listens_to_has_failed(mosquitto: Mosquitto, topic: str) -> None:
    assert await topic_at(mosquitto, topic).send("", PAGE) == Outcome(Reached.FAILED, "nobody_subscribes")


@pytest.mark.parametrize(
    ("payload", "outcome"),
    [
        (told("replied", reply="01"), Outcome(Reached.REPLIED, ref="4711", reply="01")),
        (told("replied"), Outcome(Reached.REPLIED, ref="4711")),
    ],
)
async def test_an_answer_on_the_acknowledgement_topic_is_the_outcome(
    mosquitto: Mosquitto, topic: str, payload: bytes, outcome: Outcome
) -> None:
    async with listening(mosquitto, topic) as light, publishing(mosquitto.url, topic.replace("/", "-")) as hand:
        sending = asyncio.create_task(topic_at(mosquitto, topic, waits_s=20).send("", PAGE))
        (await light.next_message()).receipt.acknowledge()
        for noise in (b"\xff", b"{}", told("read", "1"), told("seen"), told("read")):
            hand.publish(f"{topic}/ack", noise)
        hand.publish(f"{topic}/ack", payload)
        assert await sending == outcome


async def test_an_answer_that_comes_while_nobody_listens_is_found_later(mosquitto: Mosquitto, topic: str) -> None:
    pager = topic_at(mosquitto, topic, waits_s=0)
    async with listening(mosquitto, topic) as light, publishing(mosquitto.url, topic.replace("/", "-")) as hand:
        assert (await pager.send("", PAGE)).reached is Reached.ACCEPTED
        (await light.next_message()).receipt.acknowledge()
        async with listening(mosquitto, f"{topic}/ack") as witness:
            hand.publish(f"{topic}/ack", told("read"))
            hand.publish(f"{topic}/ack", told("read", "another"))
            for _ in range(2):
                (await witness.next_message()).receipt.acknowledge()
        assert await pager.follow("4711") == Outcome(Reached.READ, ref="4711")
        assert await pager.follow("another") == Outcome(Reached.READ, ref="another")
        assert await pager.follow("4711") == Outcome(Reached.READ, ref="4711")
        assert (await pager.follow("unheard of")).reached is Reached.ACCEPTED
    afresh = topic_at(mosquitto, topic, waits_s=0)  # the broker keeps nothing that was heard
    assert (await afresh.follow("4711")).reached is Reached.ACCEPTED


async def test_a_broker_that_is_away_or_forbids_is_told(mosquitto: Mosquitto, topic: str, tmp_path: Path) -> None:
    closed = pager_for(PagerSpec("t", "mqtt_topic", mosquitto.url, {"topic": topic}))
    assert await closed.send("", PAGE) == Outcome(Reached.FAILED, "address_not_permitted")
    strict = StrictBroker(tmp_path)
    away = topic_at(strict, topic)
    assert await away.send("", PAGE) == Outcome(Reached.FAILED, "connection_refused")
    await strict.start()
    try:
        assert await away.send("", PAGE) == Outcome(Reached.FAILED, "publication_not_permitted")
    finally:
        await strict.kill()


class StrictBroker(Mosquitto):
    """One on which everybody may listen and nobody may speak."""

    def settings(self, folder: Path) -> str:
        rights = folder / "acl"
        rights.write_text("topic read #\n")
        rights.chmod(0o700)
        return f"{super().settings(folder)}acl_file {rights}\n"


@pytest.mark.parametrize("address", ["a/b", "#", "+", "a\n", "a\x00"])
async def test_an_address_is_one_level_of_the_topic(mosquitto: Mosquitto, topic: str, address: str) -> None:
    assert await topic_at(mosquitto, topic).send(address, PAGE) == Outcome(Reached.FAILED, "address_malformed")


@pytest.mark.parametrize(
    "payload", [b"", b"[]", b"{}", told("delivered"), told("failed"), told("read", ""), told("replied", reply="\x07")]
)
def test_an_acknowledgement_that_is_none_says_nothing(payload: bytes) -> None:
    with pytest.raises(BadFrame):
        acknowledged(payload)


# ---- a siren ----


def siren_on(plug: Plug, **options: str) -> Siren:
    return Siren(PagerSpec("siren", "siren", plug.url, {"sounds_s": "0", **options}, {}, HERE))


@pytest.mark.parametrize("kind", [PtyPlug, TcpPlug, lambda: MemoryPlug(f"siren-{next(names)}")])
async def test_a_siren_is_switched_on_and_off_again(kind: type[Plug]) -> None:
    heard = bytearray()
    with kind() as plug:
        plug.connect(heard.extend)
        outcome = await siren_on(plug).send("", PAGE)
        await eventually(lambda: len(heard) == 8, "the relay heard both")
    assert outcome == Outcome(Reached.ACCEPTED, "relay_does_not_answer")
    assert bytes(heard) == ON + OFF


async def test_a_siren_cut_short_is_switched_off() -> None:
    heard = bytearray()
    with PtyPlug() as plug:
        plug.connect(heard.extend)
        sounding = asyncio.create_task(siren_on(plug, sounds_s="20").send("", PAGE))
        await eventually(lambda: bytes(heard) == ON, "it sounds")
        sounding.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sounding
        await eventually(lambda: bytes(heard) == ON + OFF, "it was switched off")


@pytest.mark.parametrize(
    ("says", "outcome"),
    [
        (b"\x06", Outcome(Reached.ACCEPTED)),
        (b"?" * 256, Outcome(Reached.UNCONFIRMED, "other_answer")),
    ],
)
async def test_a_relay_that_answers_is_believed(says: bytes, outcome: Outcome) -> None:
    plug = MemoryPlug(f"siren-{next(names)}")
    with plug:
        plug.connect(lambda heard: plug.send(says) if heard == ON else None)
        assert await siren_on(plug, answer="06").send("", PAGE) == outcome


async def test_a_siren_that_is_pulled_out_has_failed() -> None:
    with PtyPlug() as plug:
        siren = siren_on(plug)
    assert await siren.send("", PAGE) == Outcome(Reached.FAILED, "no_such_port")


async def test_a_siren_behind_a_terminal_server_is_reached_only_where_the_settings_say() -> None:
    with TcpPlug() as plug:
        closed = Siren(PagerSpec("siren", "siren", plug.url))
        assert await closed.send("", PAGE) == Outcome(Reached.FAILED, "address_not_permitted")


# ---- a screen ----


async def test_a_screen_shows_its_alerts_by_itself() -> None:
    screen = pager_for(PagerSpec("screen", "screen", ""))
    assert await screen.send("", PAGE) == Outcome(Reached.ACCEPTED, "shown_by_the_page")


# ---- Apprise ----


@BY_APPRISE
@pytest.mark.parametrize("code", [93000, 310000, 19021])
async def test_apprise_takes_a_refusal_for_success_and_is_not_believed(code: int) -> None:
    with RobotsStub() as stub:
        stub.fixed = Reply(REFUSALS[code])
        spec = PagerSpec("extra", "apprise", f"json://127.0.0.1:{stub.port}/canarykey", may_reach=HERE)
        assert await pager_for(spec).send("", PAGE) == Outcome(Reached.UNCONFIRMED, "http_status_only")
    assert len(stub.received) == 1


@BY_APPRISE
async def test_what_apprise_could_not_send_has_failed_and_its_url_is_not_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level("DEBUG"), RobotsStub() as stub:
        stub.befall_next(Mishap.DROP, Reply(status=500))
        spec = PagerSpec("extra", "apprise", f"json://127.0.0.1:{stub.port}/canarykey", may_reach=HERE)
        extra = pager_for(spec)
        assert await extra.send("", PAGE) == Outcome(Reached.FAILED, "not_sent")
        assert await extra.send("", PAGE) == Outcome(Reached.FAILED, "not_sent")
    assert "canary" not in caplog.text + repr(extra) + repr(spec)


@BY_APPRISE
async def test_apprise_reaches_no_machine_the_settings_do_not_name() -> None:
    with RobotsStub() as stub:
        closed = pager_for(PagerSpec("extra", "apprise", f"json://127.0.0.1:{stub.port}/"))
        assert await closed.send("", PAGE) == Outcome(Reached.FAILED, "address_not_permitted")
    assert stub.received == []


@BY_APPRISE
def test_a_url_apprise_does_not_know_is_refused() -> None:
    with pytest.raises(SpecRefused, match="does not know"):
        pager_for(PagerSpec("extra", "apprise", "nosuch://thing"))
