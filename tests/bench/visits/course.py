"""The requests of one visit, from the ticket to the way out, as the desks of one line make them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

import msgspec

from firmware_stubs.rehearsal import deeds
from firmware_stubs.rehearsal.deeds import Deed
from tests.bench.visits.client import Client

STEPS = ("check-in", "questions", "decision", "consent", "permit", "dose", "leaving")
_SURNAMES = "王李张刘陈杨黄赵周吴徐孙马朱胡郭何林高罗"
_GIVEN = "伟芳娜敏静丽强磊洋艳勇军杰娟涛明超秀霞平刚桂兰玉萍红梅建国华"
_chance = Random(9)  # noqa: S311  # it makes up names


@dataclass(frozen=True, slots=True)
class Told:
    """What the desks read once and say of everybody: the questions, the text to sign, the list of confirmations."""

    questions: tuple[str, ...]
    sheet: Mapping[str, Any]
    check_list: Mapping[str, Any]


@dataclass(slots=True)
class Line:
    """One of each desk: the tokens of those who sit there by what they do, the bench's units, and times by step."""

    client: Client
    tokens: Mapping[str, str] = field(repr=False)
    told: Told
    product_code: str
    units: list[str]
    took_s: dict[str, list[float]] = field(default_factory=lambda: {step: [] for step in STEPS})

    async def up_to_needle(self) -> str:
        """Take somebody new from the door to a chair of the observation, and return their visit."""
        visit_id = (await self._do("check-in", "registrar", deeds.check_in_typed(somebody())))["visit_id"]
        answers = dict.fromkeys(self.told.questions, "no")
        answered = await self._do("questions", "physician", deeds.answer_questions(visit_id, answers, {}))
        recommended = {"screening_id": answered["screening_id"], "outcome": "recommended"}
        decision = deeds.decide(visit_id, recommended | {"product_code": self.product_code})
        decided = await self._do("decision", "physician", decision)
        sheet = {**self.told.sheet, "decision_id": decided["decision_id"]}
        signed = deeds.consent(visit_id, sheet, [deeds.signature("recipient", "self")])
        await self._do("consent", "registrar", signed)
        unit = self.units.pop()
        permit = await self._do("permit", "vaccinator", deeds.ask_for_permit(visit_id, unit, self.told.check_list))
        dose = deeds.give_dose(visit_id, permit["permit_id"], "left_upper_arm", unit)
        await self._do("dose", "vaccinator", dose)
        return visit_id

    async def out(self, visit_id: str) -> None:
        """Let somebody leave whose observation is over."""
        await self._do("leaving", "observer", deeds.leave(visit_id))

    async def _do(self, step: str, role: str, deed: Deed) -> Any:
        body = b"" if deed.body is None else msgspec.json.encode(deed.body)
        answer, took_s = await self.client.post(deed.path, self.tokens[role], body)
        self.took_s[step].append(took_s)
        return answer


def somebody() -> Mapping[str, str]:
    """Return a traveller with a passport nobody has shown yet."""
    name = _chance.choice(_SURNAMES) + "".join(_chance.sample(_GIVEN, 2))
    born_on = f"{_chance.randint(1966, 2004)}-{_chance.randint(1, 12):02}-{_chance.randint(1, 28):02}"
    person = {"typed_reason": "no_card", "document_kind": "passport", "issuing_country": "CHN", "name": name}
    return person | {"number": f"E{_chance.randrange(10**8):08}", "sex": "male", "born_on": born_on}
