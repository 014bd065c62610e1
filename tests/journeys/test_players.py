"""The players of a rehearsal on their own: they wait for a server that is not there, and go home when told."""

import time
from datetime import date
from itertools import islice
from pathlib import Path
from threading import Event, Thread, active_count

from clinic_server.people.documents import Document, DocumentKind
from firmware_stubs.clinic_day import play
from firmware_stubs.rehearsal.cast import Cast, Player
from firmware_stubs.rehearsal.ledger import Ledger
from firmware_stubs.rehearsal.visitors import OLDEST, YOUNGEST, Plan, visitors
from tests.peers import free_port

TODAY = date(2026, 3, 2)


def a_cast(folder: Path) -> Cast:
    roles = {"desk-1": "registrar", "screening-1": "physician", "bench-1": "vaccinator", "observation-1": "observer"}
    return Cast(
        base_url=f"http://127.0.0.1:{free_port()}",
        staff=tuple(Player("1001", "902743", role, station) for station, role in roles.items()),
        product_code="product",
        trace_codes=("80000001",),
        trays={"bench-1": ("80000001",)},
        readers={"desk-1": str(folder / "dev" / "reader")},
        scanners={"bench-1": str(folder / "dev" / "scanner")},
        mqtt=None,
        probes=(),
        failing="",
        pager_port=None,
        speed=60.0,
    )


def test_players_without_a_server_wait_and_go_home_when_told(tmp_path: Path) -> None:
    stop, threads, played = Event(), active_count(), list[Ledger]()
    cast = a_cast(tmp_path)
    day = Thread(target=lambda: played.append(play(cast, stop=stop)))
    day.start()
    deadline = time.monotonic() + 5
    while active_count() < threads + 1 + len(cast.staff) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert (tmp_path / "dev" / "reader").is_symlink()
    stop.set()
    day.join(5)
    assert played[0].faults == []
    assert active_count() <= threads
    assert not (tmp_path / "dev" / "reader").is_symlink()


def test_the_devices_stay_when_the_last_visitor_has_gone(tmp_path: Path) -> None:
    stop = Event()
    day = Thread(target=lambda: play(a_cast(tmp_path), 0, stop=stop))
    day.start()
    day.join(1)
    assert day.is_alive()
    assert (tmp_path / "dev" / "reader").is_symlink()
    stop.set()
    day.join(5)
    assert not day.is_alive()


def test_the_same_seed_brings_the_same_people_and_the_first_of_them_live_every_plan() -> None:
    once, again = (list(islice(visitors(7, TODAY), 300)) for _ in range(2))
    assert once == again
    assert {visitor.plan for visitor in once[: len(Plan)]} == set(Plan)
    assert list(islice(visitors(8, TODAY), 300)) != once


def test_every_visitor_has_a_number_of_their_own_that_the_server_would_take() -> None:
    people = list(islice(visitors(7, TODAY), 300))
    documents = [
        Document.of(DocumentKind(one.typed["document_kind"]), one.typed["number"], one.typed.get("issuing_country", ""))
        for one in people
    ]
    assert len(set(documents)) == len(people)
    assert {one.age for one in people} <= set(range(YOUNGEST, OLDEST + 1))
    assert all(Document.parse(one.card.number).born_on for one in people if one.card)
