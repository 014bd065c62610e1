"""The storm's post loses nothing itself: whatever a killed broker forgot of what it confirmed last comes again."""

import asyncio
import json
from collections.abc import Callable
from random import Random

import pytest

from firmware_stubs.fridge_probe.firmware.probe_core import probe as firmware
from firmware_stubs.fridge_probe.firmware.probe_core.mqtt import CONNACK, CONNECT, PUBACK, PUBLISH, QOS_1
from firmware_stubs.fridge_probe.firmware.probe_core.ring import SLOT_BYTES, Ring
from tests.faults.storm.courses import course
from tests.faults.storm.fridges import FIRST_WAIT_S, SLOTS, Fridge, Memory, UnrulyPost

DEV = "bench-fridge"
PATIENCE_S = 20.0
HEAD_BYTES = 2  # of a packet's topic: its length
NOTHING_MORE = b"\0"


class ForgetfulBroker:
    """Confirms every reading at once; when it is killed, it has forgotten the last it confirmed, as mosquitto has.

    A real one forgets only what it had no time to save, which no test can bring about at will.
    """

    def __init__(self) -> None:
        self.confirmed: list[int] = []
        self._lines: list[asyncio.StreamWriter] = []

    def be_killed(self, forgets: int) -> None:
        """Forget, and hang up; whoever connects next finds it started again."""
        del self.confirmed[len(self.confirmed) - forgets :]
        for line in self._lines:
            line.close()
        self._lines.clear()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection until it ends."""
        self._lines.append(writer)
        try:
            while not writer.is_closing():
                kind, rest = await _packet(reader)
                writer.write(self._answer(kind, rest))
        except asyncio.IncompleteReadError:
            writer.close()

    def _answer(self, kind: int, rest: bytes) -> bytes:
        if kind == CONNECT:
            return bytes([CONNACK, 3, 0, 0, 0])
        assert kind & ~1 == PUBLISH | QOS_1
        topic_ends = HEAD_BYTES + int.from_bytes(rest[:HEAD_BYTES], "big")
        packet_id, payload = rest[topic_ends : topic_ends + 2], rest[topic_ends + 3 :]
        if rest[HEAD_BYTES:topic_ends].endswith(b"/reading"):
            self.confirmed.append(json.loads(payload)["seq"])
        return bytes([PUBACK, 3]) + packet_id + NOTHING_MORE


@pytest.mark.parametrize(
    ("killed_after", "forgets"),
    [
        (41, 1),  # what came last before 33 readings in a row were kept back: as it was in a storm of this seed
        (41, 3),
        (75, 2),  # these the probe itself sends again
        (84, 3),  # and of these one, kept back and delivered late, is older than what the probe sends again
    ],
)
async def test_what_a_killed_broker_forgot_comes_again_whatever_the_post_kept_back_since(
    killed_after: int, forgets: int
) -> None:
    broker = ForgetfulBroker()
    server = await asyncio.start_server(broker.serve, "127.0.0.1", 0)
    async with server:
        fridge = _fridge(f"mqtt://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        probe = firmware.Probe(DEV, fridge.ring, firmware.Clock(), fridge.post)
        probe.first_wait_s = FIRST_WAIT_S
        sending = asyncio.create_task(probe.send_for_ever())
        minutes = [minute for minute in fridge.minutes if minute is not None]
        sensor = iter(minutes)
        for seq in range(len(minutes)):
            probe.measure(sensor.__next__)
            await _until(lambda: not fridge.ring.unsent)
            if seq == killed_after:
                broker.be_killed(forgets)
        fridge.post.is_honest = True
        while fridge.post.kept_back:
            probe.measure(lambda: 5_000)
            await _until(lambda: not fridge.ring.unsent)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        fridge.post.close()
    assert fridge.ring.newest is not None
    assert sorted(set(broker.confirmed)) == list(range(fridge.ring.newest.seq + 1))


def _fridge(url: str) -> Fridge:
    random = Random(f"4 {DEV}")  # noqa: S311  # keeps no secret
    minutes = course(random, 1)
    return Fridge(DEV, minutes, random, UnrulyPost(random, url, DEV), Ring(Memory(SLOTS * SLOT_BYTES), SLOTS))


async def _packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    (kind,) = await reader.readexactly(1)
    length = place = 0
    while True:
        (octet,) = await reader.readexactly(1)
        length |= (octet & 0x7F) << 7 * place
        place += 1
        if not octet & 0x80:
            return kind, await reader.readexactly(length)


async def _until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not is_so():  # noqa: ASYNC110  # the firmware tells nobody
            await asyncio.sleep(0)
