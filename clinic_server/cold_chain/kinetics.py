"""Numbers that are shown beside a verdict and never make one: mean kinetic temperature, and minutes out. Pure."""

from collections.abc import Iterable
from math import exp, log
from typing import Final, NamedTuple

from clinic_server.cold_chain.judging import Breach, Point

GAS_KJ_PER_MOL_KELVIN: Final = 0.008_314_462_618
_ZERO_CELSIUS_IN_KELVIN: Final = 273.15
_MINUTE_MS: Final = 60_000


class MinutesOut(NamedTuple):
    """How long vaccine was out of range: at least, the gaps taken as in range, and at most, taken as out."""

    least: int
    most: int


def mean_kinetic_temperature(points: Iterable[Point], energy_kj: float = 83.144) -> int | None:
    """Return in milli-Celsius the steady temperature that ages vaccine as much as these readings, None without any.

    It weighs warmth and hides frost: for showing only. Each reading weighs the same.
    """
    kelvin = [point.milli_celsius / 1_000 + _ZERO_CELSIUS_IN_KELVIN for point in points]
    if not kelvin:
        return None
    ratio = energy_kj / GAS_KJ_PER_MOL_KELVIN
    mean = sum(exp(-ratio / one) for one in kelvin) / len(kelvin)
    return round((ratio / -log(mean) - _ZERO_CELSIUS_IN_KELVIN) * 1_000)


def minutes_out(breach: Breach) -> MinutesOut:
    """Return both bounds of a breach's time out of range in begun minutes, as the form asks for them."""
    return MinutesOut(-(-breach.out_ms // _MINUTE_MS), -(-(breach.out_ms + breach.unknown_ms) // _MINUTE_MS))
