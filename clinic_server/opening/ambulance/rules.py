"""Where the ambulance on duty is, and whether that is near enough."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from clinic_server.kit.errors import Refused
from clinic_server.opening.rules import Named


class Presence(StrEnum):
    """Where the ambulance on duty is."""

    ON_SITE = "on_site"
    ON_CALL = "on_call"
    AWAY = "away"


class MinutesAwayNeeded(Refused):
    """An ambulance on call is so many minutes away."""

    code = "minutes_away_needed"


class WhyAwayNeeded(Refused):
    """An ambulance that leaves leaves for a reason."""

    code = "why_away_needed"


@dataclass(frozen=True, slots=True)
class Move:
    """The ambulance came, drove to a stand near by, or left; ``named`` empty keeps vehicle, crew and telephone."""

    presence: Presence
    reason: str = field(default="", repr=False)
    minutes_away: int | None = None
    named: Mapping[Named, str] = field(default_factory=dict, repr=False)


def require_whole(move: Move) -> None:
    """Refuse a move that does not say what its kind needs."""
    if move.presence is Presence.ON_CALL and move.minutes_away is None:
        raise MinutesAwayNeeded
    if move.presence is not Presence.ON_SITE and not move.reason.strip():
        raise WhyAwayNeeded


def is_near_enough(move: Move, within_minutes: int) -> bool:
    """Tell whether injections may go on; ``within_minutes`` 0 wants it on site."""
    if move.presence is Presence.ON_CALL and move.minutes_away is not None:
        return move.minutes_away <= within_minutes
    return move.presence is Presence.ON_SITE
