"""When a set may be adopted and used."""

from datetime import date

import pytest

from clinic_server.kit.errors import ClinicError
from clinic_server.screening import rule_sets
from clinic_server.screening.rule_sets.standing import (
    RuleSetChanged,
    RuleSetNotInForce,
    RuleSetNotSignedOff,
    RuleSetStands,
    RuleSetUnknown,
    known,
    programmes_asked,
    refuse_adoption,
    unchanged,
)
from tests.rules.test_rule_set_files import ASKS, HEAD

SET = rule_sets.parse(HEAD + "valid_until = 2021-12-31\n" + ASKS, "set.toml")
TODAY = date(2021, 6, 1)


def test_a_signed_set_in_force_may_be_adopted() -> None:
    refuse_adoption(SET, {SET.digest}, None, TODAY)
    refuse_adoption(SET, {SET.digest}, "another", date(2021, 12, 31))


@pytest.mark.parametrize(
    ("signed", "adopted", "today", "refusal"),
    [
        (set(), None, TODAY, RuleSetNotSignedOff),
        ({"earlier words"}, None, TODAY, RuleSetNotSignedOff),
        ({SET.digest}, SET.digest, TODAY, RuleSetStands),
        ({SET.digest}, None, date(2020, 12, 31), RuleSetNotInForce),
        ({SET.digest}, None, date(2022, 1, 1), RuleSetNotInForce),
    ],
)
def test_a_set_is_not_adopted(signed: set[str], adopted: str | None, today: date, refusal: type[ClinicError]) -> None:
    with pytest.raises(refusal):
        refuse_adoption(SET, signed, adopted, today)


def test_a_file_edited_in_place_is_refused_by_its_name() -> None:
    assert unchanged([SET], "sample", 1, SET.digest) is SET
    edited = rule_sets.parse(HEAD + ASKS + "# one word\n", "set.toml")
    with pytest.raises(RuleSetChanged) as refused:
        unchanged([edited], "sample", 1, SET.digest)
    assert refused.value.facts == {"name": "sample", "version": 1}


@pytest.mark.parametrize(("code", "version"), [("sample", 2), ("other", 1)])
def test_a_version_that_is_gone_is_refused(code: str, version: int) -> None:
    with pytest.raises(RuleSetUnknown):
        known([SET], code, version)
    with pytest.raises(RuleSetChanged):
        unchanged([SET], code, version, SET.digest)


def test_a_site_asks_for_what_it_adopted_and_before_that_for_all_there_is() -> None:
    assert programmes_asked(["influenza", "covid19", "influenza"], [SET]) == ("influenza", "covid19")
    assert programmes_asked([], rule_sets.shipped()) == ("covid19", "influenza", "routine")
