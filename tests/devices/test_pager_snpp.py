"""The SNPP driver before real gateways in a network of their own, and before one that follows a script."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from devices.pagers import snpp
from devices.pagers.page import Outcome, Page, PagerSpec, Reached
from devices.pagers.snpp import SnppPager

ROOT = Path(__file__).parents[2]
PAGE = Page("4711-a", "COLD  CHAIN A1 +9.4C 12MIN", "", reply_code="ACK")
TEXT = "COLD  CHAIN A1 +9.4C 12MIN #4711-a"
NET_SNPP = Path("/usr/share/perl5/Net/SNPP/Server.pm")
IS_ROOT = os.geteuid() == 0
IN_A_NETWORK_OF_ITS_OWN = ("unshare", "--net", "--mount", *(() if IS_ROOT else ("--map-root-user",)))
UNPACKED = ROOT / ".tools/debian"
PORT = "14444"
OK = "250 ok"


# ---- Net::SNPP::Server: it would listen on every address, so it is given a network of its own ----


def talked(
    levels: int, *, address: str = "5551212", follows: int = 0, level: str = "auto"
) -> tuple[list[list[str | None]], str]:
    """Page by the driver in a process beside a real gateway; return its outcomes and what the gateway was told."""
    if not NET_SNPP.exists():
        pytest.fail("Net::SNPP::Server is missing; `python3 run.py test` installs it (libnet-snpp-perl).")
    orders = {"options": {"level": level}, "address": address, "follows": follows}
    return talked_to(["perl", str(ROOT / "tests/devices/snpp_gateway.pl"), PORT, str(levels)], orders)


def talked_to(command: Sequence[str], orders: dict[str, Any]) -> tuple[list[list[str | None]], str]:
    orders = {"url": f"snpp://127.0.0.1:{PORT}", "short": PAGE.short, "secrets": {}, "follows": 0, **orders}
    talk = [sys.executable, "-m", "tests.devices.snpp_talk", json.dumps(orders), *command]
    ran = subprocess.run(  # noqa: S603  # our own command
        [*IN_A_NETWORK_OF_ITS_OWN, *talk],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    lines = ran.stdout.splitlines()
    return [json.loads(line) for line in lines if line.startswith("[")], "".join(
        x for x in lines if x.startswith("PAGE")
    )


def test_a_two_way_page_is_followed_until_it_is_answered() -> None:
    outcomes, told = talked(3, follows=3)
    assert told == f"PAGE 5551212 alert=0 text={TEXT}"  # both blanks: DATA keeps what MESS would make one
    assert outcomes == [["queued", "", None], ["delivered", "", None], ["read", "", None], ["replied", "", "ACK"]]


def test_a_gateway_without_two_ways_is_given_an_urgent_page() -> None:
    assert talked(2) == ([["accepted", "", None]], f"PAGE 5551212 alert=1 text={TEXT}")


def test_the_first_level_alone_sends_one_line() -> None:
    outcomes, told = talked(2, level="1")
    assert outcomes == [["accepted", "", None]]
    assert told == f"PAGE 5551212 alert=0 text={TEXT.replace('  ', ' ')}"  # MESS makes one blank of two


def test_a_pager_the_gateway_does_not_know_fails_at_once() -> None:
    assert talked(3, address="12") == ([["failed", "snpp_550", None]], "")


# ---- HylaFAX's hfaxd: it ignores the address it is given as well, and hands pages to a scheduler and its modem ----


def talked_to_hylafax(spool: Path, *status: str, level: str = "auto") -> tuple[list[list[str | None]], str]:
    """Page through hfaxd; with a status its scheduler runs, and its modem's program ends so."""
    if not (UNPACKED / "hylafax-client").exists():
        pytest.fail("HylaFAX is missing; `python3 run.py test` unpacks it (hylafax-server, hylafax-client).")
    serving = [sys.executable, str(ROOT / "tests/devices/hylafax_gateway.py"), str(UNPACKED), str(spool), PORT, *status]
    return talked_to(serving, {"options": {"level": level}, "address": "5551212", "secrets": {"login": "clinic"}})


@pytest.mark.parametrize("level", ["auto", "1"])
def test_hylafax_without_its_scheduler_has_taken_no_page(tmp_path: Path, level: str) -> None:
    assert talked_to_hylafax(tmp_path, level=level) == ([["failed", "snpp_550", None]], "")


