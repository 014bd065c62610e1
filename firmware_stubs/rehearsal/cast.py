"""Who plays at which station, and where the server and its devices are: read from the rehearsal's ``cast.json``."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self


@dataclass(frozen=True, slots=True)
class Player:
    """One member of staff at one station."""

    number: str
    pin: str = field(repr=False)
    role: str
    station: str


@dataclass(frozen=True, slots=True)
class Cast:
    """What the players of a day must know; readers and scanners are the paths at which the server expects devices.

    ``trays`` are those of the trace codes that stand in each bench's box when the day begins; ``failing`` is the
    probe of the fridge that fails in its course.
    """

    base_url: str
    staff: tuple[Player, ...]
    product_code: str
    trace_codes: tuple[str, ...] = field(repr=False)
    trays: Mapping[str, Sequence[str]] = field(repr=False)
    readers: Mapping[str, str]
    scanners: Mapping[str, str]
    mqtt: str | None
    probes: tuple[str, ...]
    failing: str
    pager_port: int | None
    speed: float

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a cast; what else the file holds is not the players' business."""
        facts = json.loads(path.read_text(encoding="utf-8"))
        players = tuple(Player(one["number"], one["pin"], one["role"], one["station"]) for one in facts["staff"])
        return cls(
            base_url=facts["base_url"],
            staff=players,
            product_code=facts["product_code"],
            trace_codes=tuple(facts["trace_codes"]),
            trays=facts["trays"],
            readers=facts["readers"],
            scanners=facts["scanners"],
            mqtt=facts["mqtt"],
            probes=tuple(facts["probes"]),
            failing=facts["failing"],
            pager_port=facts["pager_port"],
            speed=facts["speed"] or 1.0,
        )

    def with_role(self, role: str, station: str = "") -> Sequence[Player]:
        """Return the players of a role whose station's name begins so."""
        return [player for player in self.staff if player.role == role and player.station.startswith(station)]
