"""The spool of a desk PC: what was promised is there, whatever happens to the file; and the folder beside it."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from devices.adapter import DeviceSpec
from devices.agent.clock import ServerClock
from devices.agent.folder import Credential, Folder, FolderUnusable, default_folder
from devices.agent.messages import SpoolTrouble
from devices.agent.outgoing import Lasting
from devices.agent.spool import Spool, SpoolFailed, SpoolFull, SpoolTaken
from devices.agent.standing import Standing
from devices.agent.uplink import Uplink
from devices.events import DeviceEvent, SlipPrinted, TemperatureMeasured, TemperatureSample
from devices.receipts import Receipt
from tests.conftest import ManualClock
from tests.devices.parts import eventually

MUCH = 1_000_000
ROOT = Path(__file__).parents[2]


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    return tmp_path / "spool.db"


def contents(spool: Spool) -> list[bytes]:
    return [one.content for one in spool.oldest(MUCH, MUCH)]


def test_what_was_kept_comes_back_in_its_order_under_the_same_ids(path: Path) -> None:
    spool = Spool(path)
    spool.add([b"1", b"2"])
    spool.add([b"3"])
    before = spool.oldest(MUCH, MUCH)
    spool.close()
    again = Spool(path)
    assert again.oldest(MUCH, MUCH) == before
    assert len(again) == 3
    again.answered(before[:2], {})
    assert contents(again) == [b"3"]
    again.close()


def test_an_id_is_never_given_twice_also_after_the_spool_was_empty(path: Path) -> None:
    spool = Spool(path)
    spool.add([b"1"])
    first = spool.oldest(1, MUCH)
    spool.answered(first, {})
    spool.close()
    again = Spool(path)
    again.add([b"2"])
    assert {one.id for one in first}.isdisjoint(one.id for one in again.oldest(1, MUCH))
    again.close()


def test_two_spools_never_share_an_id(tmp_path: Path) -> None:
    spools = [Spool(tmp_path / name) for name in ("one.db", "two.db")]
    for spool in spools:
        spool.add([b"1"])
    assert spools[0].oldest(1, MUCH)[0].id != spools[1].oldest(1, MUCH)[0].id
    for spool in spools:
        spool.close()


def test_a_full_spool_keeps_what_it_promised_and_refuses_what_comes(path: Path) -> None:
    spool = Spool(path, most_kept=2)
    spool.add([b"1", b"2"])
    with pytest.raises(SpoolFull):
        spool.add([b"3"])
    assert contents(spool) == [b"1", b"2"]
    spool.answered(spool.oldest(1, MUCH), {})
    spool.add([b"3"])
    assert contents(spool) == [b"2", b"3"]
    spool.close()


def test_a_batch_is_bounded_by_bytes_and_holds_at_least_one_event(path: Path) -> None:
    spool = Spool(path)
    spool.add([b"a" * 100, b"b" * 100, b"c" * 100])
    assert [len(spool.oldest(MUCH, most)) for most in (10, 100, 200, 299, 300)] == [1, 1, 2, 2, 3]
    spool.close()


def test_what_the_server_refuses_is_put_apart_and_holds_nothing_up(path: Path) -> None:
    spool = Spool(path)
    spool.add([b"good", b"bad", b"good too"])
    kept = spool.oldest(MUCH, MUCH)
    spool.answered(kept, {kept[1].id: "not_your_device"})
    assert (len(spool), spool.refused) == (0, 1)
    spool.close()


@pytest.mark.parametrize("damage", [b"this was never a database", b""], ids=["foreign bytes", "nothing at all"])
def test_a_damaged_file_is_set_aside_and_does_not_stop_the_program(path: Path, damage: bytes) -> None:
    path.write_bytes(damage)
    spool = Spool(path)
    spool.add([b"1"])
    assert contents(spool) == [b"1"]
    assert spool.set_aside == (1 if damage else 0)
    spool.close()
    aside = list(path.parent.glob("spool.db.damaged-*"))
    assert [one.read_bytes() for one in aside] == ([damage] if damage else [])


def test_a_file_damaged_in_its_middle_is_set_aside(path: Path) -> None:
    spool = Spool(path)
    spool.add([os.urandom(200) for _ in range(500)])
    spool.close()
    with path.open("r+b") as file:
        for page in range(1, 20):
            file.seek(page * 4096)
            file.write(b"\xa5" * 4096)
    again = Spool(path)
    assert (len(again), again.set_aside) == (0, 1)
    again.close()


def test_a_second_program_does_not_touch_it(path: Path) -> None:
    spool = Spool(path)
    spool.add([b"1"])
    with pytest.raises(SpoolTaken):
        Spool(path)
    assert contents(spool) == [b"1"]
    spool.close()


def test_a_folder_that_cannot_be_written_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(SpoolFailed):
        Spool(tmp_path / "nowhere" / "spool.db")


FILL = """
import sys
from pathlib import Path
from devices.agent.messages import SpoolTrouble
from devices.agent.outgoing import Lasting
from devices.agent.spool import Spool
spool = Spool(Path(sys.argv[1]))
for count in range(10_000):
    spool.add([str(count).encode()])
    print(count, flush=True)
