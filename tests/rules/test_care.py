"""What is doubted in the log of a care, what the protocol's limits say, and the files they stand in."""

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from clinic_server.adverse_events.brighton import Criterion, Level
from clinic_server.adverse_events.care import drug_tables, protocols, symptoms
from clinic_server.adverse_events.care.anaphylaxis import assessment_of, was_severe
from clinic_server.adverse_events.care.drug_tables import DrugTableFaulty
from clinic_server.adverse_events.care.drugs import findings_about, strength_of
from clinic_server.adverse_events.care.protocols import ProtocolFaulty
from clinic_server.adverse_events.care.rules import (
    Ambulance,
    AmbulanceStep,
    Consciousness,
    DeclinerNeeded,
    DoseOfDrugMissing,
    DrugFinding,
    DrugGiven,
    DrugRoute,
    DrugSite,
    Ending,
    HospitalNeeded,
    Note,
    NothingMeasured,
    NothingSaid,
    Oxygen,
    Said,
    Symptoms,
    Vitals,
    VitalsImplausible,
    call_of,
    kind_of,
    refuse_unnamed,
    refuse_unsaid,
)
from clinic_server.adverse_events.care.symptoms import BodySystem, SymptomsFaulty
from clinic_server.adverse_events.care.vitals import VitalsFinding, findings_of, keeps_from_release
from clinic_server.adverse_events.rules import CareEnd
from clinic_server.kit.errors import ClinicError

PROTOCOL, TABLE, LIST = protocols.shipped(), drug_tables.shipped(), symptoms.shipped()
YEAR = 12
ADRENALINE = DrugGiven("adrenaline", "1:1000", 500, DrugRoute.INTRAMUSCULAR, DrugSite.LEFT_OUTER_THIGH)
WELL = Vitals(120, 80, 80, 99, 16, consciousness=Consciousness.ALERT)
ABOVE = DrugFinding.DOSE_ABOVE_REFERENCE


@pytest.mark.parametrize(
    ("age_months", "weight_g", "dose_ug", "is_above"),
    [
        (14 * YEAR, None, 500, False),
        (14 * YEAR, None, 501, True),
        (14 * YEAR - 1, None, 300, False),
        (14 * YEAR - 1, None, 301, True),
        (5 * YEAR, 20_000, 200, False),
        (5 * YEAR, 20_000, 201, True),
        (5 * YEAR, 60_000, 301, True),
        (40 * YEAR, 40_000, 400, False),
        (40 * YEAR, 40_000, 401, True),
        (40 * YEAR, 90_000, 500, False),
    ],
)
def test_adrenaline_above_its_reference_is_doubted(
    age_months: int, weight_g: int | None, dose_ug: int, *, is_above: bool
) -> None:
    """National emergency text: 0.01 mg/kg, at most 0.5 mg from 14 years, 0.3 mg below."""
    found = findings_about(replace(ADRENALINE, dose_ug=dose_ug), TABLE, age_months, weight_g)
    assert (ABOVE in found) is is_above


@pytest.mark.parametrize(
    ("route", "site"),
    [
        (DrugRoute.SUBCUTANEOUS, DrugSite.LEFT_OUTER_THIGH),
        (DrugRoute.INTRAVENOUS, DrugSite.VEIN),
        (DrugRoute.INTRAMUSCULAR, DrugSite.LEFT_UPPER_ARM),
    ],
)
def test_adrenaline_anywhere_but_in_the_outer_thigh_is_doubted(route: DrugRoute, site: DrugSite) -> None:
    given = replace(ADRENALINE, route=route, site=site)
    assert findings_about(given, TABLE, 40 * YEAR, None) == (DrugFinding.ROUTE_NOT_REFERENCED,)


def test_a_drug_the_table_does_not_know_is_recorded_as_it_is_told() -> None:
    assert findings_about(replace(ADRENALINE, drug="saline", dose_ug=10**9), TABLE, 40 * YEAR, None) == ()


def test_a_drug_the_table_names_no_dose_of_at_an_age_is_doubted() -> None:
    site = DrugSite.LEFT_UPPER_ARM
    given = DrugGiven("promethazine", "25 mg/ml", 12_500, DrugRoute.INTRAMUSCULAR, site)
    assert findings_about(given, TABLE, 14 * YEAR, None) == ()
    assert findings_about(given, TABLE, 14 * YEAR - 1, None) == (DrugFinding.AGE_NOT_REFERENCED,)


