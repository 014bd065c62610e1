"""When a set may be signed off, adopted and used: pure, over what the records say."""

from collections.abc import Collection, Iterable
from datetime import date

from clinic_server.kit.errors import Conflict, NotFound, Refused
from clinic_server.screening.rule_sets import DEFAULT_PROGRAMME, RuleSet


class RuleSetUnknown(NotFound):
    """This server holds no such version of such a set."""

    code = "rule_set_unknown"


class ProgrammeUnknown(NotFound):
    """Nobody is asked for this programme here."""

    code = "programme_unknown"


class RuleSetChanged(Conflict):
    """The file of ``name`` version ``version`` is gone, or says something else than when the site relied on it."""

    code = "rule_set_changed"


class RuleSetNotInForce(Refused):
    """The set is not valid yet, or not any more."""

    code = "rule_set_not_in_force"


class RuleSetNotSignedOff(Refused):
    """No physician answers for the set as it reads now."""

    code = "rule_set_not_signed_off"


class RuleSetStands(Conflict):
    """It is already so: adopted for its programme, or signed off by this physician."""

    code = "rule_set_stands"


def known(rule_sets: Iterable[RuleSet], code: str, version: int) -> RuleSet:
    """Return a version of a set, or raise RuleSetUnknown."""
    for rule_set in rule_sets:
        if (rule_set.code, rule_set.version) == (code, version):
            return rule_set
    raise RuleSetUnknown


def unchanged(rule_sets: Iterable[RuleSet], code: str, version: int, digest: str) -> RuleSet:
    """Return the very words the site relied on, or raise RuleSetChanged."""
    try:
        rule_set = known(rule_sets, code, version)
    except RuleSetUnknown:
        raise RuleSetChanged(name=code, version=version) from None
    if rule_set.digest != digest:
        raise RuleSetChanged(name=code, version=version)
    return rule_set


def refuse_adoption(rule_set: RuleSet, signed_off: Collection[str], adopted: str | None, today: date) -> None:
    """Raise why a set may not become a programme's; ``signed_off`` and ``adopted`` are digests."""
    if adopted == rule_set.digest:
        raise RuleSetStands
    if rule_set.digest not in signed_off:
        raise RuleSetNotSignedOff
    refuse_out_of_force(rule_set, today)


def refuse_out_of_force(rule_set: RuleSet, today: date) -> None:
    """Raise RuleSetNotInForce outside the days the set is valid on."""
    if not rule_set.is_valid_on(today):
        raise RuleSetNotInForce(name=rule_set.code, version=rule_set.version)


def programmes_asked(adopted: Iterable[str], rule_sets: Iterable[RuleSet]) -> tuple[str, ...]:
    """Return what people are asked for here, the first unless said: what was adopted, else all there is."""
    chosen = tuple(dict.fromkeys(adopted))
    return chosen or tuple(dict.fromkeys((DEFAULT_PROGRAMME, *(one.programme for one in rule_sets))))
