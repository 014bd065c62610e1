"""What the server says about a day, asked over its API by the staff who may."""

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from threading import Event
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from firmware_stubs.rehearsal.cast import Cast
from firmware_stubs.rehearsal.ledger import Ledger
from firmware_stubs.rehearsal.seat import Seat

MOST_LINES = 1000
MOST_READINGS = 2000
READINGS_WITHIN_S = 15.0
HEARD_WITHIN_S = 15.0
ANSWERS_WITHIN_S = 60.0
LOOK_S = 0.05
_A_DAY = timedelta(days=1)
_LONG_AGO = "1970-01-01T00:00:00Z"

Line = tuple[str, str, str]  # kind, reference, station


@dataclass(frozen=True, slots=True)
class VisitTold:
    """One visit as the server tells it."""

    stage: str
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Opening:
    """How things stood before the day."""

    head_seq: int
    doses: frozenset[str]
    visits: int
    drawn: int
    received: int
    excursions: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Closing:
    """How things stand after it. ``lines``, ``doses`` and ``excursions`` are those that came since the opening.

    ``alerts`` are what happened to each alert that is known or was heard of, by number; None where nobody has a pager.
    """

    visits: Mapping[str, VisitTold]
    lines: Counter[Line]
    doses: Sequence[Mapping[str, Any]]
    visit_count: int
    drawn: int
    received: int
    doses_per_unit: int
    chain_faults: Sequence[str]
    readings: Mapping[tuple[str, int], Sequence[int]] = field(default_factory=dict)
    excursions: Sequence[Mapping[str, Any]] = ()
    alerts: Mapping[int, Mapping[str, Any]] | None = None


class Witness:
    """Asks as an auditor and as a registrar, between ``with``; a fault of asking is a fault of the proof."""

    def __init__(self, cast: Cast) -> None:
        self._cast = cast
        self._books = Ledger()
        self._auditor = self._seat("auditor")
        self._registrar = self._seat("registrar")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for seat in (self._auditor, self._registrar):
            seat.close()

    def opening(self) -> Opening:
        """Note how things stand, once the server hears its probes: what a broker gets before has no addressee yet."""
        self._wait_for_probes()
        days = self._days(datetime.now(UTC).date() - _A_DAY, datetime.now(UTC).date() + _A_DAY)
        drawn, received = self._stock()
        verification = self._auditor.ask("/api/v1/journal/verification")
        return Opening(
            head_seq=verification["head_seq"],
            doses=frozenset(dose["dose_id"] for dose in self._doses(days)),
            visits=self._visit_count(days),
            drawn=drawn,
            received=received,
            excursions=frozenset(one["excursion_id"] for one in self._excursions()),
        )

    def closing(self, opening: Opening, ledger: Ledger) -> Closing:
        """Ask for everything that should have come of a day."""
        lines = list(self._lines_after(opening.head_seq))
        named = {line["ref"] for line in lines if line["kind"] == "checked_in"}
        begun = [datetime.fromisoformat(line["at"]).date() for line in lines]
        today = datetime.now(UTC).date()
        days = self._days(min([*begun, today]) - _A_DAY, max([*begun, today]) + _A_DAY)
        drawn, received = self._stock()
        doses = [dose for dose in self._doses(days) if dose["dose_id"] not in opening.doses]
        products = self._auditor.ask("/api/v1/products")
        return Closing(
            visits={ref: self._visit(ref) for ref in named | set(ledger.steps_of_visits())},
            lines=Counter((line["kind"], line["ref"] or "", line["station"] or "") for line in lines),
            doses=doses,
            visit_count=self._visit_count(days) - opening.visits,
            drawn=drawn - opening.drawn,
            received=received - opening.received,
            doses_per_unit=next(one["doses_per_unit"] for one in products if one["code"] == self._cast.product_code),
            chain_faults=[*self._auditor.ask("/api/v1/journal/verification")["faults"], *self._books.faults],
            readings={key: self._readings(key, count) for key, count in ledger.measured.items()},
            excursions=[one for one in self._excursions() if one["excursion_id"] not in opening.excursions],
            alerts=None if self._cast.pager_port is None else self._alerts(ledger),
        )

    def _wait_for_probes(self) -> None:
        deadline = time.monotonic() + HEARD_WITHIN_S
        while not all(
            device["state"] == "online"
            for device in self._auditor.ask("/api/v1/devices") or ()
            if device["kind"] == "fridge_probe"
        ):
            if time.monotonic() > deadline:
                self._books.fault("the server does not hear its probes")
                return
            time.sleep(LOOK_S)

    def _seat(self, role: str) -> Seat:
        return Seat(self._cast, self._cast.with_role(role)[0], self._books, Event(), waits_s=ANSWERS_WITHIN_S)

    def _visit(self, visit_id: str) -> VisitTold:
        told = self._registrar.ask(f"/api/v1/visits/{visit_id}")
        if told is None:
            return VisitTold("absent", ())
        return VisitTold(told["visit"]["stage"], tuple(step["outcome"] for step in told["steps"]))

    def _lines_after(self, seq: int) -> Iterable[Mapping[str, Any]]:
        while page := self._auditor.ask(f"/api/v1/journal?after={seq}&most={MOST_LINES}"):
            yield from page
            seq = page[-1]["seq"]

    def _days(self, first: date, last: date) -> Sequence[str]:
        return [(first + n * _A_DAY).isoformat() for n in range((last - first).days + 1)]

    def _doses(self, days: Iterable[str]) -> Iterable[Mapping[str, Any]]:
        return [dose for day in days for dose in self._auditor.ask(f"/api/v1/days/{day}/doses")]

    def _visit_count(self, days: Iterable[str]) -> int:
        return sum(sum(self._auditor.ask(f"/api/v1/days/{day}")["visits_by_stage"].values()) for day in days)

    def _stock(self) -> tuple[int, int]:
        balances = self._auditor.ask("/api/v1/stock")
        return sum(one["doses_given"] for one in balances), sum(one["doses_received"] for one in balances)

    def _excursions(self) -> Sequence[Mapping[str, Any]]:
        return self._auditor.ask("/api/v1/cold-chain/excursions") or ()

    def _alerts(self, ledger: Ledger) -> Mapping[int, Mapping[str, Any]]:
        """Return what happened to every alert the server lists, and to every one some pager showed."""
        told = self._auditor.ask("/api/v1/alerts")
        listed = {one["facts"]["number"] for one in told["open"]} | {one["number"] for one in told["over"]}
        return {number: self._auditor.ask(f"/api/v1/alerts/{number}") for number in listed | ledger.alerts_paged}

    def _readings(self, key: tuple[str, int], count: int) -> Sequence[int]:
        """Return the sequence numbers stored of a probe's boot, waiting a while for those still on their way."""
        probe, boot = key
        deadline = time.monotonic() + READINGS_WITHIN_S
        while True:
            stored = [one["seq"] for one in self._all_readings(probe) if one["boot"] == boot]
            if len(stored) >= count or time.monotonic() > deadline:
                return stored
            time.sleep(0.1)

    def _all_readings(self, probe: str) -> Iterable[Mapping[str, Any]]:
        seen: set[tuple[int, int]] = set()
        since = _LONG_AGO
        while True:
            path = f"/api/v1/cold-chain/readings?probe={quote(probe)}&since={quote(since)}"
            page: list[Mapping[str, Any]] = self._auditor.ask(path) or []
            new = [one for one in page if (one["boot"], one["seq"]) not in seen]
            seen.update((one["boot"], one["seq"]) for one in new)
            yield from new
            if len(page) < MOST_READINGS or not new:
                return
            since = page[-1]["at"]
