"""POCSAG pages as an independent receiver hears them, and how they are handed to a transmitter."""

import asyncio
import shutil
import subprocess
from pathlib import Path

import pytest

from devices.errors import SpecRefused
from devices.pagers import pocsag
from devices.pagers import pocsag_wire as wire
from devices.pagers.page import Outcome, Page, PagerSpec, Reached
from devices.pagers.pocsag import PocsagPager
from firmware_stubs.plugs import PtyPlug, TcpPlug

PAGE = Page("4711-a", "COLD CHAIN A1 +9.4C 12MIN LOT 202601001 {QUARANTINED} ~ACK 4711", "")
SAID = f"{PAGE.short} #4711-a"
SENT = Outcome(Reached.ACCEPTED, "transmitter_does_not_answer")
SILENCE = bytes(16_000)


def heard(samples: bytes, folder: Path, baud: int = 1_200) -> list[str]:
    """Return what multimon-ng makes of samples, a line a page."""
    program = shutil.which("multimon-ng")
    if program is None:
        pytest.fail("multimon-ng is missing; `python3 run.py test` installs it.")
    file = folder / "air.raw"
    file.write_bytes(SILENCE + samples + SILENCE)
    command = [program, "-q", "-t", "raw", "-a", f"POCSAG{baud}", "-f", "alpha", str(file)]
    ran = subprocess.run(command, capture_output=True, check=True)  # noqa: S603  # our own words
    lines = ran.stdout.decode("ascii", "replace").splitlines()
    return [line.replace("<ETX>", "").replace("<NUL>", "").rstrip() for line in lines]


def expected(number: int, text: str, function: int = 3, baud: int = 1_200) -> list[str]:
    return [f"POCSAG{baud}: Address: {number:7}  Function: {function}  Alpha:   {text}"]


@pytest.mark.parametrize("baud", [512, 1_200, 2_400])
@pytest.mark.parametrize(("number", "function"), [(1_234_567, 3), (8, 0), (2_097_151, 1), (1_000_004, 2)])
def test_a_receiver_hears_every_letter(number: int, function: int, baud: int, tmp_path: Path) -> None:
    letters = "".join(map(chr, range(33, 127)))  # several batches
    told = wire.samples(wire.page(number, letters, function), baud)
    assert heard(told, tmp_path, baud) == expected(number, letters, function, baud)


async def test_a_transmitter_is_handed_the_page_for_as_long_as_it_is_on_air(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(pocsag.asyncio, "sleep", sleep)
    file = tmp_path / "samples"
    file.touch()
    pager = PocsagPager(PagerSpec("p", "pocsag", f"file://{file}"))
    assert await pager.send("1234567", PAGE) == SENT
    assert heard(file.read_bytes(), tmp_path) == expected(1_234_567, SAID)
    assert max(waited) == pytest.approx(len(file.read_bytes()) / 2 / wire.SAMPLE_RATE, abs=0.3)


@pytest.mark.parametrize("kind", [PtyPlug, TcpPlug])
async def test_a_transmitter_on_a_line_gets_every_sample(kind: type[PtyPlug | TcpPlug], tmp_path: Path) -> None:
    arrived = bytearray()
    with kind() as plug:
        plug.connect(arrived.extend)
        pager = PocsagPager(
            PagerSpec("p", "pocsag", plug.url, {"baud": "2400", "function": "1"}, {}, ("127.0.0.1/32",))
        )
        assert await pager.send("1234567", PAGE) == SENT
        assert await pager.send("99C", PAGE) == SENT
    assert heard(bytes(arrived), tmp_path, 2_400) == [
        *expected(1_234_567, SAID, 1, 2_400),
        *expected(99, SAID, 2, 2_400),
    ]


async def test_bits_and_inverted_ones(tmp_path: Path) -> None:
    file = tmp_path / "bits"
    file.touch()
    options = {"form": "bits", "inverted": "yes", "baud": "2400"}
    await PocsagPager(PagerSpec("p", "pocsag", f"file://{file}", options)).send("8", Page("1", "A", ""))
    inverted = bytes(byte ^ 0xFF for byte in file.read_bytes())
    bits = "".join(f"{byte:08b}" for byte in inverted)
    assert heard(wire.samples(bits, 2_400), tmp_path, 2_400) == expected(8, "A #1", 3, 2_400)


async def test_a_transmitter_that_goes_away_in_the_middle_leaves_the_page_unconfirmed() -> None:
    with PtyPlug() as plug:
        sending = asyncio.create_task(PocsagPager(PagerSpec("p", "pocsag", plug.url)).send("8", PAGE))
        await asyncio.sleep(0.2)
        plug.unplug()
        assert (await sending).reached is Reached.UNCONFIRMED


@pytest.mark.parametrize("address", ["0", "2097152", "12E", "", "高", "-1"])
async def test_what_is_no_pagers_number_fails(address: str, tmp_path: Path) -> None:
    pager = PocsagPager(PagerSpec("p", "pocsag", f"file://{tmp_path}/none"))
    assert await pager.send(address, PAGE) == Outcome(Reached.FAILED, "address_malformed")
    assert await pager.send("8", PAGE) == Outcome(Reached.FAILED, "no_such_port")


@pytest.mark.parametrize(("url", "option"), [("http://x", "1200"), ("tcp://x:1", "1300")])
def test_a_transmitter_set_up_wrongly_is_refused(url: str, option: str) -> None:
    with pytest.raises(SpecRefused):
        PocsagPager(PagerSpec("p", "pocsag", url, {"baud": option}))