# The scheduler gives up groups, which nobody but root may do.
@pytest.mark.parametrize("status", ["2", "1"] if IS_ROOT else [])
def test_hylafax_says_that_it_has_dealt_with_a_page_whether_or_not_its_modem_got_through(
    tmp_path: Path, status: str
) -> None:
    """Accepted therefore means no more than taken, whatever the gateway."""
    outcomes, told = talked_to_hylafax(tmp_path, status)
    assert outcomes == [["accepted", "", None]]
    assert told == f"PAGE 5551212 text={TEXT}"


# ---- a gateway that follows a script ----


@dataclass
class Scripted:
    """Answers each command with the lines its script has for the word, and keeps what it was told."""

    script: dict[str, Sequence[str]]
    port: int = 0
    told: list[str] = field(default_factory=list)
    afterwards: dict[str, dict[str, Sequence[str]]] = field(default_factory=dict)

    def words(self) -> list[str]:
        return [line[:4] for line in self.told if line != "QUIT"]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._say(writer, self.script.get("", ["220 ready"]))
        while line := (await reader.readline()).decode().rstrip():
            self.told.append(line)
            self.script |= self.afterwards.get(line[:4], {})
            answers = self.script.get(line[:4], [OK])
            if answers == ["close"]:
                break
            self._say(writer, answers)
            if answers[-1].startswith("354"):
                await reader.readuntil(b"\r\n.\r\n")
                self._say(writer, self.script.get(".", [OK]))
        writer.close()

    def _say(self, writer: asyncio.StreamWriter, lines: Sequence[str]) -> None:
        writer.writelines(f"{line}\r\n".encode() for line in lines if line != "silence")


GO = {"DATA": ["354 go"]}
NO_TWO_WAY = {"2WAY": ["500 no"], **GO}


@asynccontextmanager
async def gateway(script: dict[str, Sequence[str]]) -> AsyncIterator[Scripted]:
    scripted = Scripted(script)
    async with await asyncio.start_server(scripted.serve, "127.0.0.1", 0) as server:
        scripted.port = server.sockets[0].getsockname()[1]
        yield scripted


def pager(scripted: Scripted, **secrets: str) -> SnppPager:
    return SnppPager(PagerSpec("g", "snpp", f"snpp://127.0.0.1:{scripted.port}", {}, secrets, ("127.0.0.1/32",)))


@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        ({**NO_TWO_WAY}, Outcome(Reached.ACCEPTED)),
        ({**NO_TWO_WAY, "": ["421 too busy"]}, Outcome(Reached.FAILED, "no_greeting")),
        ({**NO_TWO_WAY, "PAGE": ["550 no such pager"]}, Outcome(Reached.FAILED, "snpp_550")),
        ({**NO_TWO_WAY, "DATA": ["500 what?"]}, Outcome(Reached.ACCEPTED)),
        ({**NO_TWO_WAY, "DATA": ["500 what?"], "MESS": ["554 no"]}, Outcome(Reached.FAILED, "snpp_554")),
        ({**NO_TWO_WAY, ".": ["550 too long"]}, Outcome(Reached.FAILED, "snpp_550")),
        ({**NO_TWO_WAY, "SEND": ["554 no paper"]}, Outcome(Reached.FAILED, "snpp_554")),
        ({**NO_TWO_WAY, "SEND": ["close"]}, Outcome(Reached.UNCONFIRMED, "closed_by_gateway")),
        ({**NO_TWO_WAY, "PAGE": ["close"]}, Outcome(Reached.FAILED, "link_lost")),
        ({**NO_TWO_WAY, "PAGE": ["hello"]}, Outcome(Reached.FAILED, "bad_frame")),
        ({**NO_TWO_WAY, "LEVE": ["214 help", "214 more", "250 end"]}, Outcome(Reached.ACCEPTED)),
        ({**GO, "PAGE": ["850 online"], "SEND": ["860 17 4711 there"]}, Outcome(Reached.DELIVERED, ref="17 4711")),
        ({**GO, "PAGE": ["850 online"], "SEND": ["960 17 4711 waits"]}, Outcome(Reached.QUEUED, ref="17 4711")),
    ],
)
async def test_what_a_gateway_says_is_what_became_of_the_page(
    script: dict[str, Sequence[str]], outcome: Outcome
) -> None:
    async with gateway(script) as scripted:
        assert await pager(scripted).send("5551212", PAGE) == outcome