@pytest.mark.parametrize("name", ["adrenaline", " Adrenaline ", "肾上腺素", "腎上腺素", "EPINEPHRINE", "副肾素"])
def test_whatever_a_drug_is_called_it_is_the_tables(name: str) -> None:
    assert TABLE.code_named(name) == "adrenaline"


def test_a_name_the_table_does_not_know_stays_as_it_is() -> None:
    assert TABLE.code_named(" 地塞米松 ") == "地塞米松"


@pytest.mark.parametrize(
    ("said", "ug_per_ml"),
    [
        *(("1:1000", 1000), ("1:10000", 100), ("1\uff1a1000", 1000), ("1:1000 (1 mg/ml)", 1000)),
        *(("1 mg/ml", 1000), ("1mg/1ml", 1000), ("25mg/2ml", 12_500), ("100 µg/ml", 100), ("0.1 g/10 ml", 10_000)),
        *(("1ml:1mg", 1000), ("2 ml:50 mg", 25_000), ("1mg:1ml", 1000), ("0.1%", 1000), ("0.01 %", 100)),
        *(("", None), ("strong", None), ("1 mg", None), ("5 mg/0 ml", None), ("1:0", None)),
    ],
)
def test_the_strength_is_read_as_ampoules_print_it(said: str, ug_per_ml: int | None) -> None:
    assert strength_of(said) == ug_per_ml


@pytest.mark.parametrize(
    ("concentration", "is_doubted"),
    [("1:1000", False), ("1ml:1mg", False), ("", False), ("1:10000", True), ("0.1 mg/ml", True), ("the red one", True)],
)
def test_another_strength_than_the_tables_is_doubted(concentration: str, *, is_doubted: bool) -> None:
    found = findings_about(replace(ADRENALINE, concentration=concentration), TABLE, 40 * YEAR, None)
    assert found == ((DrugFinding.STRENGTH_NOT_REFERENCED,) if is_doubted else ())


def test_a_table_that_states_no_strength_doubts_none() -> None:
    """A site's own table may name a drug without its strength: what an ampoule says is then recorded as it is told."""
    silent = tuple(msgspec.structs.replace(one, strength_ug_per_ml=None) for one in TABLE.drug)
    table = msgspec.structs.replace(TABLE, drug=silent)
    given = replace(ADRENALINE, concentration="1:10000", volume_ul=5_000)
    assert findings_about(given, table, 40 * YEAR, None) == ()
    assert findings_about(replace(given, volume_ul=500), table, 40 * YEAR, None) == (
        DrugFinding.VOLUME_CONTRADICTS_DOSE,
    )


@pytest.mark.parametrize(
    ("drug", "concentration", "volume_ul", "is_doubted"),
    [
        *(("adrenaline", "1:1000", None, False), ("adrenaline", "1:1000", 500, False)),
        *(("adrenaline", "", 500, False), ("adrenaline", "", 520, False), ("adrenaline", "", 530, True)),
        *(("adrenaline", "1:1000", 5_000, True), ("adrenaline", "1:10000", 500, True)),
        *(("saline", "1 mg/ml", 500, False), ("saline", "1 mg/ml", 50, True), ("saline", "", 50, False)),
    ],
)
def test_a_volume_that_holds_another_dose_is_doubted(
    drug: str, concentration: str, volume_ul: int | None, *, is_doubted: bool
) -> None:
    """0.5 mg told: ten times too much or too little is what a wrong ampoule makes of it."""
    given = replace(ADRENALINE, drug=drug, concentration=concentration, volume_ul=volume_ul)
    assert (DrugFinding.VOLUME_CONTRADICTS_DOSE in findings_about(given, TABLE, 40 * YEAR, None)) is is_doubted


