"""The made-up site the visits go through, and the lines of desks before a server."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from clinic_server.rehearsal import Cast, Plan, Player, prepare
from firmware_stubs.rehearsal import deeds
from firmware_stubs.rehearsal.deeds import Deed
from tests.bench.visits.client import Client
from tests.bench.visits.course import Line, Told, somebody
from tests.bench.visits.served import MorningClock

SEATS = {
    "registrar": ("registrar", "desk-1"),
    "physician": ("physician", "screening-1"),
    "observer": ("observer", "observation-1"),
    "keeper": ("cold_chain_keeper", "office"),
    "lead": ("site_lead", "office"),
}


@dataclass(slots=True)
class Site:
    """A site whose day has begun: tokens of those who sit at its desks, and units that nobody has fetched yet."""

    cast: Cast
    units: list[str]
    tokens: dict[str, str] = field(default_factory=dict, repr=False)
    benches: list[str] = field(default_factory=list, repr=False)
    told: Told | None = None

    @classmethod
    def made_up(cls, folder: Path, port: int, database_url: str | None, benches: int, units: int) -> "Site":
        """Prepare a site in an empty database."""
        cast = prepare(Plan(folder, port, database_url, benches=benches, units=units + 10 * benches), MorningClock())
        return cls(cast, list(cast.trace_codes[10 * benches :]))

    async def begin_day(self, port: int) -> None:
        """Let everybody sign in, open the site, and take one person as far as the needle."""
        client = await Client.of(port)
        for name, (role, station) in SEATS.items():
            player = next(one for one in self.cast.staff if (one.role, one.station) == (role, station))
            self.tokens[name] = await _token(client, player)
        self.benches = [await _token(client, one) for one in self.cast.staff if one.role == "vaccinator"]
        await _do(client, self.tokens["lead"], deeds.open_site())
        self.told = await self._told(client)
        client.close()

    async def lines(self, port: int, count: int, visits: int) -> list[Line]:
        """Return so many lines of desks, each with units for so many visits before it."""
        assert self.told is not None  # the day has begun
        lines = []
        for number in range(count):
            tokens = {**self.tokens, "vaccinator": self.benches[number]}
            units = [self.units.pop() for _ in range(visits)]
            lines.append(Line(await Client.of(port), tokens, self.told, self.cast.product_code, units))
        return lines

    async def fetch(self, lines: list[Line]) -> None:
        """Bring the lines' units into the boxes of their benches."""
        for number, line in enumerate(lines):
            transfer = deeds.fetch_units(f"bench-{number + 1}", line.units)
            await _do(line.client, self.tokens["keeper"], transfer)

    async def _told(self, client: Client) -> Told:
        """Read what is asked of a man, what he signs and what is confirmed at the bench."""
        token = self.tokens["physician"]
        check_list = await client.get("/api/v1/check-list", self.benches[0])
        visit_id = (await _do(client, self.tokens["registrar"], deeds.check_in_typed(somebody())))["visit_id"]
        asked = await client.get(f"/api/v1/visits/{visit_id}/questions", token)
        questions = tuple(one["code"] for one in asked["questions"])
        answered = await _do(client, token, deeds.answer_questions(visit_id, dict.fromkeys(questions, "no"), {}))
        decision = {"screening_id": answered["screening_id"], "outcome": "recommended"}
        await _do(client, token, deeds.decide(visit_id, decision | {"product_code": self.cast.product_code}))
        sheet = await client.get(f"/api/v1/visits/{visit_id}/consent?language=zh-CN", token)
        return Told(questions, sheet, check_list)


async def _do(client: Client, token: str, deed: Deed) -> Any:
    answer, _ = await client.post(deed.path, token, msgspec.json.encode(deed.body or {}))
    return answer


async def _token(client: Client, player: Player) -> str:
    who = {"number": player.number, "pin": player.pin, "station": player.station}
    answer, _ = await client.post("/api/v1/session", "", msgspec.json.encode(who))
    token: str = answer["token"]
    return token
