"""The case card, its number, when an event was to be expected, what bars later doses, what closes a file."""

from dataclasses import fields, replace
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import ValidationError, convert, json

from clinic_server.adverse_events import kinds
from clinic_server.adverse_events.report import barring
from clinic_server.adverse_events.report.barring import BarringFaulty
from clinic_server.adverse_events.report.card import (
    Card,
    CardField,
    CardVaccine,
    Place,
    card_from,
    changes_between,
    keys_unknown,
    missing_from,
    places,
    value_at,
)
from clinic_server.adverse_events.report.forms import minute_typed
from clinic_server.adverse_events.report.rules import (
    WHO_CLASS,
    CardSerialsUsedUp,
    Conclusion,
    ConclusionIncomplete,
    OutcomeOpen,
    ReportOpen,
    bars_later_doses,
    card_number,
    fever_band,
    refuse_closing,
    refuse_inconclusive,
)
from clinic_server.adverse_events.report.terms import (
    BodyLevel,
    CaseOutcome,
    ConcludingBody,
    FeverBand,
    FinalClass,
    FirstClass,
    Organised,
    Programme,
    SizeBand,
    WhoClass,
)
from clinic_server.adverse_events.report.windows import OnsetFinding, onset_findings
from clinic_server.adverse_events.rules import MOST_SUSPECTS, Classed, Seriousness
from clinic_server.people.documents import Sex
from clinic_server.stock.rules import BodySite, Route

GIVEN_AT = datetime(2026, 1, 31, 10, 0, tzinfo=UTC)
VACCINE = CardVaccine(
    name="Vaccine A",
    specification="0.5 ml",
    maker="Maker",
    lot_number="L1",
    programme=Programme.STATE,
    given_on=date(2026, 3, 2),
    organised=Organised.ROUTINE,
    dose_number=1,
    amount="0.5 ml",
    route=Route.INTRAMUSCULAR,
    body_site=BodySite.LEFT_UPPER_ARM,
)
CARD = Card(
    name="王小明",
    sex=Sex.MALE,
    born_on=date(1980, 5, 1),
    vaccines=(VACCINE,),
    began_on=date(2026, 3, 2),
    seen_on=date(2026, 3, 2),
    course="10:01 urticaria",
    fever=FeverBand.NONE,
    redness=SizeBand.NONE,
    induration=SizeBand.NONE,
    in_hospital=False,
    outcome=CaseOutcome.RECOVERED,
    first_class=FirstClass.COMMON,
    reported_on=date(2026, 3, 2),
    reported_by="Site",
)
short = st.text("abc 甲乙=@", max_size=4)
cards = st.builds(
    Card,
    name=short,
    sex=st.sampled_from([None, *Sex]),
    born_on=st.none() | st.dates(),
    vaccines=st.lists(
        st.builds(CardVaccine, name=short, maker=short, given_on=st.none() | st.dates(), dose_number=st.none()),
        max_size=MOST_SUSPECTS,
    ).map(tuple),
    course=short,
    in_hospital=st.sampled_from([None, True, False]),
    outcome=st.sampled_from([None, *CaseOutcome]),
)


def test_every_field_of_the_card_has_its_place() -> None:
    of_card = {one.name for one in fields(Card)} - {"vaccines"}
    assert {one.name for one in places(0)} == of_card
    of_vaccine = {one.attribute for one in places(1) if one.vaccine}
    assert of_vaccine == {one.name for one in fields(CardVaccine)}
    names = [one.name for one in places(3)]
    assert names.index("guardian") + 1 == names.index("vaccine_1_name")
    assert names.index("vaccine_3_body_site") + 1 == names.index("began_on")


def test_a_full_card_lacks_nothing_and_an_empty_one_every_required_field() -> None:
    assert missing_from(CARD) == ()
    assert {one.field for one in missing_from(Card())} == {one for one in CardField if one.is_required}
    two = replace(CARD, vaccines=(VACCINE, replace(VACCINE, lot_number=" ")))
    assert missing_from(two) == (Place(CardField.VACCINE_LOT_NUMBER, 2),)
    assert missing_from(replace(CARD, sex=Sex.UNKNOWN)) == (Place(CardField.SEX),)


