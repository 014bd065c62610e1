"""The list of kinds of events: what it says of itself, and what it may not say."""

from pathlib import Path

import pytest

from clinic_server.adverse_events import kinds
from clinic_server.adverse_events.kinds import KindsFaulty, OnsetUnit

FILE = (Path(kinds.__file__).parent / "cn-1.toml").read_text("utf-8")
SHOCK = 'code = "anaphylactic_shock"'


@pytest.mark.parametrize(
    ("code", "unit", "begins", "ends"),
    [
        ("anaphylactic_shock", OnsetUnit.HOURS, 0, 24),
        ("fever", OnsetUnit.DAYS, 0, 5),
        ("febrile_seizure", OnsetUnit.DAYS, 0, 15),
        ("guillain_barre_syndrome", OnsetUnit.WEEKS, 0, 6),
        ("brachial_neuritis", OnsetUnit.MONTHS, 0, 3),
        ("bcg_lymphadenitis", OnsetUnit.MONTHS, 1, 12),
    ],
)
def test_each_kind_has_the_onset_of_the_national_plan(code: str, unit: OnsetUnit, begins: int, ends: int) -> None:
    kind = kinds.shipped().by_code[code]
    assert (kind.unit, kind.onset_from, kind.onset_until) == (unit, begins, ends)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (SHOCK, 'code = "fever"'),
        ('unit = "hours"\n', ""),
        ("onset_until = 24", "onset_until = 0"),
        ("onset_from = 1", "onset_from = 12"),
        ('group = "allergic"', 'group = "unheard_of"'),
        (', en = "urticaria"', ""),
    ],
)
def test_a_file_that_says_what_cannot_be_meant_is_refused_by_its_name(right: str, wrong: str) -> None:
    assert right in FILE
    with pytest.raises(KindsFaulty, match=r"^faulty\.toml: "):
        kinds.parse(FILE.replace(right, wrong, 1), "faulty.toml")
