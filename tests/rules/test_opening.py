"""When injections may go on and why not: pure questions about the four safeguards, the kit and who is here.

Sources: facts about 四有 (wording of 2022), R19 (at least X screening physicians), R102 and R108, invariants 33 and 34.
"""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic_server.opening import checklists, kit_lists
from clinic_server.opening.ambulance.rules import Move, Presence, is_near_enough
from clinic_server.opening.emergency_kit.rules import (
    UNDATED,
    KitItem,
    KitItemExpired,
    KitItemUndated,
    KitThing,
    NewKitItem,
    Shortage,
    require_fit,
    shortages,
)
from clinic_server.opening.rules import (
    GONE,
    Facts,
    Lapse,
    Lapsed,
    Named,
    Opened,
    Safeguard,
    Statement,
    Variant,
    lapses,
    missing_names,
    present,
    shortcomings,
)
from clinic_server.staff.rules import QualificationKind, Stay

ZONE = ZoneInfo("Asia/Shanghai")
NINE = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)  # nine in the morning at the site
LATER = NINE + timedelta(hours=2)
PHYSICIAN, EMERGENCY = QualificationKind.PHYSICIAN, QualificationKind.EMERGENCY


def an_id(number: int) -> UUID:
    return UUID(int=number)


def a_stay(who: int, kind: QualificationKind = PHYSICIAN, began: int = -60, over: int = 600) -> Stay:
    """Somebody here, from and until minutes after nine."""
    return Stay(an_id(who), kind, NINE + timedelta(minutes=began), NINE + timedelta(minutes=over))


def said(safeguard: Safeguard, minutes: int = 0, *, stands: bool = True) -> Statement:
    return Statement(an_id(minutes), safeguard, stands, NINE + timedelta(minutes=minutes))


OPENED = Opened(
    opening_id=an_id(1),
    business_on=date(2026, 3, 2),
    variant=Variant.ADULT,
    opened_at=NINE,
    ends_at=datetime(2026, 3, 2, 20, 0, tzinfo=UTC),
    minimum_physicians=1,
    absent_after=timedelta(minutes=30),
    closed_at=None,
)
TODAY = date(2026, 3, 2)
KIT = (
    KitItem(an_id(9), KitThing.ADRENALINE, "L-1", date(2026, 3, 2), 5),
    KitItem(an_id(10), KitThing.OXYGEN_MASK, "L-2", date(2027, 1, 1), 2),
)
READY = Facts(OPENED, tuple(map(said, Safeguard)), KIT, {}, (a_stay(1), a_stay(2, EMERGENCY)))


def found(facts: Facts, now: datetime = LATER) -> list[Lapse]:
    return [lapsed.lapse for lapsed in lapses(facts, now, ZONE)]


def test_an_open_site_with_everything_pauses_nothing() -> None:
    assert found(READY) == []


def test_a_site_never_opened_pauses_and_says_nothing_else() -> None:
    assert lapses(Facts(None), LATER, ZONE) == (Lapsed(Lapse.NOT_OPENED),)


def test_a_closed_site_pauses_since_it_closed() -> None:
    closed = replace(READY, opened=replace(OPENED, closed_at=NINE))
    assert lapses(closed, LATER, ZONE) == (Lapsed(Lapse.CLOSED, NINE),)


def test_yesterdays_opening_counts_to_the_last_instant_of_its_clinic_day_and_no_longer() -> None:
    all_night = replace(READY, stays=(a_stay(1, over=2000), a_stay(2, EMERGENCY, over=2000)), kit=KIT[1:])
    assert found(all_night, OPENED.ends_at - timedelta(microseconds=1)) == []
    assert lapses(all_night, OPENED.ends_at, ZONE) == (Lapsed(Lapse.OPENED_ON_ANOTHER_DAY, OPENED.ends_at),)


@pytest.mark.parametrize("safeguard", Safeguard)
def test_each_safeguard_withdrawn_pauses_since_then_and_its_return_ends_it(safeguard: Safeguard) -> None:
    """四有: if one lapses, injections pause."""
    gone = replace(READY, statements=(*READY.statements, said(safeguard, 70, stands=False)))
    assert lapses(gone, LATER, ZONE) == (Lapsed(GONE[safeguard], NINE + timedelta(minutes=70)),)
    back = replace(gone, statements=(*gone.statements, said(safeguard, 90)))
    assert found(back) == []


