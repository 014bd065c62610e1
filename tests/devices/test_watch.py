"""The watch over a server from another PC: silence wakes people, a beat ends it, nothing else counts as a beat."""

import asyncio
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest

from devices.agent.dead_man import DeadMan, Said
from devices.agent.watch import Watch
from devices.agent.watch_orders import Channel, Orders, OrdersUnusable, Person, read_orders
from tests.devices.parts import eventually

SECRET = "0123456789abcdefSECRET"
LOOPBACK = "127.0.0.1/32"
TOML = f"""
site = "SITE1"
secret = "{SECRET}"

[[channels]]
code = "hook"
kind = "webhook"
url = "https://hooks.example/x?key=CANARY"

[[people]]
name = "duty"
channel = "hook"
address = "one"
"""


@dataclass
class Receiver:
    """A real web server that keeps what it was sent and answers what it was told to."""

    port: int = 0
    status: int = 200
    bodies: list[dict[str, object]] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        self.bodies.append(msgspec.json.decode(await reader.readexactly(int(length.split(b":")[1]))))
        writer.write(f"HTTP/1.1 {self.status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    def said(self) -> list[tuple[object, object]]:
        return [(body["address"], body["short"]) for body in self.bodies]


@dataclass
class Clock:
    """Seconds that a test lets pass."""

    now_s: float = 1000.0

    def __call__(self) -> float:
        return self.now_s


@dataclass
class Standing:
    """A watch that stands, its clock, whom it pages, and what it told."""

    watch: Watch
    clock: Clock
    receiver: Receiver
    told: list[str]

    async def asked(self, request: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.watch.port)
        writer.write(request)
        answer = await reader.read()
        writer.close()
        return answer

    async def beat(self, secret: str = SECRET) -> bytes:
        return await self.asked(f"GET /beat/{secret} HTTP/1.1\r\nhost: x\r\n\r\n".encode())


@pytest.fixture(name="standing")
async def _standing() -> AsyncIterator[Standing]:
    async with _listening() as receiver:
        channel = Channel("hook", "webhook", f"http://127.0.0.1:{receiver.port}/", may_reach=[LOOPBACK])
        people = [Person("duty", "hook", "one"), Person("lead", "hook", "two")]
        clock, told = Clock(), list[str]()
        orders = Orders("SITE1", SECRET, people, [channel], listen="127.0.0.1", port=0)
        watch = Watch(orders, told.append, clock, tries_again_after_s=0.05)
        task = asyncio.create_task(watch.stand())
        await eventually(lambda: bool(told), "the watch listens")
        yield Standing(watch, clock, receiver, told)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def _listening() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    async with await asyncio.start_server(receiver.serve, "127.0.0.1", 0) as server:
        receiver.port = server.sockets[0].getsockname()[1]
        yield receiver


async def test_silence_wakes_everybody_once_then_again_and_its_end_is_told(standing: Standing) -> None:
    standing.clock.now_s += 179
    await asyncio.sleep(1.2)  # a look passes
    assert standing.receiver.bodies == []
    standing.clock.now_s += 1
    await eventually(lambda: len(standing.receiver.bodies) == 2, "2 pages")
    silent = "SERVER SITE1 SILENT 3MIN - ALARMS MAY NOT REACH YOU"
    assert sorted(standing.receiver.said()) == [("one", silent), ("two", silent)]
    assert {body["is_urgent"] for body in standing.receiver.bodies} == {True}
    standing.clock.now_s += 1800
    await eventually(lambda: len(standing.receiver.bodies) == 4, "4 pages")
    assert standing.receiver.said()[-1][1] == "SERVER SITE1 STILL SILENT 33MIN - ALARMS MAY NOT REACH YOU"
    assert (await standing.beat()).startswith(b"HTTP/1.1 204")
    await eventually(lambda: len(standing.receiver.bodies) == 6, "6 pages")
    assert standing.receiver.said()[-1][1] == "SERVER SITE1 IS BACK"
    assert [body["number"] for body in standing.receiver.bodies] == ["W1", "W1", "W2", "W2", "W3", "W3"]


async def test_beats_keep_it_quiet_and_only_the_secret_is_a_beat(standing: Standing) -> None:
    standing.clock.now_s += 170
    await standing.beat()
    standing.clock.now_s += 170
    await asyncio.sleep(1.2)
    assert standing.receiver.bodies == []
    for request in (
        b"GET /beat/ HTTP/1.1\r\n\r\n",
        f"GET /beat/{SECRET}x HTTP/1.1\r\n\r\n".encode(),
        f"POST /beat/{SECRET} HTTP/1.1\r\n\r\n".encode(),
        b"\xff\xfe\r\n\r\n",
    ):
        assert (await standing.asked(request)).startswith(b"HTTP/1.1 404")
    assert await standing.asked(b"x" * 20_000 + b"\r\n\r\n") == b""
    standing.clock.now_s += 10
    await eventually(lambda: len(standing.receiver.bodies) == 2, "2 pages")


async def test_a_page_that_fails_is_sent_again_and_every_attempt_is_told(standing: Standing) -> None:
    standing.receiver.status = 500
    standing.clock.now_s += 180
    await eventually(lambda: len(standing.receiver.bodies) == 6, "6 pages")
    await eventually(lambda: sum(line.startswith("W1 to ") for line in standing.told) == 6, "six attempts told")
    assert standing.told[-1].split(": ")[1] == "unconfirmed http_500"
    assert not any(SECRET in line or "127.0.0.1" in line for line in standing.told)


def test_a_server_that_was_dead_before_the_watch_began_is_told() -> None:
    man = DeadMan(180, 1800, beaten_at_s=0)
    assert [man.look(at) for at in (179.9, 180, 181, 1979, 1980)] == [None, Said.SILENT, None, None, Said.STILL_SILENT]
    assert (man.beat(2000), man.beat(2060), man.look(2239)) == (Said.BACK, None, None)
    assert man.look(2240) is Said.SILENT


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("SECRET", "-"), "The secret needs 16"),
        (('"SITE1"', '"点位"'), "ASCII"),
        (('channel = "hook"', 'channel = "other"'), "There is no channel other."),
        (("[[people]]", "[[nobody]]"), "unknown field"),
        (('kind = "webhook"', 'kind = "toaster"'), "The channel hook cannot be used"),
        (("site =", "silent_after_s = 30\nsite ="), "60 seconds"),
        (("site =", "port = 'x'\nsite ="), "Expected `int`"),
        (("site =", "site"), "is not TOML"),
    ],
)
def test_orders_that_cannot_be_followed_end_in_one_sentence_without_a_value(
    tmp_path: Path, change: tuple[str, str], sentence: str
) -> None:
    said = _refused(tmp_path, TOML.replace(*change))
    assert sentence in said
    assert "CANARY" not in said
    assert said.count("\n") == 1


def test_orders_that_others_can_read_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "watch.toml"
    path.write_text(TOML)
    path.chmod(0o644)
    with pytest.raises(OrdersUnusable, match="chmod 600"):
        read_orders(path)


def test_the_command_listens_and_stops_at_once_and_says_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = _refused(tmp_path, f'listen = "127.0.0.1"\nport = {port}\n{TOML}')
        assert said.count("\n") == 1
    path = _orders(tmp_path, f'listen = "127.0.0.1"\nport = 0\n{TOML}')
    with subprocess.Popen(  # noqa: S603  # our own command
        [*_COMMAND, str(path)], stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout
        line = running.stdout.readline()
        running.send_signal(signal.SIGTERM)
        assert running.wait(20) == 0
    assert "listening on port" in line
    assert SECRET not in line


_COMMAND = (sys.executable, "-u", "-m", "devices.agent", "watch")


def _orders(folder: Path, text: str) -> Path:
    path = folder / "watch.toml"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    return path


def _refused(folder: Path, text: str) -> str:
    ran = subprocess.run(  # noqa: S603  # our own command
        [*_COMMAND, str(_orders(folder, text))], capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 3, ran
    return ran.stderr
