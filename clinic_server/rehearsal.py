"""A site made up for rehearsals: staff, stations, vaccine, fridges and devices, in a database of its own."""

import asyncio
import json
import os
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from clinic_server.cold_chain.actions import add_place, assign_probe
from clinic_server.kit.access import Actor, system_actor
from clinic_server.kit.clock import Clock, SystemClock
from clinic_server.kit.crypto import load_or_create_keyring
from clinic_server.kit.db import Database
from clinic_server.kit.engines import UnsafeDatabase
from clinic_server.kit.ids import Ids
from clinic_server.kit.journal import journal
from clinic_server.kit.schema import upgrade
from clinic_server.kit.tx import Site, Tx
from clinic_server.observation.seats.actions import list_seat
from clinic_server.opening.emergency_kit.actions import add_to_kit
from clinic_server.opening.emergency_kit.rules import UNDATED, NewKitItem
from clinic_server.opening.lookup import kit_least
from clinic_server.opening.rules import Variant
from clinic_server.rehearsal_duty import put_on_duty
from clinic_server.rehearsal_past import Past, PastClock, live_through
from clinic_server.settings import Settings
from clinic_server.staff.actions import add_qualification, add_staff, add_station
from clinic_server.staff.rules import Certificate, Newcomer, QualificationKind, Role, StationKind
from clinic_server.staff.sessions import hash_pin
from clinic_server.staff.tables import staff
from clinic_server.stock.actions import NewLot, NewProduct, add_product, receive_units
from clinic_server.stock.distribution import NewTransfer, transfer
from clinic_server.stock.places import NewPlace
from clinic_server.stock.rules import Platform, Route
from clinic_server.stock.whereabouts import STOCK, PlaceKind

SITE_CODE = "DEMO"
SITE_NAME = "示范接种点"
PRODUCT_CODE = "demo-inactivated"
CAST_FILE = "cast.json"
_ACTOR = system_actor("rehearsal")
_PER_LOT = 200
PROFILE = "cn-clinic-2-8"
_WATCHED = {
    "fridge-1": ("冰箱 1（主库）", PlaceKind.FRIDGE),
    "fridge-2": ("冰箱 2（备用）", PlaceKind.FRIDGE),
    "bench-fridge": ("接种区小冰箱", PlaceKind.FRIDGE),
    "cold-box-1": ("冷藏箱 1", PlaceKind.COLD_BOX),
}
_STORE, _FAILING = "fridge-1", "fridge-2"
_APART = {_FAILING: 48, "bench-fridge": 12}  # no player takes these
_ON_A_TRAY = 10
_SEATS = 60


@dataclass(frozen=True, slots=True)
class Player:
    """One made-up member of staff at one station; the PIN is random and holds in this rehearsal only."""

    number: str
    pin: str = field(repr=False)
    role: str
    station: str


@dataclass(frozen=True, slots=True)
class Cast:
    """Everything the players of a rehearsed day need to know; readers and scanners are paths of serial devices."""

    base_url: str
    staff: tuple[Player, ...]
    product_code: str
    trace_codes: tuple[str, ...] = field(repr=False)
    trays: Mapping[str, tuple[str, ...]] = field(repr=False)
    readers: Mapping[str, str]
    scanners: Mapping[str, str]
    mqtt: str | None
    probes: tuple[str, ...]
    failing: str
    pager_port: int | None
    speed: float
    database_url: str
    folder: str
    wall_token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Plan:
    """How large a site to make up, and where; without a port for their pagers nobody is on duty."""

    folder: Path
    port: int
    database_url: str | None = None
    desks: int = 2
    benches: int = 2
    units: int = 600
    speed: float = 0.0
    mqtt_url: str | None = None
    pager_port: int | None = None
    past_days: int = 0

    @property
    def url(self) -> str:
        """Its database."""
        return self.database_url or f"sqlite:///{self.folder / 'clinic.db'}"


def prepare(plan: Plan, clock: Clock | None = None) -> Cast:
    """Fill an empty database with a made-up site and write ``cast.json``; refuse one that holds real visits."""
    plan = replace(plan, folder=plan.folder.resolve())
    plan.folder.mkdir(parents=True, exist_ok=True)
    cast = _cast_of(plan)
    upgrade(plan.url)
    clock = clock or SystemClock()
    until = clock.now()
    past_clock = PastClock(until - timedelta(days=plan.past_days))
    keyring = load_or_create_keyring(plan.folder / "site.key")
    db = Database(plan.url, site=Site(SITE_CODE), keyring=keyring, clock=past_clock, ids=Ids(past_clock))
    try:
        db.read_now(refuse_real_database)
        for act in (*_staff_acts(cast, db), *_place_acts(cast), *_stock_acts(cast), _fill_kit):
            db.write_now(act, _ACTOR)
        db.write_now(_list_seats, _actor(db, cast, Role.SITE_LEAD))
        if plan.pager_port is not None:
            put_on_duty(db, plan.pager_port)
        if plan.past_days:
            live_through(_past_until(until, cast, db), db, past_clock)
    finally:
        db.close()
    keep_cast(cast)
    return cast


