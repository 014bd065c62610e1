"""Brighton levels of anaphylaxis against the published table (Rüggeberg et al., Vaccine 2007; 25: 5675)."""

from itertools import combinations, product

import pytest

from clinic_server.adverse_events.brighton import CourseNeeded, Criterion, Gap, Level, Sign, assess, criteria_in
from clinic_server.adverse_events.care import symptoms

SIGN_OF = {
    "S": (Sign.ANGIOEDEMA,),
    "C": (Sign.LOW_PRESSURE,),
    "R": (Sign.STRIDOR,),
    "s": (Sign.RED_ITCHY_EYES,),
    "c": (Sign.FAST_PULSE, Sign.DROWSY),
    "r": (Sign.DRY_COUGH,),
    "g": (Sign.NAUSEA,),
    "l": (Sign.RAISED_TRYPTASE,),
}
# By hand from the published table. One line for each set of major criteria (skin, circulation, respiration); the
# digits are the levels for the minor ones, counted up in binary as skin, circulation, respiration, gut, laboratory.
TABLE = {
    "": "4444 4443 4443 4333 4444 4333 4333 3333",
    "S": "4444 2222 2222 2222 4444 2222 2222 2222",
    "C": "4222 4222 4222 4222 2222 2222 2222 2222",
    "R": "4222 4222 4222 4222 2222 2222 2222 2222",
    "SC": "1111 1111 1111 1111 1111 1111 1111 1111",
    "SR": "1111 1111 1111 1111 1111 1111 1111 1111",
    "CR": "2222 2222 2222 2222 2222 2222 2222 2222",
    "SCR": "1111 1111 1111 1111 1111 1111 1111 1111",
}


def level_of(letters: str) -> Level:
    """Return the level of a sudden, rapid case that meets these criteria."""
    signs = [sign for letter in letters for sign in SIGN_OF[letter]]
    return assess(signs, sudden_onset=True, rapid_progress=True).level


@pytest.mark.parametrize("majors", TABLE)
def test_every_combination_of_criteria_has_the_level_of_the_published_table(majors: str) -> None:
    """Rüggeberg 2007, table of levels: all 256 combinations."""
    digits = TABLE[majors].replace(" ", "")
    for bits, digit in zip(product((0, 1), repeat=5), digits, strict=True):
        minors = "".join(letter for letter, is_met in zip("scrgl", bits, strict=True) if is_met)
        assert level_of(majors + minors) == int(digit), majors + minors


def test_another_sign_never_worsens_the_level() -> None:
    """Whatever is seen already: pairs, threes and fours of signs from every system."""
    for known in combinations(Sign, 3):
        before = assess(known, sudden_onset=True, rapid_progress=True).level
        for one in Sign:
            assert assess((*known, one), sudden_onset=True, rapid_progress=True).level <= before, (known, one)


@pytest.mark.parametrize(
    ("signs", "met"),
    [
        ("generalised_urticaria", "skin_major"),
        ("generalised_erythema", "skin_major"),
        ("angioedema", "skin_major"),
        ("generalised_itch_with_rash", "skin_major"),
        ("generalised_itch", "skin_minor"),
        ("generalised_prickle", "skin_minor"),
        ("urticaria_at_site", "skin_minor"),
        ("red_itchy_eyes", "skin_minor"),
        ("low_pressure", "circulation_major"),
        ("shock", "circulation_major"),
        ("fast_pulse", ""),
        ("slow_capillary_refill", ""),
        ("weak_central_pulse", ""),
        ("drowsy lost_consciousness", ""),
        ("fast_pulse weak_central_pulse", ""),
        ("weak_central_pulse lost_consciousness", ""),
        ("fast_pulse slow_capillary_refill", "circulation_minor"),
        ("fast_pulse lost_consciousness", "circulation_minor"),
        ("slow_capillary_refill drowsy", "circulation_minor"),
        ("fast_pulse drowsy lost_consciousness", "circulation_minor"),
        ("fast_pulse slow_capillary_refill drowsy", "circulation_major circulation_minor"),
        ("fast_pulse weak_central_pulse drowsy", "circulation_major circulation_minor"),
        ("wheeze_both_sides", "breathing_major"),
        ("stridor", "breathing_major"),
        ("upper_airway_swelling", "breathing_major"),
        ("fast_breathing", ""),
        ("fast_breathing accessory_muscles", "breathing_major"),
        ("recession cyanosis", "breathing_major"),
        ("grunting fast_breathing", "breathing_major"),
        ("dry_cough", "breathing_minor"),
        ("hoarse_voice", "breathing_minor"),
        ("short_of_breath", "breathing_minor"),
        ("throat_closing", "breathing_minor"),
        ("sneezing_runny_nose", "breathing_minor"),
        ("diarrhoea", "gut_minor"),
        ("abdominal_pain", "gut_minor"),
        ("nausea", "gut_minor"),
        ("vomiting", "gut_minor"),
        ("raised_tryptase", "laboratory_minor"),
        ("fainting pale_sweating fever", ""),
    ],
)
def test_signs_meet_the_criteria_of_the_published_list(signs: str, met: str) -> None:
    """Rüggeberg 2007, major and minor criteria; a shock takes three signs, distress and poor circulation two."""
    assert criteria_in(signs.split()) == {Criterion(code) for code in met.split()}