"""


def test_killed_at_any_moment_nothing_promised_is_missing(path: Path) -> None:
    for _ in range(3):
        with subprocess.Popen([sys.executable, "-c", FILL, str(path)], stdout=subprocess.PIPE, cwd=ROOT) as writer:  # noqa: S603 - our own words
            assert writer.stdout is not None
            promised = [writer.stdout.readline() for _ in range(50)]
            writer.kill()
            promised += [line for line in writer.stdout if line.endswith(b"\n")]
        spool = Spool(path)
        assert contents(spool)[: len(promised)] == [line.strip() for line in promised]
        assert spool.set_aside == 0
        spool.answered(spool.oldest(MUCH, MUCH), {})
        spool.close()


class Disk(Spool):
    """A spool that notes when it was asked to keep something, and whether it could."""

    def __init__(self, path: Path, told: list[str], most_kept: int = 1000) -> None:
        super().__init__(path, most_kept)
        self._told = told

    def add(self, contents: Sequence[bytes]) -> None:
        super().add(contents)
        self._told.append("on the disk")


async def kept_by(spool: Spool, told: list[str], *events: DeviceEvent) -> Standing:
    """Hand durable events to a desk PC's keeping, and wait until it has settled them."""
    standing = Standing("http://127.0.0.1:9", "Front desk", "desk-1")
    async with Uplink(Credential(standing.server, "id", "Front desk", "desk-1", "t")) as uplink:
        lasting = Lasting(spool, uplink, standing, ServerClock())
        for event in events:
            lasting.take(event)  # type: ignore[arg-type]  # all of them are durable
        keeping = asyncio.create_task(lasting.keep())
        await eventually(lambda: told or standing.lost, "it is settled")
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        await lasting.close()
    return standing


def reading(told: list[str]) -> TemperatureMeasured:
    sample = TemperatureSample(
        probe_id="p", boot=1, seq=1, measured_at=None, uptime_s=1, milli_celsius=4, fault=None, retained=False
    )
    receipt = Receipt(lambda is_kept: told.append("acknowledged" if is_kept else "declined"))
    return TemperatureMeasured("fridges", sample, receipt)


async def test_a_reading_is_acknowledged_when_it_is_on_the_disk_and_not_before(path: Path) -> None:
    told: list[str] = []
    standing = await kept_by(Disk(path, told), told, reading(told))
    assert told == ["on the disk", "acknowledged"]
    assert standing.spool_depth == 1


async def test_a_full_spool_leaves_readings_with_their_senders_and_counts_what_has_none(path: Path) -> None:
    told: list[str] = []
    printed = SlipPrinted("printer-1", "job-1", is_confirmed=True)
    standing = await kept_by(Disk(path, told, most_kept=1), told, reading(told), printed)
    assert told == ["declined"]
    assert (standing.lost, standing.spool_trouble) == (1, SpoolTrouble.FULL)


def test_the_credential_is_the_owners_alone_and_shows_in_no_repr(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "desk")
    assert folder.credential() is None
    credential = Credential("https://server", "id", "Front desk", "desk-1", "the-token", "the-pem", is_pinned=True)
    folder.keep_credential(credential)
    assert folder.credential() == credential
    assert (folder.path / "credential.json").stat().st_mode & 0o777 == 0o600
    assert folder.path.stat().st_mode & 0o777 == 0o700
    assert "the-token" not in repr(credential)


def test_a_folder_forgets_who_it_was_and_keeps_its_spool(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.keep_credential(Credential("https://server", "id", "Front desk", "desk-1", "t"))
    folder.keep_devices((DeviceSpec("reader-1", "id_card_reader", "tcp://10.0.0.9:4001"),))
    spool = Spool(folder.spool)
    spool.add([b"1"])
    spool.close()
    assert folder.forget()
    assert not folder.forget()
    assert (folder.credential(), folder.devices(), folder.spool.exists()) == (None, (), True)


def test_a_damaged_credential_is_told_in_a_sentence_and_a_damaged_list_of_devices_is_none(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    (tmp_path / "credential.json").write_bytes(b'{"server": 1')
    (tmp_path / "devices.json").write_bytes(b"\x00\xff")
    with pytest.raises(FolderUnusable, match="pair this PC again"):
        folder.credential()
    assert folder.devices() == ()


@pytest.mark.parametrize(
    ("platform", "environment", "folder"),
    [
        ("linux", {"STATE_DIRECTORY": "/var/lib/clinic-agent"}, "/var/lib/clinic-agent"),
        ("linux", {"XDG_STATE_HOME": "/state"}, "/state/clinic-agent"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/clinic-agent"),
    ],
)
def test_each_platform_keeps_its_state_where_its_programs_do(
    platform: str, environment: dict[str, str], folder: str
) -> None:
    assert default_folder(environment, platform) == Path(folder)


def test_the_servers_time_goes_on_whatever_happens_to_the_machines_clock() -> None:
    own, server = ManualClock(), ManualClock()
    server.step(minutes=20)
    clock = ServerClock(own.now, own.monotonic)
    assert (clock.utc_now(), clock.offset_ms) == (own.now(), 0)
    asked_at_s = own.monotonic()
    own.pass_time(seconds=0.4)
    server.pass_time(seconds=0.2)
    clock.learn(server.now(), asked_at_s)
    server.pass_time(seconds=0.2)
    assert clock.utc_now() == server.now()
    assert clock.offset_ms == 1_200_000
    own.step(hours=-5)
    own.pass_time(seconds=60)
    server.pass_time(seconds=60)
    assert clock.utc_now() == server.now()


def test_an_answer_that_took_long_does_not_spoil_a_clock_that_is_right() -> None:
    own = ManualClock()
    clock = ServerClock(own.now, own.monotonic)
    clock.learn(own.now(), own.monotonic())
    asked_at_s, read_at = own.monotonic(), own.now()
    own.pass_time(seconds=9)
    clock.learn(read_at, asked_at_s)
    assert clock.utc_now() == own.now()