@pytest.mark.parametrize(
    ("systolic", "baseline", "found"),
    [
        (90, None, []),
        (89, None, ["systolic_low"]),
        (98, 140, ["systolic_fell"]),
        (99, 140, []),
        (84, 120, ["systolic_low", "systolic_fell"]),
        (0, 120, ["systolic_low", "systolic_fell"]),
    ],
)
def test_low_pressure_is_below_90_or_fell_by_30_percent(systolic: int, baseline: int | None, found: list[str]) -> None:
    """National emergency text: systolic below 90, or 30 % under the baseline."""
    assert findings_of(Vitals(systolic, 0), baseline, 40 * YEAR, PROTOCOL) == tuple(found)


@pytest.mark.parametrize(("months", "below"), [(0, 70), (11, 70), (12, 72), (60, 80), (131, 90), (132, 90), (600, 90)])
def test_a_child_is_in_shock_below_what_its_age_says(months: int, below: int) -> None:
    """WAO: below 70 in the first year, then 70 + 2 x years, 90 from 11 years on."""
    assert PROTOCOL.low_systolic_mmhg(months) == below


@pytest.mark.parametrize(
    ("vitals", "found"),
    [
        (WELL, ()),
        (None, (VitalsFinding.NOT_MEASURED,)),
        (replace(WELL, spo2_percent=None), (VitalsFinding.NOT_MEASURED,)),
        (replace(WELL, consciousness=None), (VitalsFinding.NOT_MEASURED,)),
        (replace(WELL, systolic_mmhg=None), (VitalsFinding.NOT_MEASURED,)),
        (replace(WELL, spo2_percent=94), (VitalsFinding.SPO2_LOW,)),
        (replace(WELL, consciousness=Consciousness.VOICE), (VitalsFinding.NOT_ALERT,)),
        (replace(WELL, systolic_mmhg=80), (VitalsFinding.SYSTOLIC_LOW,)),
    ],
)
def test_nobody_is_well_again_by_vitals_out_of_bounds_or_unmeasured(
    vitals: Vitals | None, found: tuple[VitalsFinding, ...]
) -> None:
    assert keeps_from_release(vitals, None, 40 * YEAR, PROTOCOL) == found


@pytest.mark.parametrize(
    ("said", "is_severe"),
    [
        ([ADRENALINE], True),
        ([replace(ADRENALINE, drug="promethazine")], False),
        ([Symptoms(("generalised_urticaria",))], False),
        ([Symptoms(("stridor",))], True),
        ([Symptoms(("shock",))], True),
        ([Symptoms(("cyanosis",))], False),
        ([Symptoms(("cyanosis", "grunting"))], True),
        ([Symptoms(("nausea", "fainting", "anxious"))], False),
        ([], False),
    ],
)
def test_who_is_watched_as_after_anaphylaxis(said: list[Said], *, is_severe: bool) -> None:
    assert was_severe(said, had_low_pressure=False) is is_severe
    assert was_severe(said, had_low_pressure=True)


def test_a_log_tells_how_certain_anaphylaxis_is_and_what_nobody_noted_is_not_known() -> None:
    skin = Symptoms(("generalised_urticaria",))
    found = assessment_of([skin, Symptoms(("stridor",))], had_low_pressure=False)
    assert (found.level, found.level_by_criteria) == (Level.TOO_LITTLE_KNOWN, Level.CERTAIN)
    for noted, unknown in (("sudden_onset", "rapid_progress"), ("rapid_progress", "sudden_onset")):
        assert assessment_of([Symptoms((noted,))], had_low_pressure=False).course_unknown == (unknown,)
    course = Symptoms(("sudden_onset", "rapid_progress"))
    assert assessment_of([skin, Symptoms(("stridor",)), course], had_low_pressure=False).level is Level.CERTAIN
    assert assessment_of([skin, course], had_low_pressure=True).level is Level.CERTAIN
    assert assessment_of([skin, course], had_low_pressure=False).level is Level.TOO_LITTLE_KNOWN


def test_consciousness_measured_counts_as_a_sign() -> None:
    fast = Symptoms(("fast_pulse", "weak_central_pulse"))
    drowsy = replace(WELL, consciousness=Consciousness.VOICE)
    assert Criterion.CIRCULATION_MAJOR in assessment_of([fast, drowsy], had_low_pressure=False).met
    assert Criterion.CIRCULATION_MAJOR not in assessment_of([fast, WELL], had_low_pressure=False).met