@pytest.mark.parametrize(
    ("sudden", "rapid", "level", "unknown"),
    [
        (True, True, 1, ()),
        (None, True, 4, (CourseNeeded.SUDDEN_ONSET,)),
        (True, None, 4, (CourseNeeded.RAPID_PROGRESS,)),
        (None, None, 4, (CourseNeeded.SUDDEN_ONSET, CourseNeeded.RAPID_PROGRESS)),
        (False, True, 5, ()),
        (True, False, 5, ()),
        (False, None, 5, (CourseNeeded.RAPID_PROGRESS,)),
    ],
)
def test_every_level_asks_for_a_sudden_onset_and_a_rapid_course(
    sudden: bool | None, rapid: bool | None, level: int, unknown: tuple[CourseNeeded, ...]
) -> None:
    """What is not known keeps the level down; what was not so makes it no case."""
    found = assess([Sign.ANGIOEDEMA, Sign.STRIDOR], sudden_onset=sudden, rapid_progress=rapid)
    assert (found.level, found.course_unknown, found.level_by_criteria) == (level, unknown, Level.CERTAIN)


def test_what_is_missing_is_the_shortest_way_to_a_better_level() -> None:
    """Two ways lead from hives and cough to level 1; none leads further."""
    found = assess([Sign.GENERALISED_URTICARIA, Sign.DRY_COUGH], sudden_onset=True, rapid_progress=True)
    assert found.level is Level.PROBABLE
    assert found.met == {Criterion.SKIN_MAJOR, Criterion.BREATHING_MINOR}
    assert found.gaps == (
        Gap(Level.CERTAIN, frozenset({Criterion.CIRCULATION_MAJOR})),
        Gap(Level.CERTAIN, frozenset({Criterion.BREATHING_MAJOR})),
    )
    best = assess([Sign.ANGIOEDEMA, Sign.STRIDOR], sudden_onset=True, rapid_progress=True)
    assert best.gaps == ()


def test_longer_ways_to_a_better_level_are_not_shown() -> None:
    """A low pressure alone needs one thing more; the ways that need three are left out."""
    found = assess([Sign.LOW_PRESSURE], sudden_onset=True, rapid_progress=True)
    assert {(gap.level, *gap.criteria) for gap in found.gaps} == {
        (Level.CERTAIN, Criterion.SKIN_MAJOR),
        (Level.PROBABLE, Criterion.BREATHING_MAJOR),
        (Level.PROBABLE, Criterion.SKIN_MINOR),
        (Level.PROBABLE, Criterion.GUT_MINOR),
        (Level.PROBABLE, Criterion.LABORATORY_MINOR),
    }


def test_every_gap_leads_where_it_says() -> None:
    """Whoever finds what is missing reaches the level that was named."""
    letters = dict(zip(Criterion, "SsCcRrgl", strict=True))
    for count in range(5):
        for some in combinations(SIGN_OF, count):
            signs = [sign for letter in some for sign in SIGN_OF[letter]]
            for gap in assess(signs, sudden_onset=True, rapid_progress=True).gaps:
                assert level_of("".join(some) + "".join(letters[one] for one in gap.criteria)) <= gap.level


def test_every_sign_can_be_chosen_in_the_care_log_or_is_measured() -> None:
    """The pressure is read from the vitals, the tryptase from the laboratory."""
    assert set(Sign) - set(symptoms.shipped().by_code) == {Sign.LOW_PRESSURE, Sign.RAISED_TRYPTASE}