@settings(max_examples=60, deadline=None)
@given(cards, cards)
def test_changes_name_what_differs_and_nothing_else(older: Card, newer: Card) -> None:
    changes = {one.place: (one.was, one.became) for one in changes_between(older, newer)}
    most = max(len(older.vaccines), len(newer.vaccines))
    for place in places(most):
        pair = value_at(older, place), value_at(newer, place)
        assert changes.get(place, pair) == pair
        assert (place in changes) == (pair[0] != pair[1])
    assert changes_between(older, older) == ()


@settings(max_examples=60, deadline=None)
@given(cards)
def test_a_card_survives_being_stored_and_being_typed(card: Card) -> None:
    assert json.decode(json.encode(card), type=Card) == card
    typed = {one.name: value_at(card, one) for one in places(MOST_SUSPECTS)}
    as_form = {
        name: "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in typed.items()
    }
    wholly_empty = CardVaccine()
    assert card_from(as_form) == replace(card, vaccines=tuple(one for one in card.vaccines if one != wholly_empty))


def test_what_a_card_cannot_mean_is_refused() -> None:
    for told in ({"born_on": "yesterday"}, {"outcome": "well"}, {"vaccine_1_dose_number": "0"}, {"course": "x" * 4001}):
        with pytest.raises(ValidationError):
            card_from(told)
    with pytest.raises(ValidationError):
        convert({"vaccines": [{}] * (MOST_SUSPECTS + 1)}, Card)
    assert keys_unknown({"name": "x", "nmae": "y", "vaccines": [{"lot": "1"}]}) == ("nmae", "vaccines.lot")


@pytest.mark.parametrize(
    ("kind", "after", "found"),
    [
        ("urticaria", timedelta(hours=24), ()),
        ("urticaria", timedelta(hours=24, minutes=1), (OnsetFinding.ONSET_TOO_LATE,)),
        ("fever", timedelta(days=5, hours=13, minutes=59), ()),
        ("fever", timedelta(days=5, hours=14), (OnsetFinding.ONSET_TOO_LATE,)),
        ("guillain_barre_syndrome", timedelta(weeks=6), ()),
        ("guillain_barre_syndrome", timedelta(days=43), (OnsetFinding.ONSET_TOO_LATE,)),
        ("brachial_neuritis", timedelta(days=90), ()),  # 31 January + 3 months is 1 May
        ("brachial_neuritis", timedelta(days=91), (OnsetFinding.ONSET_TOO_LATE,)),
        ("other_serious", timedelta(days=4000), ()),
    ],
)
def test_an_onset_is_expected_until_its_last_minute_or_day(
    kind: str, after: timedelta, found: tuple[OnsetFinding, ...]
) -> None:
    assert onset_findings(kinds.shipped().by_code[kind], GIVEN_AT + after, GIVEN_AT, ("covid19",)) == found


def test_a_kind_of_another_vaccine_and_one_too_soon_are_found() -> None:
    kind = kinds.shipped().by_code["bcg_lymphadenitis"]
    both = (OnsetFinding.ONSET_TOO_SOON, OnsetFinding.NOT_AFTER_THIS_VACCINE)
    assert onset_findings(kind, GIVEN_AT + timedelta(days=3), GIVEN_AT, ("covid19",)) == both
    assert onset_findings(kind, GIVEN_AT + timedelta(days=60), GIVEN_AT, ("tuberculosis",)) == ()
    assert onset_findings(kind, GIVEN_AT + timedelta(days=60), GIVEN_AT, None) == ()


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 9999), st.integers(2020, 2099))
def test_a_cards_number_has_fourteen_digits_and_tells_county_year_and_serial(serial: int, year: int) -> None:
    number = card_number("110105", year, serial)
    assert len(number) == 14
    assert (number[:6], int(number[6:10]), int(number[10:])) == ("110105", year, serial)


