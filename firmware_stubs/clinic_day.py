"""Plays a clinic day against a running server, as its staff, its visitors and its hardware; proves it afterwards.

Example: python3 -m firmware_stubs.clinic_day --cast var/demo/cast.json --visitors 300 --prove
"""

import argparse
import sys
import time
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Self

from firmware_stubs.rehearsal.area import Observer
from firmware_stubs.rehearsal.bench import Keeper, Lead, Vaccinator
from firmware_stubs.rehearsal.cast import Cast
from firmware_stubs.rehearsal.floor import Floor, Manner, first
from firmware_stubs.rehearsal.hardware import Hardware
from firmware_stubs.rehearsal.ledger import Ledger
from firmware_stubs.rehearsal.proof import Proof, prove
from firmware_stubs.rehearsal.registration import Registrar
from firmware_stubs.rehearsal.roles import Role
from firmware_stubs.rehearsal.screening import ConsentDesk, Physician
from firmware_stubs.rehearsal.seat import ServerAway
from firmware_stubs.rehearsal.testimony import Witness
from firmware_stubs.rehearsal.visitors import Visitor, visitors

LOOK_S = 0.05
GONE_WITHIN_S = 20.0


class ClinicDay:
    """A day in motion, between entering and leaving a ``with``; leaving it sends everybody home at once."""

    def __init__(self, cast: Cast, arriving: Iterable[Visitor], ledger: Ledger, manner: Manner, seed: int) -> None:
        self._floor = Floor(cast, ledger, arriving, manner)
        self._hardware = Hardware(cast, ledger, seed)
        self._roles: list[Role] = []
        self._running = ExitStack()

    def __enter__(self) -> Self:
        self._running.enter_context(self._hardware)
        self._running.callback(self._send_home)
        self._roles = list(_roles(self._floor, self._hardware))
        for role in self._roles:
            role.thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.close()

    def close_door(self) -> None:
        """Let nobody in any more; who is in goes through."""
        self._floor.close_door()

    def wait(self, seconds: float, stop: Event | None = None) -> bool:
        """Wait until everybody has gone, for so long at most; tell whether they have."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not (stop and stop.is_set()):
            if self._floor.is_over:
                return True
            time.sleep(LOOK_S)
        return self._floor.is_over

    def _send_home(self) -> None:
        self._floor.stop.set()
        deadline = time.monotonic() + GONE_WITHIN_S
        for role in self._roles:
            role.thread.join(max(0.0, deadline - time.monotonic()))


def play(  # noqa: PLR0913 - what one may wish of a day
    cast: Cast,
    count: int | None = None,
    *,
    seed: int = 7,
    manner: Manner | None = None,
    ledger: Ledger | None = None,
    stop: Event | None = None,
    most_s: float = float("inf"),
) -> Ledger:
    """Play a day of so many visitors, or one without end; return the players' books.

    With ``stop`` the site stays as it is until that is set, also when nobody comes any more.

    The server may come and go meanwhile. A day without end takes over the visits it finds; one that ``most_s``
    seconds did not end is stopped and has a fault.
    """
    books = ledger or Ledger(is_kept=count is not None)
    arriving = first(visitors(seed, datetime.now(UTC).date()), count)
    with ClinicDay(cast, arriving, books, manner or Manner(adopts=count is None), seed) as day:
        if not day.wait(most_s, stop) and not (stop and stop.is_set()):
            books.fault(f"the day was not over after {most_s:.0f} s")
        elif stop:
            stop.wait()  # devices, fridges and pagers are there also when the last visitor has gone
    return books


def _roles(floor: Floor, hardware: Hardware) -> Iterable[Role]:
    cast = floor.cast
    yield from (Registrar(floor, one, hardware) for one in cast.with_role("registrar") if one.station in cast.readers)
    yield from (Physician(floor, one) for one in cast.with_role("physician"))
    yield from (ConsentDesk(floor, one) for one in cast.with_role("registrar", "consent"))
    yield from (Vaccinator(floor, one, hardware) for one in cast.with_role("vaccinator"))
    yield from (Observer(floor, one) for one in cast.with_role("observer"))
    yield from (Lead(floor, one) for one in cast.with_role("site_lead"))
    yield from (Keeper(floor, one) for one in cast.with_role("cold_chain_keeper")[:1])


def main() -> int:
    """Play, prove if asked, and tell."""
    words = _arguments()
    cast = Cast.load(words.cast)
    cast = replace(cast, speed=words.speed or cast.speed)
    try:
        with Witness(cast) as witness:
            return _play_and_tell(words, cast, witness)
    except ServerAway:
        print(f"{cast.base_url} does not answer", file=sys.stderr)
        return 1


def _play_and_tell(words: argparse.Namespace, cast: Cast, witness: Witness) -> int:
    manner = Manner(pace=0.0 if words.rush else 1.0, adopts=words.forever)
    opening = witness.opening() if words.prove else None
    began_at = time.monotonic()
    try:
        ledger = play(cast, None if words.forever else words.visitors, seed=words.seed, manner=manner)
    except KeyboardInterrupt:
        return 130
    print(f"{words.visitors} visitors in {time.monotonic() - began_at:.1f} s, {len(ledger.writes)} writes")
    for fault in ledger.faults:
        print(f"FAULT: {fault}", file=sys.stderr)
    if opening is None:
        return 1 if ledger.faults else 0
    return _tell(prove(ledger, opening, witness.closing(opening, ledger)))


def _tell(proof: Proof) -> int:
    for name, count in proof.counts.items():
        print(f"{count:8d} {name}")
    for difference in proof.differences:
        print(f"DIFFERENCE ({difference.verdict}): {difference.what}", file=sys.stderr)
    print("The books agree." if not proof.differences else f"{len(proof.differences)} differences.")
    return 1 if proof.differences else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python3 -m firmware_stubs.clinic_day", description="Plays a clinic day against a running server."
    )
    parser.add_argument("--cast", type=Path, required=True, help="the cast.json of a rehearsal")
    parser.add_argument("--visitors", type=int, default=300, help="how many people come (300)")
    parser.add_argument("--seed", type=int, default=7, help="the same seed brings the same people (7)")
    parser.add_argument("--speed", type=float, help="how fast the server's clock runs; told by the cast otherwise")
    parser.add_argument("--rush", action="store_true", help="nobody takes any time but the observation's")
    parser.add_argument("--forever", action="store_true", help="people come until it is interrupted; nothing is proved")
    parser.add_argument(
        "--prove", action="store_true", help="afterwards compare the server's records with what was done"
    )
    words = parser.parse_args()
    if words.forever and words.prove:
        parser.error("a day without end cannot be proved")
    return words


if __name__ == "__main__":
    sys.exit(main())