@pytest.mark.parametrize("safeguard", Safeguard)
def test_a_safeguard_nobody_stated_is_missing(safeguard: Safeguard) -> None:
    silent = tuple(one for one in READY.statements if one.safeguard is not safeguard)
    assert lapses(replace(READY, statements=silent), LATER, ZONE) == (Lapsed(GONE[safeguard]),)


def test_each_safeguard_has_a_reason_of_its_own() -> None:
    assert set(GONE) == set(Safeguard)
    assert len(set(GONE.values())) == len(Safeguard)


def test_too_few_physicians_pause_since_the_one_too_many_went() -> None:
    """R19: at least X physicians ask and check at every site."""
    two = replace(READY, opened=replace(OPENED, minimum_physicians=2))
    assert found(two) == [Lapse.TOO_FEW_PHYSICIANS]
    went = (a_stay(2, EMERGENCY), a_stay(1), a_stay(3, over=40), a_stay(4, over=20))
    assert lapses(replace(two, stays=went), LATER, ZONE) == (
        Lapsed(Lapse.TOO_FEW_PHYSICIANS, NINE + timedelta(minutes=40)),
    )


def test_one_physician_at_two_stations_is_one() -> None:
    twice = replace(READY, opened=replace(OPENED, minimum_physicians=2), stays=(*READY.stays, a_stay(1)))
    assert lapses(twice, LATER, ZONE) == (Lapsed(Lapse.TOO_FEW_PHYSICIANS),)


def test_two_who_were_never_here_together_were_never_enough() -> None:
    went = (a_stay(1, over=20), a_stay(3, began=20, over=40), a_stay(2, EMERGENCY))
    two = replace(READY, opened=replace(OPENED, minimum_physicians=2), stays=went)
    assert lapses(two, LATER, ZONE) == (Lapsed(Lapse.TOO_FEW_PHYSICIANS),)


def test_nobody_for_emergencies_pauses_and_a_physician_alone_is_not_enough() -> None:
    alone = replace(READY, stays=(a_stay(1),))
    assert lapses(alone, LATER, ZONE) == (Lapsed(Lapse.NOBODY_FOR_EMERGENCIES),)


def test_one_person_may_hold_both_certificates() -> None:
    assert found(replace(READY, stays=(a_stay(1), a_stay(1, EMERGENCY)))) == []


def test_missing_records_pause_since_they_were_told_and_keep_a_site_from_opening() -> None:
    lost = replace(READY, records_missing_since=NINE)
    assert lapses(lost, LATER, ZONE) == shortcomings(lost, 1, LATER, ZONE) == (Lapsed(Lapse.RECORDS_MISSING, NINE),)


def test_a_sign_in_counts_from_its_first_instant_and_not_at_its_last() -> None:
    stay = a_stay(1, began=0, over=30)
    assert present([stay], PHYSICIAN, stay.began_at) == {stay.staff_id}
    assert present([stay], PHYSICIAN, stay.began_at - timedelta(microseconds=1)) == set()
    assert present([stay], PHYSICIAN, stay.over_at - timedelta(microseconds=1)) == {stay.staff_id}
    assert present([stay], PHYSICIAN, stay.over_at) == set()


def test_the_kit_lasts_to_the_end_of_the_printed_day_at_the_site() -> None:
    """Invariant 33: kit items unexpired."""
    midnight = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
    night = replace(READY, stays=(a_stay(1, over=2000), a_stay(2, EMERGENCY, over=2000)))
    assert found(night, midnight - timedelta(microseconds=1)) == []
    assert lapses(night, midnight, ZONE) == (Lapsed(Lapse.KIT_EXPIRED, midnight),)


def test_an_empty_kit_pauses() -> None:
    assert lapses(replace(READY, kit=()), LATER, ZONE) == (Lapsed(Lapse.KIT_EMPTY),)


def test_all_that_lapsed_is_told_at_once() -> None:
    bare = Facts(OPENED)
    everything = [*GONE.values(), Lapse.TOO_FEW_PHYSICIANS, Lapse.NOBODY_FOR_EMERGENCIES, Lapse.KIT_EMPTY]
    assert found(bare) == everything


