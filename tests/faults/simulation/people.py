"""People who come, and those who serve them: the ordinary way, tried again where it is refused, given up in the end."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from clinic_server.kit.access import Actor
from clinic_server.kit.errors import ClinicError
from clinic_server.people.documents import Document, DocumentKind, Sex
from clinic_server.people.rules import IdentityFacts
from clinic_server.screening.rules import Answer, DecisionOutcome, Measurements, Proposal
from tests.faults.simulation.site import SEATS, SimulatedSite
from tests.proof.steps_of_visits import ALL_TOLD, ALONE, signed

MINUTE_S = 60.0
TRIES = 4
PRODUCTS = ("single", "single", "double")
UNSURE = 0.15
MOST_STEP_MIN = 3.0
NOTHING_WRONG = Measurements(36_600, 120, 80)


def made_up(number: int) -> IdentityFacts:
    """Return somebody grown up."""
    document = Document.of(DocumentKind.PASSPORT, f"S{2_000_001 + number}", "CHN")
    sex = Sex.FEMALE if number % 2 else Sex.MALE
    return IdentityFacts.stated(document, name=f"来客{number}", sex=sex, born_on=date(1960 + number % 40, 5, 6))


@dataclass(slots=True)
class Visitor:
    """One person and how far they came."""

    site: SimulatedSite
    number: int
    product: str
    visit_id: UUID | None = None

    async def come_and_go(self, arrives_after_min: float) -> None:
        """Go through the day; whoever is refused too often goes away."""
        await asyncio.sleep(arrives_after_min * MINUTE_S)
        for _ in range(TRIES):
            visit = await self._ask(lambda: self.site.check_in(made_up(self.number)))
            if visit is not None:
                self.visit_id = visit.visit_id
                break
            await self._wait()
        else:
            return
        if not await self._is_injected():
            await self._ask(lambda: self.site.abandon(self._visit))
            return
        await self._sit()

    @property
    def _visit(self) -> UUID:
        assert self.visit_id
        return self.visit_id

    @property
    def _vaccinator(self) -> Actor:
        """Who serves them: neighbours in the queue go to different benches."""
        return self.site.at_benches[self.number % len(self.site.at_benches)]

    async def _is_injected(self) -> bool:
        for _ in range(TRIES):
            if await self._is_ready() and await self._is_given():
                return True
            await self._wait()
        return False

    async def _is_ready(self) -> bool:
        """Answer, be decided about and sign, from the beginning: whatever was refused may have changed since."""
        site, doubt = self.site, self.site.random.random() < UNSURE
        said = {0: Answer.DONT_KNOW} if doubt else {}
        proposal = Proposal(DecisionOutcome.RECOMMENDED, self.product, "seen and weighed" if doubt else None, None)
        steps: list[Callable[[], Any]] = [
            lambda: site.answer(self._visit, said, NOTHING_WRONG),
            lambda: site.decide(self._visit, site.cast.physicians[0], proposal),
            lambda: site.sign(self._visit, signed(*ALONE), ALL_TOLD),
        ]
        for step in steps:
            await self._wait()
            if await self._ask(step) is None:
                return False
        return True

    async def _is_given(self) -> bool:
        site, vaccinator = self.site, self._vaccinator
        code = await self._unit()
        await self._ask(lambda: site.fetch(vaccinator, code))
        granted = await self._ask(lambda: site.ask_permit(self._visit, vaccinator, code))
        if granted is None:
            return False
        await asyncio.sleep(site.random.uniform(5, 90))
        return await self._ask(lambda: site.give(vaccinator, granted.permit_id)) is not None

    async def _unit(self) -> str:
        """Return a unit of the product ordered, a new delivery's where none is left that anybody would take."""
        site = self.site
        mine = [code for code in site.codes if site.product_of[code] == self.product and code not in site.spoilt]
        if not mine:
            until = site.today() + timedelta(days=30)
            box = f"{self._vaccinator.station}-box"  # what is brought there at once stands in no fridge that fails
            await self._ask(lambda: site.receive(self.product, 3, until, box))
            return await self._unit()
        code = mine[0]
        site.spoilt.add(code)  # whatever becomes of it, nobody tries it a second time
        return code

    async def _sit(self) -> None:
        site = self.site
        seat = SEATS[self.number % len(SEATS)]
        await self._ask(lambda: site.arrive(self._visit, seat))
        await asyncio.sleep(26 * MINUTE_S)
        await self._ask(lambda: site.look_at(self._visit, is_well=True))
        for _ in range(TRIES):
            await asyncio.sleep(5 * MINUTE_S)
            if await self._ask(lambda: site.leave(self._visit)) is not None:
                return

    async def _wait(self) -> None:
        await asyncio.sleep(self.site.random.uniform(0.2, MOST_STEP_MIN) * MINUTE_S)

    async def _ask(self, verb: Callable[[], Any]) -> Any:
        """Return what a step gave, or None where it was refused."""
        result = await self.site.insist(verb)
        return None if isinstance(result, ClinicError) else (result if result is not None else True)
