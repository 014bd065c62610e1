"""A clinic at noon: somebody at every stage, who must be able to go on whatever happened to the database meanwhile."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from clinic_server.kit.errors import ClinicError
from clinic_server.screening.rules import DecisionOutcome, Measurements, Proposal
from clinic_server.visits.flow import Stage
from tests.proof.clinic import PEOPLE, Clinic, PostgresPlace, SqlitePlace
from tests.proof.steps_of_visits import ALL_TOLD, ALONE, signed

GROWN_UP = [PEOPLE[number] for number in (0, 1, 5, 6, 7)]
STEPS = ("answer", "decide", "sign", "permit", "give", "leave")
LAST_BEFORE_NOON = ("", "answer", "decide", "permit", "give")  # of each of the five


@contextmanager
def a_clinic(engine: str, request: pytest.FixtureRequest, folder: Path) -> Iterator[Clinic]:
    """Yield a clinic with its staff on an engine."""
    place: SqlitePlace | PostgresPlace
    if engine == "postgresql":
        place = PostgresPlace(request.getfixturevalue("postgres"), request.getfixturevalue("blank_postgres"))
    else:
        place = SqlitePlace(folder, request.getfixturevalue("blank_sqlite"))
    clinic = Clinic(place, place.cast)
    yield clinic
    clinic.close()


class Noon:
    """Five people at five stages, from the door to the chair."""

    def __init__(self, clinic: Clinic) -> None:
        self._clinic = clinic
        self._permits: dict[UUID, UUID] = {}
        clinic.open_site()
        _done(clinic.receive("single", len(GROWN_UP), clinic.today() + timedelta(days=30)))
        self.visits: list[UUID] = [_done(clinic.check_in(person)).visit_id for person in GROWN_UP]
        for number, last in enumerate(LAST_BEFORE_NOON):
            self._go_through(number, STEPS[: STEPS.index(last) + 1] if last else ())

    def everybody_goes_on(self) -> None:
        """Let each go from where they stand to the door; whatever is refused on the way fails."""
        nearest_first = reversed(range(len(self.visits)))  # a permit waits for minutes only
        for number in nearest_first:
            last = LAST_BEFORE_NOON[number]
            self._go_through(number, STEPS[STEPS.index(last) + 1 if last else 0 : -1])
        self._clinic.clock.pass_time(minutes=31)
        for number in range(len(self.visits)):
            self._go_through(number, STEPS[-1:])
        assert {self._clinic.stage_of(visit_id) for visit_id in self.visits} == {Stage.COMPLETED}

    def _go_through(self, number: int, steps: Iterable[str]) -> None:
        clinic, visit_id = self._clinic, self.visits[number]
        physician, vaccinator = clinic.cast.physicians[0], clinic.cast.vaccinators[0]
        proposal = Proposal(DecisionOutcome.RECOMMENDED, "single", None, None)
        acts: Mapping[str, Callable[[], Any]] = {
            "answer": lambda: clinic.answer(visit_id, {}, Measurements(36_600, 120, 80)),
            "decide": lambda: clinic.decide(visit_id, physician, proposal),
            "sign": lambda: clinic.sign(visit_id, signed(*ALONE), ALL_TOLD),
            "permit": lambda: self._ask_permit(visit_id, clinic.codes[number]),
            "give": lambda: clinic.give(vaccinator, self._permits[visit_id]),
            "leave": lambda: clinic.leave(visit_id),
        }
        for step in steps:
            _done(acts[step]())

    def _ask_permit(self, visit_id: UUID, code: str) -> None:
        vaccinator = self._clinic.cast.vaccinators[0]
        _done(self._clinic.fetch(vaccinator, code))
        self._permits[visit_id] = _done(self._clinic.ask_permit(visit_id, vaccinator, code)).permit_id


def _done(result: Any) -> Any:
    """Return what was done, or raise what refused it."""
    if isinstance(result, ClinicError):
        raise result
    return result
