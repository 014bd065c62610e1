"""A rule set's file: what it may say, and that every fault is named with its file, line and key."""

from datetime import date
from pathlib import Path

import pytest

from clinic_server.kit.editions import NothingInForce
from clinic_server.screening import rule_sets
from clinic_server.screening.rule_sets import RuleSetFaulty, Weight

FOLDER = Path(rule_sets.__file__).parent
NATIONAL = (FOLDER / "national-2021.toml").read_text(encoding="utf-8")
HEAD = """\
code = "sample"
version = 1
programme = "covid19"
jurisdiction = "XX"
source = "A test"
valid_from = 2021-01-01
owner = "Nobody"
sign_off = "Needs a physician's sign-off before clinical use."
observation_minutes = 30
"""
ASKS = """
[[question]]
code = "pregnancy"
finding = "pregnancy"
weight = "contraindication"
source = "A test"
"""
MEASURES = """
[[threshold]]
code = "fever"
quantity = "milli_celsius"
finding = "fever_measured"
weight = "deferral"
source = "A test"
at_least = 37300
"""
FOLLOWED = """
[[question.follow_up]]
code = "controlled"
source = "A test"
"""


def line_of(text: str, words: str) -> int:
    """Count by hand: the only line that holds the words."""
    (number,) = [number for number, line in enumerate(text.splitlines(), 1) if words in line]
    return number


def faults_of(text: str) -> list[str]:
    with pytest.raises(RuleSetFaulty) as refused:
        rule_sets.parse(text, "set.toml")
    return str(refused.value).splitlines()


def test_a_sound_file_is_read() -> None:
    found = rule_sets.parse(HEAD + ASKS + MEASURES, "set.toml")
    assert ([one.code for one in found.question], [one.code for one in found.threshold]) == (["pregnancy"], ["fever"])
    assert found.antigens == ("covid19",)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("version = 1", "version = 0", "version: Expected `int` >= 1"),
        ("version = 1", 'version = "one"', "version: Expected `int`, got `str`"),
        ("valid_from = 2021-01-01", 'valid_from = "spring"', "valid_from: "),
        ("observation_minutes = 30", "observation_minutes = 29", "observation_minutes: Expected `int` >= 30"),
        ("observation_minutes = 30", "observation_minutes = 241", "observation_minutes: Expected `int` <= 240"),
        ('owner = "Nobody"', 'ownr = "Nobody"', "ownr: there is no such key"),
        ('finding = "pregnancy"', 'finding = "Pregnancy!"', "question[0].finding: "),
        ('weight = "contraindication"', 'weight = "heavy"', "question[0].weight: Invalid enum value 'heavy'"),
        ("at_least = 37300", "at_least = 37.3", "threshold[0].at_least: "),
        ("at_least = 37300", "at_lest = 37300", "threshold[0].at_lest: there is no such key"),
        ('quantity = "milli_celsius"', 'quantity = "celsius"', "threshold[0].quantity: Invalid enum value 'celsius'"),
    ],
)
def test_a_fault_is_named_with_file_line_and_key(old: str, new: str, fault: str) -> None:
    text = (HEAD + ASKS + MEASURES).replace(old, new, 1)
    assert any(said.startswith(f"set.toml, line {line_of(text, new)}: {fault}") for said in faults_of(text)), faults_of(
        text
    )


