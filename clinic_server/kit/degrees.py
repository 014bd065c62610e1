"""Temperatures as they are said: to a tenth of a degree, and finer where that would hide what makes them differ."""

from collections.abc import Collection
from typing import Final

_STEPS_MILLI_CELSIUS: Final = (100, 10)


def rounded(milli_celsius: int, limits: Collection[int]) -> int:
    """Round to a tenth of a degree, halves away from zero; finer where that would cross a limit or hit one."""
    for step in _STEPS_MILLI_CELSIUS:
        to_step = (abs(milli_celsius) + step // 2) // step * step * (-1 if milli_celsius < 0 else 1)
        if all(_side(to_step, limit) == _side(milli_celsius, limit) for limit in limits):
            return to_step
    return milli_celsius


def celsius(milli_celsius: int, sign: str = "-") -> str:
    """Show all of a temperature, with one decimal at least; ``sign`` is of the format: "+" shows a plus, too."""
    decimals = next((most for most, step in enumerate(_STEPS_MILLI_CELSIUS, 1) if milli_celsius % step == 0), 3)
    return f"{milli_celsius / 1000:{sign}.{decimals}f}"


def _side(milli_celsius: int, limit: int) -> int:
    return (milli_celsius > limit) - (milli_celsius < limit)
