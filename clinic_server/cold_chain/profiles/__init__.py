"""The profiles: how each kind of place is judged, one readable file for each version.

A file is never edited in place once a reading was judged by it: a change is a new file with the next version.
"""

import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import msgspec

from clinic_server.cold_chain.judging import BreachKind, LimitRule, Profile, ProfileUnknown

_FOLDER = Path(__file__).parent


class ProfileFaulty(ValueError):
    """A profile's file says something that cannot be meant; the text names the file and the place."""


def parse(text: str, name: str) -> Profile:
    """Return the profile a file holds, or raise ProfileFaulty naming every fault."""
    try:
        profile = msgspec.convert(tomllib.loads(text), Profile)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ProfileFaulty(f"{name}: {error}") from None
    if faults := faults_in(profile):
        raise ProfileFaulty("\n".join(f"{name}: {fault}" for fault in faults))
    return profile


def faults_in(profile: Profile) -> tuple[str, ...]:
    """Return what in a profile cannot be meant, though each value by itself could be."""
    return tuple(_faults_of_the_whole(profile)) + tuple(
        f"rules[{place}]: {fault}" for place, rule in enumerate(profile.rules) for fault in _faults_of(rule, profile)
    )


@cache
def shipped() -> tuple[Profile, ...]:
    """Return every profile beside this file, read once."""
    return read_from(_FOLDER)


def read_from(folder: Path) -> tuple[Profile, ...]:
    """Return every profile of a folder; raise ProfileFaulty rather than judge by half of them."""
    profiles = tuple(parse(path.read_text(encoding="utf-8"), path.name) for path in sorted(folder.glob("*.toml")))
    seen: set[str] = set()
    for profile in profiles:
        if profile.edition in seen:
            raise ProfileFaulty(f"Two files hold {profile.profile} version {profile.version}.")
        seen.add(profile.edition)
    return profiles


def newest(profiles: Iterable[Profile]) -> tuple[Profile, ...]:
    """Return the newest version of each profile, in the order of their names."""
    by_version = sorted(profiles, key=lambda one: (one.profile, one.version))
    return tuple({one.profile: one for one in by_version}.values())


def profile_of(code: str, version: int | None = None) -> Profile:
    """Return a shipped profile, its newest version unless said otherwise, or raise ProfileUnknown."""
    wanted = newest(shipped()) if version is None else shipped()
    for profile in wanted:
        if profile.profile == code and version in (None, profile.version):
            return profile
    raise ProfileUnknown


def _faults_of_the_whole(profile: Profile) -> Iterator[str]:
    if profile.low_milli_celsius + 2 * profile.deadband_milli_celsius >= profile.high_milli_celsius:
        yield "the range is empty, or the deadbands of both its ends meet"
    if profile.interval_s == 0 or profile.gap_after_s < profile.interval_s:
        yield "gap_after_s: every reading in time would end a gap"
    if profile.no_data_after_s < profile.gap_after_s:
        yield "no_data_after_s: a probe would be silent before there is a gap"
    alarming = {rule.kind for rule in profile.rules if not rule.is_warning}
    if BreachKind.TOO_WARM not in alarming:
        yield "rules: no warmth alarms"
    if alarming <= {BreachKind.TOO_WARM}:
        yield "rules: no cold alarms"


def _faults_of(rule: LimitRule, profile: Profile) -> Iterator[str]:
    limit = rule.beyond_milli_celsius
    is_inside = profile.low_milli_celsius < limit < profile.high_milli_celsius
    if rule.is_warning != is_inside:
        yield "a warning lies inside the range, and nothing else does"
    if rule.kind is BreachKind.TOO_WARM and limit <= profile.low_milli_celsius:
        yield "too warm, though below the range"
    if rule.kind is not BreachKind.TOO_WARM and limit >= profile.high_milli_celsius:
        yield "too cold, though above the range"
    if rule.at_limit and rule.kind is not BreachKind.FROZEN:
        yield "at_limit: both ends of a range are in it"
    if rule.within_s is not None and rule.within_s < rule.for_s:
        yield "within_s: the window is shorter than what it should add up"