@pytest.mark.parametrize(
    ("text", "line", "fault"),
    [
        (HEAD, 1, "the set asks nothing"),
        (HEAD + "valid_until = 2020-12-31\n" + ASKS, 10, "valid_until: ends before it begins"),
        (HEAD + ASKS + ASKS, 18, "question[1].code: pregnancy is there twice"),
        (HEAD + ASKS + MEASURES + MEASURES, 26, "threshold[1].code: fever is there twice"),
        (HEAD + ASKS + "from_age = 12\nbelow_age = 12\n", 11, "question[0]: pregnancy is asked of nobody"),
        (HEAD + ASKS + "from_months = 8\nbelow_months = 8\n", 11, "question[0]: pregnancy is asked of nobody"),
        (HEAD + ASKS + "defer_days = 14\n", 16, "question[0].defer_days: a contraindication has no day"),
        (HEAD + ASKS + "observe_minutes = 29\n", 16, "question[0].observe_minutes: Expected `int` >= 30"),
        (HEAD + ASKS + MEASURES.replace("at_least = 37300\n", ""), 17, "threshold[0]: fever has neither"),
        (HEAD + ASKS + MEASURES + "at_most = 37299\n", 24, "threshold[0].at_most: is below at_least"),
        (HEAD + ASKS + FOLLOWED + 'kind = "yes_no"\nyes = "nothing"\n', 17, "of the kind yes_no says no"),
        (HEAD + ASKS + FOLLOWED + 'kind = "date"\nyes = "nothing"\n', 21, "question[0].follow_up[0].yes: a follow-up"),
        (HEAD + ASKS + FOLLOWED + 'kind = "maybe"\n', 20, "question[0].follow_up[0].kind: Invalid enum value"),
        (
            HEAD + ASKS.replace("contraindication", "precaution") + FOLLOWED + 'kind = "choice"\n'
            'choices = { mild = "deferral" }\n',
            17,
            "question[0].follow_up[0]: an answer would weigh more than the question (precaution)",
        ),
        (HEAD + 'includes = [{ code = "other", version = 2 }]\n' + ASKS, 10, "includes: there is no other version 2"),
        (HEAD + "ages = { from_age = 60, below_age = 60 }\n" + ASKS, 10, "ages: finding is missing"),
        (HEAD + "version = 2\n" + ASKS, 10, "Cannot overwrite a value"),
        (HEAD + ASKS + "source = \n", 16, "Invalid value"),
    ],
)
def test_what_cannot_be_meant_is_named_with_its_line(text: str, line: int, fault: str) -> None:
    said = faults_of(text)
    assert any(one.startswith(f"set.toml, line {line}: ") and fault in one for one in said), said


def test_ages_of_nobody_are_refused() -> None:
    ages = 'ages = { from_age = 60, below_age = 60, finding = "old", weight = "precaution", source = "A test" }\n'
    assert faults_of(HEAD + ages + ASKS) == ["set.toml, line 10: ages: the set is for nobody: its ages are reversed"]


def test_all_faults_of_a_file_are_told_at_once_in_the_order_of_their_lines() -> None:
    text = (HEAD + ASKS + MEASURES).replace("version = 1", "version = 0").replace('"contraindication"', '"heavy"')
    text = text.replace('quantity = "milli_celsius"\n', "")
    said = faults_of(text)
    assert [one.split(": ")[0] for one in said] == ["set.toml, line 2", "set.toml, line 14", "set.toml, line 17"]


def test_an_included_set_gives_its_entries_and_one_of_the_same_code_overrides() -> None:
    other = rule_sets.parse(HEAD.replace('"sample"', '"other"') + ASKS + MEASURES, "other.toml")
    own = HEAD + 'includes = [{ code = "other", version = 1 }]\n' + ASKS.replace("contraindication", "precaution")
    own += ASKS.replace('code = "pregnancy"', 'code = "breastfeeding"')
    found = rule_sets.parse(own, "set.toml", [other])
    assert [(one.code, one.weight) for one in found.question] == [
        ("pregnancy", "precaution"),
        ("breastfeeding", "contraindication"),
    ]
    assert [one.code for one in found.threshold] == ["fever"]


def test_sets_that_include_one_another_are_refused(tmp_path: Path) -> None:
    for own, other in (("first", "second"), ("second", "first")):
        text = HEAD.replace('"sample"', f'"{own}"') + f'includes = [{{ code = "{other}", version = 1 }}]\n' + ASKS
        (tmp_path / f"{own}.toml").write_text(text, encoding="utf-8")
    with pytest.raises(RuleSetFaulty, match=r"first\.toml, line 10: includes: there is no second version 1"):
        rule_sets.read_from(tmp_path)


