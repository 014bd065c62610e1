"""The places of the site: adding them, finding them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, select

from clinic_server.kit.tx import Tx
from clinic_server.stock.tables import Place, place
from clinic_server.stock.whereabouts import (
    STOCK,
    BenchHasNoBox,
    PlaceCodeTaken,
    PlaceFacts,
    PlaceKind,
    PlaceNeedsStation,
    PlaceUnknown,
)


@dataclass(frozen=True, slots=True)
class NewPlace:
    """A place to be added; a bench's box names its station, ``profile`` the limits of its temperature."""

    code: str
    name: str
    kind: PlaceKind
    profile: str
    station: str | None = None
    capacity_units: int | None = None


def add_place(tx: Tx, new: NewPlace) -> UUID:
    """Add a place, or raise PlaceCodeTaken or PlaceNeedsStation."""
    if (new.kind is PlaceKind.BENCH_BOX) != (new.station is not None):
        raise PlaceNeedsStation
    if tx.execute(select(place.c.id).where(place.c.code == new.code)).first():
        raise PlaceCodeTaken
    if new.station and tx.execute(select(place.c.id).where(place.c.station == new.station)).first():
        raise PlaceCodeTaken
    place_id = tx.append(
        Place,
        code=new.code,
        name=new.name,
        kind=new.kind,
        profile=new.profile,
        station=new.station,
        capacity_units=new.capacity_units,
        added_at=tx.now,
    )
    tx.journal("place_added", place_id, STOCK)
    return place_id


def places(connection: Connection) -> Sequence[PlaceFacts]:
    """Return every place, by its code."""
    return [PlaceFacts(*row) for row in connection.execute(_places().order_by(place.c.code))]


def place_names(connection: Connection) -> Mapping[str, str]:
    """Return the name of each place, by its code."""
    return {row.code: row.name for row in connection.execute(select(place.c.code, place.c.name))}


def require_place(connection: Connection, code: str) -> PlaceFacts:
    """Return a place, or raise PlaceUnknown."""
    row = connection.execute(_places().where(place.c.code == code)).first()
    if row is None:
        raise PlaceUnknown
    return PlaceFacts(*row)


def box_of(connection: Connection, station: str | None) -> PlaceFacts:
    """Return the box of a bench, or raise BenchHasNoBox."""
    row = connection.execute(_places().where(place.c.station == station)).first()
    if row is None:
        raise BenchHasNoBox
    return PlaceFacts(*row)


def _places() -> Select[Any]:
    columns = (place.c.code, place.c.name, place.c.kind, place.c.profile, place.c.station, place.c.capacity_units)
    return select(place.c.id, *columns)
