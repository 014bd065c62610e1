"""A site's own limits: a shipped profile, made stricter or given other delays, never wider than its vaccines bear."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from msgspec.structs import replace

from clinic_server.cold_chain.judging import BreachKind, LimitRule, Profile
from clinic_server.cold_chain.profiles import faults_in
from clinic_server.kit.errors import Conflict, NotFound, Refused
from clinic_server.staff.rules import Role

PROPOSERS = frozenset({Role.SITE_LEAD})
CONFIRMERS = frozenset({Role.SITE_LEAD, Role.COLD_CHAIN_KEEPER, Role.PHYSICIAN})
LONGEST_DELAY_S = 36_000  # ten hours, the longest any shipped profile waits


class LimitsOutsideLabel(Refused):
    """A vaccine that stands in the place may not be kept within these limits; ``profile`` is what it says itself."""

    code = "limits_outside_label"


class LimitsLooser(Refused):
    """A site's own copy alarms no later in temperature than the profile it is made from."""

    code = "limits_looser"


class LimitsContradict(Refused):
    """The limits cannot be meant: the lower one is not the lower, or rules are missing."""

    code = "limits_contradict"


class LimitsFromPast(Refused):
    """Limits hold from a day on that has not passed."""

    code = "limits_from_past"


class LimitsUnknown(NotFound):
    """Nobody proposed these limits."""

    code = "limits_unknown"


class LimitsStand(Conflict):
    """Two people have agreed on these limits already."""

    code = "limits_stand"


class LimitsNeedSecond(Refused):
    """Who proposed limits does not confirm them as well."""

    code = "limits_need_second"


@dataclass(frozen=True, slots=True)
class RuleChange:
    """What one rule of a profile becomes."""

    beyond_milli_celsius: int
    for_s: int


@dataclass(frozen=True, slots=True)
class LimitChanges:
    """What a site sets itself in its copy of a profile; ``rules`` are in the order of the profile's own."""

    low_milli_celsius: int
    high_milli_celsius: int
    no_data_after_s: int
    rules: tuple[RuleChange, ...]


@dataclass(frozen=True, slots=True)
class OwnCopy:
    """Under which name, from when and for what reason a site keeps a copy of a profile."""

    name: str
    version: int
    valid_from: date
    reason: str


def unchanged(base: Profile) -> LimitChanges:
    """Return what a profile sets itself, as changes that change nothing."""
    rules = tuple(RuleChange(rule.beyond_milli_celsius, rule.for_s) for rule in base.rules)
    return LimitChanges(base.low_milli_celsius, base.high_milli_celsius, base.no_data_after_s, rules)


def tailored(base: Profile, changes: LimitChanges, own: OwnCopy) -> Profile:
    """Return a site's own copy of a profile, or raise LimitsContradict or LimitsLooser."""
    if len(changes.rules) != len(base.rules) or any(one.for_s > LONGEST_DELAY_S for one in changes.rules):
        raise LimitsContradict
    rules = tuple(
        replace(rule, beyond_milli_celsius=change.beyond_milli_celsius, for_s=change.for_s)
        for rule, change in zip(base.rules, changes.rules, strict=True)
    )
    made = replace(
        base,
        profile=own.name,
        version=own.version,
        valid_from=own.valid_from,
        source=f"{base.profile} {base.version}: {own.reason}",
        low_milli_celsius=changes.low_milli_celsius,
        high_milli_celsius=changes.high_milli_celsius,
        no_data_after_s=changes.no_data_after_s,
        rules=rules,
    )
    if _is_looser(made, base):
        raise LimitsLooser
    if faults_in(made):
        raise LimitsContradict
    return made


def refuse_outside_labels(profile: Profile, labels: Iterable[Profile]) -> None:
    """Raise LimitsOutsideLabel where a vaccine's own profile is narrower, or its alarm would come too late or never."""
    for label in labels:
        within = (
            label.low_milli_celsius <= profile.low_milli_celsius
            and profile.high_milli_celsius <= label.high_milli_celsius
        )
        if not within or not _alarms_at(profile, label):
            raise LimitsOutsideLabel(profile=label.profile)


def refuse_same_person(proposed_by: UUID, confirmed_by: UUID) -> None:
    """Raise LimitsNeedSecond where one person would be both."""
    if proposed_by == confirmed_by:
        raise LimitsNeedSecond


def _is_looser(made: Profile, base: Profile) -> bool:
    wider = (
        made.low_milli_celsius < base.low_milli_celsius
        or made.high_milli_celsius > base.high_milli_celsius
        or made.no_data_after_s > max(base.no_data_after_s, 3600)
    )
    return wider or any(_reaches_further(own, its) for own, its in zip(made.rules, base.rules, strict=True))


def _reaches_further(own: LimitRule, its: LimitRule) -> bool:
    return own.kind.sign * (own.beyond_milli_celsius - its.beyond_milli_celsius) > 0


def _alarms_at(profile: Profile, label: Profile) -> bool:
    """Tell whether a rule of a profile alarms for warmth no later than at a vaccine's limit, and one for cold."""
    alarms = [rule for rule in profile.rules if not rule.is_warning]
    warm = [rule.beyond_milli_celsius for rule in alarms if rule.kind is BreachKind.TOO_WARM]
    return min(warm, default=label.high_milli_celsius + 1) <= label.high_milli_celsius and len(warm) < len(alarms)