def environment(cast: Cast) -> dict[str, str]:
    """Return the settings with which a server serves this rehearsal."""
    return {
        "CLINIC_SITE__CODE": SITE_CODE,
        "CLINIC_SITE__NAME": SITE_NAME,
        "CLINIC_DATABASE__URL": cast.database_url,
        "CLINIC_SERVER__PORT": cast.base_url.rpartition(":")[2],
        "CLINIC_SECURITY__KEY_FILE": str(Path(cast.folder) / "site.key"),
        "CLINIC_SECURITY__IDLE_MINUTES": "720",
        "CLINIC_WALL__TOKEN": cast.wall_token,
        "CLINIC_PAGING__MAY_REACH": '["127.0.0.1/32"]',
        "CLINIC_PAGING__HEARTBEAT_URL": "",
        "CLINIC_DEMO_SPEED": str(cast.speed or 1),
        "CLINIC_DEVICES": json.dumps(list(_devices(cast))),
    }


def settings_of(cast: Cast) -> Settings:
    """Return the same settings for a server in this process, whose environment stays as it is."""
    said = environment(cast)
    kept = {name: os.environ.get(name) for name in said}
    os.environ.update(said)
    try:
        return Settings(_env_file=None)
    finally:
        for name, value in kept.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def keep_cast(cast: Cast) -> None:
    """Write what the players read, readable by nobody else: it holds PINs."""
    path = Path(cast.folder) / CAST_FILE
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(asdict(cast), file, ensure_ascii=False, indent=1)


def load_cast(folder: Path) -> Cast:
    """Read the cast of an earlier rehearsal; refuse one whose cast knew less."""
    facts = json.loads((folder / CAST_FILE).read_text(encoding="utf-8"))
    if facts.keys() != {one.name for one in fields(Cast)}:
        raise UnsafeDatabase(f"{folder} holds the rehearsal of another version; --reset forgets it.")
    facts["staff"] = tuple(Player(**player) for player in facts["staff"])
    facts["trays"] = {bench: tuple(codes) for bench, codes in facts["trays"].items()}
    return Cast(**{**facts, "trace_codes": tuple(facts["trace_codes"]), "probes": tuple(facts["probes"])})


def box_of(bench: str) -> str:
    """Return the code of a bench's box."""
    return f"{bench}-box"


def refuse_real_database(connection: Connection) -> None:
    """Raise UnsafeDatabase when anything in this database was recorded by a real site."""
    real = connection.execute(select(journal.c.site).where(journal.c.site != SITE_CODE).limit(1)).scalar()
    if real is not None:
        raise UnsafeDatabase(f"This database holds the records of site {real}; a rehearsal will not touch it.")


def _past_until(until: datetime, cast: Cast, db: Database) -> Past:
    zone = db.site.zone
    keeper, lead = (_actor(db, cast, role) for role in (Role.COLD_CHAIN_KEEPER, Role.SITE_LEAD))
    return Past(db.clock.now().astimezone(zone), until.astimezone(zone), keeper, lead, cast.probes)


def _actor(db: Database, cast: Cast, role: Role) -> Actor:
    """Return the cast's member in a role, as if signed in."""
    player = next(one for one in cast.staff if one.role == role)
    staff_id = db.read_now(
        lambda found: found.execute(select(staff.c.id).where(staff.c.number == player.number)).scalar_one()
    )
    return Actor(player.number, staff_id, player.station, frozenset({role.value}))


def _cast_of(plan: Plan) -> Cast:
    desks = [f"desk-{n + 1}" for n in range(plan.desks)]
    benches = [f"bench-{n + 1}" for n in range(plan.benches)]
    ports = plan.folder / "dev"
    codes = tuple(f"8{secrets.randbelow(10**6):06d}{n:013d}" for n in range(plan.units))
    trays = {bench: codes[n * _ON_A_TRAY : (n + 1) * _ON_A_TRAY] for n, bench in enumerate(benches)}
    return Cast(
        base_url=f"http://127.0.0.1:{plan.port}",
        staff=tuple(_players(desks, benches)),
        product_code=PRODUCT_CODE,
        trace_codes=codes,
        trays={bench: tray for bench, tray in trays.items() if tray},
        readers={desk: str(ports / f"{desk}-reader") for desk in desks},
        scanners={bench: str(ports / f"{bench}-scanner") for bench in benches},
        mqtt=plan.mqtt_url,
        probes=tuple(_WATCHED),
        failing=_FAILING,
        pager_port=plan.pager_port,
        speed=plan.speed,
        database_url=plan.url,
        folder=str(plan.folder),
        wall_token=secrets.token_urlsafe(16),
    )


def _players(desks: list[str], benches: list[str]) -> Iterable[Player]:
    places: list[tuple[Role, str]] = [(Role.REGISTRAR, desk) for desk in desks]
    places += [(Role.PHYSICIAN, f"screening-{n + 1}") for n in range(2)]
    places += [(Role.REGISTRAR, "consent-1"), (Role.REGISTRAR, "consent-2")]
    places += [(Role.VACCINATOR, bench) for bench in benches]
    places += [(Role.OBSERVER, "observation-1"), (Role.AUDITOR, "office"), (Role.COLD_CHAIN_KEEPER, "office")]
    places += [(Role.SITE_LEAD, "office")]
    for number, (role, station) in enumerate(places, start=1001):
        yield Player(str(number), _random_pin(), role.value, station)