async def test_a_pager_without_two_ways_is_paged_one_way() -> None:
    async with gateway({**GO, "PAGE": ["550 not two-way"]}) as scripted:
        scripted.afterwards["RESE"] = {"PAGE": [OK]}
        assert await pager(scripted).send("5551212", PAGE) == Outcome(Reached.ACCEPTED)
        assert scripted.words() == ["2WAY", "PAGE", "RESE", "LEVE", "ALER", "PAGE", "DATA", "SEND"]


@pytest.mark.parametrize("twice", [["550 invalid", "500 not implemented"], ["250 level", "250 level"]])
async def test_a_page_is_not_sent_where_the_replies_are_one_too_many(twice: list[str]) -> None:
    """The reply to SEND would otherwise be the one to the message before it."""
    async with gateway({**NO_TWO_WAY, "LEVE": twice, "SEND": ["554 no"]}) as scripted:
        outcome = await pager(scripted).send("5551212", PAGE)
        assert outcome.reached is Reached.FAILED
        assert "SEND" not in scripted.words()


async def test_the_log_in_comes_first_and_its_refusal_is_told_without_it() -> None:
    async with gateway({**NO_TWO_WAY, "LOGI": ["550 wrong CANARY"]}) as scripted:
        outcome = await pager(scripted, login="clinic", password="CANARY").send("5551212", PAGE)  # made up
        assert scripted.told[0] == "LOGI clinic CANARY"
        assert outcome == Outcome(Reached.FAILED, "snpp_550")


async def test_a_silent_gateway_is_not_waited_for_longer_than_agreed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snpp, "ANSWER_S", 0.2)
    async with gateway({**NO_TWO_WAY, "PAGE": ["silence"]}) as scripted:
        assert await pager(scripted).send("5551212", PAGE) == Outcome(Reached.FAILED, "no_answer")
    async with gateway({**NO_TWO_WAY, "SEND": ["silence"]}) as scripted:
        outcome = await pager(scripted).send("5551212", PAGE)
        assert outcome.reached is Reached.UNCONFIRMED
        assert scripted.told[-1] == "SEND"  # no goodbye where the talk is out of step


async def test_nobody_at_the_address_is_a_failure_and_a_line_of_two_words_no_address() -> None:
    async with gateway({}) as scripted:
        gone = pager(scripted)
    assert await gone.send("5551212", PAGE) == Outcome(Reached.FAILED, "not_reached")
    assert await gone.send("555 QUIT", PAGE) == Outcome(Reached.FAILED, "address_malformed")


async def test_a_final_fate_is_dropped_at_the_gateway_once_it_was_told() -> None:
    """A server that stops before it has kept the answer can ask again."""
    async with gateway({"MSTA": ["888 1 261125103000+8 ACK"]}) as scripted:
        asks = pager(scripted)
        assert await asks.follow("17 4711") == Outcome(Reached.REPLIED, ref="17 4711", reply="ACK")
        assert scripted.words() == ["MSTA"]
        await asks.follow("18 4712")
        await asks.follow("19 4713")
    told = [line for line in scripted.told[1:] if line != "QUIT"]
    assert told == ["MSTA 18 4712", "KTAG 17 4711", "MSTA 19 4713", "KTAG 18 4712"]


async def test_an_answer_stands_where_the_gateway_hangs_up_at_the_tag_of_another() -> None:
    async with gateway({"MSTA": ["881 1 261125103000+8"], "KTAG": ["close"]}) as scripted:
        asks = pager(scripted)
        for ref in ("17 4711", "18 4712"):
            assert await asks.follow(ref) == Outcome(Reached.READ, ref=ref)


async def test_what_a_gateway_lacks_it_is_asked_for_once() -> None:
    """Net::SNPP::Server hangs up after five commands it does not know, in one connection."""
    unknown = {word: ["500 what?"] for word in ("2WAY", "LEVE", "ALER", "DATA")}
    async with gateway({**unknown}) as scripted:
        asks = pager(scripted)
        for _ in range(2):
            assert await asks.send("5551212", PAGE) == Outcome(Reached.ACCEPTED)
    assert scripted.words() == ["2WAY", "LEVE", "ALER", "PAGE", "DATA", "MESS", "SEND", "PAGE", "MESS", "SEND"]