@pytest.mark.parametrize(
    ("said", "refusal"),
    [
        (Vitals(), NothingMeasured),
        (Vitals(120), VitalsImplausible),
        (Vitals(80, 120), VitalsImplausible),
        (Vitals(301, 80), VitalsImplausible),
        (Vitals(spo2_percent=101), VitalsImplausible),
        (Vitals(pulse_per_min=-1), VitalsImplausible),
        (Vitals(milli_celsius=45_001), VitalsImplausible),
        (Symptoms(()), NothingSaid),
        (Note(" "), NothingSaid),
        (Note("x" * 401), NothingSaid),
        (Oxygen(-1), VitalsImplausible),
        (Oxygen(30_001), VitalsImplausible),
        (replace(ADRENALINE, dose_ug=0), DoseOfDrugMissing),
        (replace(ADRENALINE, drug=" "), DoseOfDrugMissing),
        (replace(ADRENALINE, volume_ul=0), DoseOfDrugMissing),
    ],
)
def test_a_line_that_cannot_be_meant_is_refused(said: Said, refusal: type[ClinicError]) -> None:
    with pytest.raises(refusal):
        refuse_unsaid(said)


@pytest.mark.parametrize("said", [WELL, Vitals(0, 0, 0, 0, 0), Oxygen(0), ADRENALINE, Ambulance(AmbulanceStep.CALLED)])
def test_what_happened_is_written_down_even_when_the_heart_stands_still(said: Said) -> None:
    refuse_unsaid(said)
    assert kind_of(said)


def test_who_takes_over_and_who_declines_is_named() -> None:
    with pytest.raises(HospitalNeeded):
        refuse_unnamed(Ending(CareEnd.TRANSFERRED, hospital=" "))
    with pytest.raises(DeclinerNeeded):
        refuse_unnamed(Ending(CareEnd.DECLINED))
    refuse_unnamed(Ending(CareEnd.DIED))


@pytest.mark.parametrize(
    ("place", "is_seat", "words"),
    [
        ("a3", True, "TICKET 17 SEAT A3"),
        ("bench-1", False, "TICKET 17 AT BENCH-1"),
        ("", False, "TICKET 17"),
        ("座", True, "TICKET 17 SEAT"),
    ],
)
def test_a_pager_says_ticket_and_place_in_ascii(place: str, words: str, *, is_seat: bool) -> None:
    assert call_of(17, place, is_seat=is_seat).short == words


def test_the_list_of_symptoms_knows_every_system_and_no_code_twice() -> None:
    assert {one.system for one in LIST.symptom} == set(BodySystem)
    text = (Path(symptoms.__file__).parent / "brighton_1.toml").read_text("utf-8")
    with pytest.raises(SymptomsFaulty, match="twice"):
        symptoms.parse(text.replace('code = "stridor"', 'code = "hoarse_voice"'), "x.toml")


@pytest.mark.parametrize(
    ("said", "instead", "words"),
    [
        ("from_months = 0", "from_months = 200", "in order of age"),
        ('code = "promethazine"', 'code = "adrenaline"', "stands twice"),
        ("most_ug = 300", "most_ug = 0", "most_ug"),
        ("version = 2", "version = ", "Invalid value"),
    ],
)
def test_a_faulty_table_is_refused_with_the_place(said: str, instead: str, words: str) -> None:
    text = (Path(drug_tables.__file__).parent / "cn_site_2.toml").read_text("utf-8")
    assert said in text
    with pytest.raises(DrugTableFaulty, match=words):
        drug_tables.parse(text.replace(said, instead, 1), "x.toml")


@pytest.mark.parametrize(
    ("said", "instead", "words"),
    [
        ("from_months = 0", "from_months = 1", "begin at 0"),
        ("from_months = 132", "from_months = 12", "rise"),
        ("watched_on_after_severe_min = 240", "watched_on_after_severe_min = 20", "watched shorter"),
        ("below_mmhg = 90", "below_mmhg = 9", "below_mmhg"),
    ],
)
def test_a_faulty_protocol_is_refused_with_the_place(said: str, instead: str, words: str) -> None:
    text = (Path(protocols.__file__).parent / "cn_site_1.toml").read_text("utf-8")
    assert said in text
    with pytest.raises(ProtocolFaulty, match=words):
        protocols.parse(text.replace(said, instead, 1), "x.toml")