def _random_pin() -> str:
    """Return six digits that no rule about simple PINs refuses."""
    return f"{secrets.randbelow(9) + 1}0{secrets.randbelow(9)}7{secrets.randbelow(9)}3"


def _staff_acts(cast: Cast, db: Database) -> Iterable[Callable[[Tx], Any]]:
    kinds = {"desk": StationKind.REGISTRATION, "screening": StationKind.SCREENING, "consent": StationKind.CONSENT}
    kinds |= {"bench": StationKind.INJECTION, "observation": StationKind.OBSERVATION, "exit": StationKind.EXIT}
    for station in dict.fromkeys(player.station for player in cast.staff):
        kind = kinds.get(station.partition("-")[0], StationKind.OFFICE)
        yield partial(add_station, code=station, kind=kind)
    for player in cast.staff:
        pin_hash = asyncio.run(hash_pin(db.keyring, player.pin))
        yield partial(_add_player, player=player, pin_hash=pin_hash)


def _add_player(tx: Tx, player: Player, pin_hash: str) -> None:
    role = Role(player.role)
    member = add_staff(tx, Newcomer(player.number, f"演示{player.number}", pin_hash), [role])
    needed = {
        Role.PHYSICIAN: QualificationKind.PHYSICIAN,
        Role.VACCINATOR: QualificationKind.VACCINATOR,
        Role.OBSERVER: QualificationKind.EMERGENCY,
    }
    if role in needed:
        today = tx.local_date
        certificate = Certificate(
            needed[role], f"DEMO-{player.number}", today - timedelta(days=30), today + timedelta(days=365)
        )
        add_qualification(tx, member.staff_id, certificate)


def _stock_acts(cast: Cast) -> Iterable[Callable[[Tx], Any]]:
    product = NewProduct(
        code=PRODUCT_CODE,
        name="演示灭活疫苗",
        manufacturer="演示生物",
        vaccine_code="covid19-bbibp-corv",
        platform=Platform.INACTIVATED,
        route=Route.INTRAMUSCULAR,
        volume_ul=500,
        doses_per_unit=1,
    )
    yield partial(add_product, new=product)
    for start in range(0, len(cast.trace_codes), _PER_LOT):
        codes = cast.trace_codes[start : start + _PER_LOT]
        yield partial(_receive, codes=codes, number=start // _PER_LOT + 1, place=_STORE)
    for number, (place, units) in enumerate(_APART.items(), 90):
        codes = tuple(f"79{secrets.randbelow(10**5):05d}{n:013d}" for n in range(units))
        yield partial(_receive, codes=codes, number=number, place=place)
    for bench, codes in cast.trays.items():
        yield partial(transfer, new=NewTransfer(box_of(bench), codes, "rehearsal"))


def _receive(tx: Tx, codes: tuple[str, ...], number: int, place: str) -> None:
    today = tx.local_date
    lot = NewLot(PRODUCT_CODE, f"{today:%Y%m}{number:03d}", today + timedelta(days=180 + 3 * number), codes, place)
    tx.journal("stock_taken_over", receive_units(tx, lot).lot_id, STOCK)


def _place_acts(cast: Cast) -> Iterable[Callable[[Tx], Any]]:
    for code, (name, kind) in _WATCHED.items():
        yield partial(add_place, new=NewPlace(code, name, kind, PROFILE))
        yield partial(assign_probe, probe_id=code, place_code=code)
    for bench in cast.scanners:
        yield partial(add_place, new=NewPlace(box_of(bench), box_of(bench), PlaceKind.BENCH_BOX, PROFILE, bench))


def _fill_kit(tx: Tx) -> None:
    until = tx.local_date + timedelta(days=365)
    least = kit_least(Variant.ADULT)
    lots = (NewKitItem(thing, count, None if thing in UNDATED else until, "DEMO") for thing, count in least.items())
    add_to_kit(tx, *lots)


def _list_seats(tx: Tx) -> None:
    for number in range(_SEATS):
        list_seat(tx, f"a{number + 1}", "留观区")


def _devices(cast: Cast) -> Iterable[dict[str, object]]:
    for station, path in cast.readers.items():
        yield _device(f"{station}-reader", "id_card_reader", f"serial://{path}?baud=115200", station)
    for station, path in cast.scanners.items():
        yield _device(f"{station}-scanner", "barcode_scanner", f"serial://{path}?baud=9600", station)
    if cast.mqtt:
        yield _device("probes", "fridge_probe", cast.mqtt, None) | {"options": {"zone": "Asia/Shanghai"}}


def _device(device_id: str, kind: str, url: str, station: str | None) -> dict[str, object]:
    return {"device_id": device_id, "kind": kind, "url": url, "station": station, "simulated": True}