def test_what_is_missing_is_known_before_the_site_is_open() -> None:
    nobody = shortcomings(Facts(None), 1, LATER, ZONE)
    assert [one.lapse for one in nobody] == [
        Lapse.TOO_FEW_PHYSICIANS,
        Lapse.NOBODY_FOR_EMERGENCIES,
        Lapse.KIT_EMPTY,
    ]
    assert shortcomings(replace(READY, opened=None), 1, LATER, ZONE) == ()


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(-90, 100), st.integers(0, 90)), max_size=8), st.integers(1, 3))
def test_since_when_there_are_too_few_is_when_enough_were_here_last(
    spans: list[tuple[int, int, int]], least: int
) -> None:
    """Compared with looking at every minute of the morning."""
    stays = tuple(a_stay(who, began=began, over=began + length) for who, began, length in spans)
    minutes = [NINE + timedelta(minutes=minute) for minute in range(-90, 121)]
    enough = [at for at in minutes if len(present(stays, PHYSICIAN, at)) >= least]
    told = shortcomings(Facts(None, stays=stays), least, minutes[-1], ZONE)
    too_few = [one.since for one in told if one.lapse is Lapse.TOO_FEW_PHYSICIANS]
    if enough and enough[-1] == minutes[-1]:
        assert too_few == []
    else:
        assert too_few == [enough[-1] + timedelta(minutes=1) if enough else None]


def test_every_name_a_checklist_asks_for_must_be_said() -> None:
    asked = {Safeguard.AMBULANCE: (Named.VEHICLE_PLATE, Named.PHONE), Safeguard.GREEN_CHANNEL: (Named.HOSPITAL,)}
    names = {Safeguard.AMBULANCE: {Named.VEHICLE_PLATE: "A1", Named.PHONE: "  "}}
    assert missing_names(asked, names) == ("ambulance-phone", "green_channel-hospital")
    names = {
        Safeguard.AMBULANCE: {Named.VEHICLE_PLATE: "A1", Named.PHONE: "1"},
        Safeguard.GREEN_CHANNEL: {Named.HOSPITAL: "H"},
    }
    assert missing_names(asked, names) == ()


def test_each_variant_ships_a_checklist_that_says_whose_it_is() -> None:
    shipped = checklists.shipped()
    assert {variant: one.variant for variant, one in shipped.items()} == {variant: variant for variant in Variant}
    for checklist in shipped.values():
        assert list(checklist.asked) == list(Safeguard)
        assert checklist.sign_off == "Needs a physician's sign-off before clinical use."


def test_the_paediatric_checklist_asks_all_of_the_adult_one_and_more() -> None:
    adult, paediatric = (checklists.shipped()[variant].asked for variant in (Variant.ADULT, Variant.PAEDIATRIC))
    assert all(set(adult[safeguard]) <= set(paediatric[safeguard]) for safeguard in Safeguard)
    assert sum(map(len, paediatric.values())) > sum(map(len, adult.values()))


@pytest.mark.parametrize(
    ("written", "instead", "place"),
    [
        ('safeguard = "ambulance"', 'safeguard = "helicopter"', r"\$.item\[2\].safeguard"),
        ('named = ["hospital", "phone"]', "named = []", r"\$.item\[3\].named"),
        ('safeguard = "ambulance"', 'safeguard = "green_channel"', "in this order"),
        ("version = 1", "version = 0", r"\$.version"),
        ("version = 1", "version = ", "line 6"),
    ],
)
def test_a_faulty_checklist_stops_the_start_naming_file_and_place(written: str, instead: str, place: str) -> None:
    text = (checklists._FOLDER / "adult.toml").read_text("utf-8")
    assert written in text
    with pytest.raises(checklists.ChecklistFaulty, match=rf"adult.toml: .*{place}"):
        checklists.parse(text.replace(written, instead), "adult.toml")


def lot(thing: KitThing, quantity: int, expires_on: date | None = date(2027, 1, 1)) -> KitItem:
    return KitItem(an_id(20), thing, "L", expires_on, quantity)


