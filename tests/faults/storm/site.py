"""The site a storm passes over: fridges with vaccine, people on duty, and two ways to page each of them."""

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from clinic_server.alerts.contacts import Address, NewContact, add_contact
from clinic_server.cold_chain.actions import add_place, assign_probe
from clinic_server.kit.access import system_actor
from clinic_server.kit.clock import SystemClock
from clinic_server.kit.crypto import load_or_create_keyring
from clinic_server.kit.db import Database
from clinic_server.kit.ids import Ids
from clinic_server.kit.tx import Site, Tx
from clinic_server.paging.actions import NewChannel, set_up_channel
from clinic_server.rehearsal import PRODUCT_CODE, SITE_CODE, Cast, Plan, prepare
from clinic_server.stock.actions import NewLot, receive_units
from clinic_server.stock.places import NewPlace
from clinic_server.stock.whereabouts import STOCK, PlaceKind

PROFILE = "cn-clinic-2-8"
UNITS_IN_EACH = 3
PEOPLE = 3
_ACTOR = system_actor("storm")


def made_up(plan: Plan, robots_url: str, pagers_url: str, fridges: int) -> tuple[Cast, Sequence[str]]:
    """Make up the site; return its cast and the names of its fridges, which their probes have too."""
    cast = prepare(plan)
    more = [f"fridge-{number}" for number in range(3, 3 + fridges - len(cast.probes))]
    names = [*cast.probes, *more][:fridges]
    keyring, clock = load_or_create_keyring(Path(cast.folder) / "site.key"), SystemClock()
    db = Database(cast.database_url, site=Site(SITE_CODE), keyring=keyring, clock=clock, ids=Ids(clock))
    try:
        for act in _acts(more, names, robots_url, pagers_url):
            db.write_now(act, _ACTOR)
    finally:
        db.close()
    return cast, names


def _acts(more: Iterable[str], names: Iterable[str], robots_url: str, pagers_url: str) -> Iterable[Callable[[Tx], Any]]:
    for name in more:
        yield partial(add_place, new=NewPlace(name, name, PlaceKind.FRIDGE, PROFILE))
        yield partial(assign_probe, probe_id=name, place_code=name)
    for number, name in enumerate(names):
        yield partial(_fill, place=name, number=number)
    means_it = {"success_pointer": "/errcode", "success_value": "0"}
    yield partial(set_up_channel, new=NewChannel("robots", "webhook", robots_url, means_it))
    yield partial(set_up_channel, new=NewChannel("pagers", "snpp", pagers_url, {"level": "1"}))
    for number in range(PEOPLE):
        ways = (Address("robots", f"person-{number}"), Address("pagers", f"10{number}"))
        yield partial(add_contact, new=NewContact(f"演示{number}", ways))


def _fill(tx: Tx, place: str, number: int) -> None:
    codes = tuple(f"9{number:06d}{unit:013d}" for unit in range(UNITS_IN_EACH))
    lot = NewLot(PRODUCT_CODE, f"STORM{number:04d}", tx.local_date + timedelta(days=300), codes, place)
    tx.journal("stock_taken_over", receive_units(tx, lot).lot_id, STOCK)