def test_a_folder_is_read_whatever_the_order_of_its_names(tmp_path: Path) -> None:
    including = HEAD.replace('"sample"', '"a-set"') + 'includes = [{ code = "z-set", version = 1 }]\n'
    (tmp_path / "a.toml").write_text(including, encoding="utf-8")
    (tmp_path / "z.toml").write_text(HEAD.replace('"sample"', '"z-set"') + ASKS, encoding="utf-8")
    assert [[entry.code for entry in one.question] for one in rule_sets.read_from(tmp_path)] == [["pregnancy"]] * 2


def test_two_files_of_one_version_are_refused(tmp_path: Path) -> None:
    for name in ("a.toml", "b.toml"):
        (tmp_path / name).write_text(HEAD + ASKS, encoding="utf-8")
    with pytest.raises(RuleSetFaulty, match=r"Two files hold sample version 1; one is b\.toml"):
        rule_sets.read_from(tmp_path)


def test_a_digest_stands_for_every_word_and_for_those_included_but_not_for_how_lines_end() -> None:
    first = rule_sets.parse(HEAD + ASKS, "set.toml")
    assert rule_sets.parse((HEAD + ASKS).replace("\n", "\r\n"), "set.toml").digest == first.digest
    assert rule_sets.parse((HEAD + ASKS).replace("A test", "A text"), "set.toml").digest != first.digest
    including = HEAD.replace('"sample"', '"whole"') + 'includes = [{ code = "sample", version = 1 }]\n'
    changed = rule_sets.parse(HEAD + ASKS + "# a word more\n", "set.toml")
    digests = {rule_sets.parse(including, "whole.toml", [one]).digest for one in (first, changed)}
    assert len(digests) == 2


def test_a_set_is_valid_from_one_day_to_another_both_included() -> None:
    found = rule_sets.parse(HEAD + "valid_until = 2021-01-31\n" + ASKS, "set.toml")
    days = [date(2020, 12, 31), date(2021, 1, 1), date(2021, 1, 31), date(2021, 2, 1)]
    assert [found.is_valid_on(day) for day in days] == [False, True, True, False]


def test_a_programme_has_the_sets_of_its_own() -> None:
    """COVID-19 by the national guidance, influenza and routine immunisation each by their own set."""
    day, shipped = date(2026, 3, 2), rule_sets.shipped()
    found = {programme: rule_sets.active(shipped, day, programme).code for programme in ("covid19", "influenza")}
    assert found == {"covid19": "national-2021", "influenza": "influenza-2021"}
    assert rule_sets.active(shipped, date(2021, 3, 28)).code == "founding-documents"
    with pytest.raises(NothingInForce):
        rule_sets.active(shipped, day, "zoster")


def test_a_programme_protects_from_what_its_sets_say() -> None:
    assert rule_sets.antigens_of(rule_sets.shipped(), "covid19") == {"covid19"}
    assert {"polio", "measles"} <= rule_sets.antigens_of(rule_sets.shipped(), "routine")
    assert rule_sets.antigens_of(rule_sets.shipped(), "zoster") == {"zoster"}


def test_the_founding_set_includes_what_bars_from_influenza_vaccination() -> None:
    """R42: whoever may not have the influenza vaccine may not have this one."""
    founding = rule_sets.of_version(rule_sets.shipped(), "founding-documents", 1)
    influenza = rule_sets.of_version(rule_sets.shipped(), "influenza-2021", 1)
    assert {one.code for one in influenza.question} <= {one.code for one in founding.question}
    assert {one.code: one.weight for one in founding.question}["acute_illness"] == Weight.CONTRAINDICATION