def test_lots_of_a_thing_are_counted_together_and_those_past_their_date_are_not() -> None:
    kit = (lot(KitThing.SALINE, 1), lot(KitThing.SALINE, 1), lot(KitThing.GLUCOSE, 2, date(2026, 3, 1)))
    least = {KitThing.GLUCOSE: 2, KitThing.SALINE: 2, KitThing.TORCH: 1}
    assert shortages(kit, least, date(2026, 3, 2)) == (
        Shortage(KitThing.GLUCOSE, 0, 2),
        Shortage(KitThing.TORCH, 0, 1),
    )


@pytest.mark.parametrize(("quantity", "expected"), [(5, []), (4, [Lapse.KIT_SHORT])])
def test_one_ampoule_below_the_least_pauses(quantity: int, expected: list[Lapse]) -> None:
    """Invariant 33; R108."""
    kit = (lot(KitThing.ADRENALINE, quantity),)
    assert found(replace(READY, kit=kit, kit_least={KitThing.ADRENALINE: 5})) == expected


def test_what_expired_pauses_for_its_date_and_for_what_is_missing_without_it() -> None:
    kit = (lot(KitThing.ADRENALINE, 5, date(2026, 3, 1)), lot(KitThing.TORCH, 1, None))
    assert found(replace(READY, kit=kit, kit_least={KitThing.ADRENALINE: 5})) == [Lapse.KIT_EXPIRED, Lapse.KIT_SHORT]


def test_equipment_without_a_date_never_expires() -> None:
    assert found(replace(READY, kit=(lot(KitThing.TORCH, 1, None),))) == []


@pytest.mark.parametrize(("days", "soon"), [(0, True), (30, True), (31, False)])
def test_the_last_thirty_days_are_told(days: int, soon: bool) -> None:  # a row of the table
    assert lot(KitThing.SALINE, 1, TODAY + timedelta(days=days)).expires_soon(TODAY) is soon


def test_drugs_need_their_date_and_it_must_not_be_over() -> None:
    for thing in set(KitThing) - UNDATED:
        with pytest.raises(KitItemUndated):
            require_fit(NewKitItem(thing, 1, None), TODAY)
    require_fit(NewKitItem(KitThing.ADRENALINE, 1, TODAY), TODAY)
    with pytest.raises(KitItemExpired):
        require_fit(NewKitItem(KitThing.ADRENALINE, 1, TODAY - timedelta(days=1)), TODAY)


@pytest.mark.parametrize(
    ("presence", "minutes", "within", "enough"),
    [
        (Presence.ON_SITE, None, 0, True),
        (Presence.ON_CALL, 1, 0, False),
        (Presence.ON_CALL, 8, 8, True),
        (Presence.ON_CALL, 9, 8, False),
        (Presence.ON_CALL, None, 60, False),
        (Presence.AWAY, None, 60, False),
    ],
)
def test_an_ambulance_is_near_enough_on_site_or_within_the_sites_minutes(
    presence: Presence,
    minutes: int | None,
    within: int,
    enough: bool,  # a row of the table
) -> None:
    """R108, R118."""
    assert is_near_enough(Move(presence, "why", minutes), within) is enough


def test_each_variant_ships_a_kit_list_and_children_need_all_that_adults_do_and_more() -> None:
    adult, paediatric = (kit_lists.shipped()[variant] for variant in (Variant.ADULT, Variant.PAEDIATRIC))
    assert adult.sign_off == paediatric.sign_off == "Needs a physician's sign-off before clinical use."
    assert adult.least.items() < paediatric.least.items()
    assert set(paediatric.least) == set(KitThing)


@pytest.mark.parametrize(
    ("written", "instead", "place"),
    [
        ("adrenaline = 5", "adrenaline = 0", r"\$.least"),
        ("torch = 1", "lamp = 1", r"\$.least"),
        ("version = 1", "version = ", "line 6"),
    ],
)
def test_a_faulty_kit_list_stops_the_start_naming_file_and_place(written: str, instead: str, place: str) -> None:
    text = (kit_lists._FOLDER / "adult.toml").read_text("utf-8")
    with pytest.raises(kit_lists.KitListFaulty, match=rf"adult.toml: .*{place}"):
        kit_lists.parse(text.replace(written, instead), "adult.toml")