def test_numbers_end_and_a_county_has_six_digits() -> None:
    with pytest.raises(CardSerialsUsedUp):
        card_number("110105", 2026, 10_000)
    with pytest.raises(ValueError, match="6 digits"):
        card_number("11010", 2026, 1)


@pytest.mark.parametrize(
    ("milli_celsius", "band"),
    [
        (None, None),
        (37_000, FeverBand.NONE),
        (37_049, FeverBand.NONE),
        (37_050, FeverBand.TO_37_5),
        (37_500, FeverBand.TO_37_5),
        (37_600, FeverBand.TO_38_5),
        (38_500, FeverBand.TO_38_5),
        (38_600, FeverBand.FROM_38_6),
    ],
)
def test_a_temperature_lies_in_one_band_of_the_card(milli_celsius: int | None, band: FeverBand | None) -> None:
    assert fever_band(milli_celsius) is band


def test_a_typed_minute_follows_the_dose_within_it_and_never_lies_in_the_future() -> None:
    now = datetime(2026, 3, 2, 10, 5, 20, tzinfo=UTC)
    typed = (date(2026, 3, 2), time(10, 0), UTC, now)
    assert minute_typed(*typed) == datetime(2026, 3, 2, 10, 0, 59, tzinfo=UTC)
    assert minute_typed(date(2026, 3, 2), time(10, 5), UTC, now) == now
    ahead = datetime(2026, 3, 2, 10, 6, tzinfo=UTC)
    assert minute_typed(date(2026, 3, 2), time(10, 6), UTC, now) == ahead


def test_every_final_class_stands_for_one_of_the_who() -> None:
    assert set(WHO_CLASS) == set(FinalClass)
    concluded = Conclusion(FinalClass.ERROR, "abscess", date(2026, 3, 9))
    assert concluded.who_class is WhoClass.IMMUNISATION_ERROR
    assert {one for one, who in WHO_CLASS.items() if who is WhoClass.PRODUCT} == {
        FinalClass.COMMON,
        FinalClass.ABNORMAL,
    }


def test_a_conclusion_names_who_concluded_it() -> None:
    told = Conclusion(FinalClass.ABNORMAL, "GBS", date(2026, 3, 9), ConcludingBody.EXPERT_PANEL, BodyLevel.COUNTY)
    refuse_inconclusive(told)
    refuse_inconclusive(Conclusion(FinalClass.PENDING, "", date(2026, 3, 9)))
    for lacking in (replace(told, body=None), replace(told, level=None), replace(told, diagnosis=" ")):
        with pytest.raises(ConclusionIncomplete):
            refuse_inconclusive(lacking)


def test_what_bars_later_doses_is_of_a_listed_kind_or_grave() -> None:
    listed = barring.shipped()
    assert set(listed.kinds) <= set(kinds.shipped().by_code)
    assert bars_later_doses(Classed("guillain_barre_syndrome"), listed)
    assert bars_later_doses(Classed("other_serious", (Seriousness.LIFE_THREATENING,)), listed)
    assert not bars_later_doses(Classed("fever", (Seriousness.HOSPITAL,)), listed)
    assert not bars_later_doses(None, listed)
    text = (barring._FOLDER / "cn-1.toml").read_text("utf-8")
    with pytest.raises(BarringFaulty, match="made_up"):
        barring.parse(text.replace('"epilepsy"', '"made_up"'), "x.toml")


@pytest.mark.parametrize("tries", range(5))
@pytest.mark.parametrize("outcome", [None, *CaseOutcome])
def test_a_file_is_closed_once_reported_and_its_end_known_or_asked_for_three_times(
    outcome: CaseOutcome | None, tries: int
) -> None:
    with pytest.raises(ReportOpen):
        refuse_closing(None, tries)
    if outcome in {None, CaseOutcome.UNKNOWN} and tries < 3:
        with pytest.raises(OutcomeOpen) as refused:
            refuse_closing(replace(CARD, outcome=outcome), tries)
        assert refused.value.facts == {"tries": 3 - tries}
    else:
        refuse_closing(replace(CARD, outcome=outcome), tries)
