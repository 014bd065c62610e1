"""Made-up people at every stage of a clinic day, brought there by the same actions as real ones."""

from dataclasses import replace
from datetime import date, time, timedelta
from uuid import UUID

from sqlalchemy import select, update

from clinic_server.adverse_events.actions import classify, file_event
from clinic_server.adverse_events.care.actions import NewEntry, call_team, strike_line, write_line
from clinic_server.adverse_events.care.references import state_protocol
from clinic_server.adverse_events.care.rules import (
    Ambulance,
    AmbulanceStep,
    BodyPosition,
    Consciousness,
    DrugGiven,
    DrugRoute,
    DrugSite,
    Laid,
    Note,
    Oxygen,
    Said,
    Symptoms,
    Vitals,
)
from clinic_server.adverse_events.deadlines import UrgentGround
from clinic_server.adverse_events.due.actions import tell_clocks
from clinic_server.adverse_events.report.actions import (
    Amendment,
    amend_card,
    conclude,
    file_card,
    note_outcome_try,
    say_class,
)
from clinic_server.adverse_events.report.claims import note_claim
from clinic_server.adverse_events.report.later import open_later
from clinic_server.adverse_events.report.prefill import begun_card
from clinic_server.adverse_events.report.record import record_of
from clinic_server.adverse_events.report.rules import Conclusion, LaterEvent
from clinic_server.adverse_events.report.terms import (
    BodyLevel,
    CaseOutcome,
    ClaimKind,
    ConcludingBody,
    FeverBand,
    FinalClass,
    FirstClass,
    HarmGrade,
    Organised,
    Programme,
    SizeBand,
)
from clinic_server.adverse_events.rules import Classed, FoundHow, NewEvent, Seriousness
from clinic_server.adverse_events.similar.lookup import all_gathered
from clinic_server.alerts.answering import acknowledge_by_contact
from clinic_server.alerts.calling import take_turns
from clinic_server.alerts.contacts import Address, NewContact, add_contact, standing_ids
from clinic_server.alerts.duties import add_duty, except_day
from clinic_server.alerts.links import LinkTarget, link_path
from clinic_server.alerts.raising import raise_alarm
from clinic_server.alerts.roster import OtherDay, Shift, Weekly
from clinic_server.alerts.rules import Alarm, AlertKind, AnswerWay, DueKind, DueState, Severity
from clinic_server.alerts.shelving import NewShelving, shelve_place
from clinic_server.alerts.tables import page_due
from clinic_server.alerts.telling import as_written
from clinic_server.check_in.actions import close_abandoned
from clinic_server.check_in.admission import admission_shipped
from clinic_server.check_in.group.actions import Group, check_in_group
from clinic_server.check_in.group.lookup import group_seen
from clinic_server.check_in.rules import TypedReason
from clinic_server.cold_chain.actions import add_place, assign_probe, store_readings
from clinic_server.cold_chain.excursions.actions import decide as decide_units
from clinic_server.cold_chain.excursions.actions import write_form
from clinic_server.cold_chain.excursions.lookup import excursions, units_of
from clinic_server.cold_chain.excursions.rules import DispositionKind, Evaluation, NewDisposition, NewForm
from clinic_server.cold_chain.logger_files.actions import attach
from clinic_server.cold_chain.profiles import profile_of
from clinic_server.cold_chain.rules import ProbeEnd, Sample
from clinic_server.cold_chain.supply.actions import store_supplies
from clinic_server.cold_chain.supply.rules import SupplyWord
from clinic_server.cold_chain.tables import Probe
from clinic_server.cold_chain.upkeep.appliances import NewAppliance, NewService, enter_appliance, enter_service
from clinic_server.cold_chain.upkeep.certificates import NewCertificate, enter_certificate
from clinic_server.cold_chain.upkeep.limits import unchanged
from clinic_server.cold_chain.upkeep.probes import end_probe
from clinic_server.cold_chain.upkeep.rules import Half, ServiceKind
from clinic_server.cold_chain.upkeep.site_limits import NewLimits, propose_limits
from clinic_server.cold_chain.upkeep.tables import HandReading
from clinic_server.consent.actions import dispute
from clinic_server.corrections.actions import NewBodySite, correct_body_site, deny_dose
from clinic_server.counting.actions import NewCount, count_place, explain_difference
from clinic_server.counting.lookup import differences_of
from clinic_server.counting.rules import DifferenceReason
from clinic_server.demand.actions import keep_due
from clinic_server.demand.reckoning import Changed, Reckoned
from clinic_server.demand.rules import Due
from clinic_server.immunisations.actions import note_dose_elsewhere, note_reaction
from clinic_server.immunisations.history import NewDoseElsewhere, NewReaction, PartialDate, Proof
from clinic_server.injection.rules import IdentityCheck
from clinic_server.injection.tables import IdentityChecked, Permit
from clinic_server.kit.clock import business_date
from clinic_server.kit.tx import Tx
from clinic_server.observation.checks.actions import record_check
from clinic_server.observation.checks.rules import HowIs
from clinic_server.observation.exit.actions import AtExit, answer_at_exit, open_reader
from clinic_server.observation.exit.lookup import open_readers
from clinic_server.observation.exit.rules import ShownBy
from clinic_server.observation.further.actions import ask_for_further
from clinic_server.observation.handover.actions import take_over, write_note
from clinic_server.observation.seats.actions import list_seat, place_person, retire_seat
from clinic_server.observation.seats.rules import FoundBy
from clinic_server.observation.unseen.actions import follow_up, note_left_unseen
from clinic_server.observation.unseen.rules import FollowUp
from clinic_server.opening import checklists
from clinic_server.opening.actions import NewOpening, open_site
from clinic_server.opening.emergency_kit.actions import add_to_kit
from clinic_server.opening.rules import Variant
from clinic_server.paging.actions import (
    Attempt,
    NewChannel,
    begin_test,
    note_test_answer,
    record_attempt,
    set_up_channel,
)
from clinic_server.paging.tables import page_test
from clinic_server.people.actions import note_phone
from clinic_server.queue.actions import put_station_in_lane, set_priority
from clinic_server.queue.rules import PriorityReason
from clinic_server.recall.actions import NewDestruction, NewRecall, begin_recall, propose_destruction
from clinic_server.recall.lookup import given_to, require_recall
from clinic_server.receiving.actions import (
    NewDelivery,
    NewDifference,
    NewLine,
    begin_delivery,
    finish_delivery,
    tell_difference,
)
from clinic_server.receiving.rules import ArrivedUnit, DeliveryDifference, TransportRecord, TransportRecordKind
from clinic_server.receiving.scanning import scan_units
from clinic_server.screening.decisions import Channel
from clinic_server.screening.own_answers import require_link
from clinic_server.screening.tables import AnswerLink
from clinic_server.settings import ReportingSettings, Settings, SiteSettings
from clinic_server.staff.rules import Role
from clinic_server.stock.actions import NewLot, NewProduct, add_product
from clinic_server.stock.place_holds import hold_units
from clinic_server.stock.places import NewPlace, require_place
from clinic_server.stock.rules import BodySite, Platform, Route, StopScope
from clinic_server.stock.suspects import keep_suspects
from clinic_server.stock.units import open_unit, unit_by_code, waste_doses
from clinic_server.stock.whereabouts import HoldEnd, HoldReason, PlaceKind, WasteReason
from clinic_server.visits.doses import doses_given
from clinic_server.visits.lookup import standing
from clinic_server.visits.orders import standing_order
from clinic_server.visits.slip_code import slip_code
from clinic_server.visits.steps import call_visit
from clinic_server.visits.tables import Watch
from clinic_server.visits.withheld import Withholding, withhold
from devices.pagers.page import Outcome, Reached
from firmware_stubs.id_card_reader.cards import synthetic_resident
from tests.api.visitors import a_full_kit, take_in_lot
from tests.pages.stages import SITE, answer, arrive, inject, recommend, sign
from tests.pages.temperatures import cool
from tests.rules.test_logger_files import fridge_tag, qtag

NAMES = ("王小明", "欧阳静", "李雷", "韩梅梅", "赵一", "钱二多", "孙三", "周四海", "吴五", "郑六七", "冯八", "陈九")
OBSERVED = ("褚十", "卫十一", "蒋十二", "沈十三", "韩十四", "Anna Lind", "杨十五")
PRODUCT = "sample-inactivated"


def fill(tx: Tx) -> dict[str, str]:
    """Put three people at each stage before the needle, some called, six under observation; name one of each."""
    _open(tx)
    _stock(tx)
    _look_after(tx)
    visit_ids = [arrive(tx, f"T{place:08d}", name) for place, name in enumerate(NAMES + OBSERVED)]
    _had_before(tx, visit_ids[1])
    for visit_id in visit_ids[3:]:
        answer(tx, visit_id, feels_ill=visit_id == visit_ids[6])
    for visit_id in visit_ids[6:]:
        recommend(tx, visit_id, PRODUCT, reason="已复测体温并询问，情况良好" if visit_id == visit_ids[6] else None)
    for visit_id in visit_ids[9:]:
        sign(tx, visit_id)
    for place, visit_id in enumerate(visit_ids[12:]):
        _inject(tx, visit_id, _trace_code(place), minutes_ago=max(0, 6 * (5 - place)))
    dispute(tx, visit_ids[8], "父亲不同意")
    people = [standing(tx.connection, visit_id).person_id for visit_id in visit_ids[12:14]]
    doses = [doses_given(tx.connection, person_id)[0].dose_id for person_id in people]
    deny_dose(tx, doses[1], "扫错了人")
    (elsewhere,) = doses_given(tx.connection, standing(tx.connection, visit_ids[15]).person_id)
    thigh = NewBodySite(elsewhere.body_site, BodySite.LEFT_THIGH, "两臂均有湿疹")
    correct_body_site(tx, SITE, elsewhere.dose_id, thigh)
    for place, station in ((0, "desk-2"), (9, "bench-1"), (10, "bench-3")):
        call_visit(tx, visit_ids[place], station)
    put_station_in_lane(tx, "bench-1", "B")
    set_priority(tx, visit_ids[5], PriorityReason.ELDERLY)
    shown = {"waiting": 1, "decision": 4, "signing": 6, "consent": 7, "disputed": 8, "bench": 11, "observed": 15}
    _withhold_earlier(tx, visit_ids[4], visit_ids[5])
    unit = unit_by_code(tx.connection, _trace_code(10))
    assert unit is not None
    named = {name: str(visit_ids[place]) for name, place in shown.items()} | {"gone": str(visit_ids[18])}
    corrected = {"unit": str(unit.unit_id), "dose": str(doses[0]), "denied": str(doses[1])}
    _foresee(tx, [standing(tx.connection, visit_id).person_id for visit_id in visit_ids[12:]])
    clinic = named | corrected | _link(tx, visit_ids[2]) | _call_back(tx) | _count(tx) | _deliver(tx)
    _seat(tx, visit_ids[13:17])
    _hand_over(tx, visit_ids[15], visit_ids[18])
    clinic |= _attach(tx) | _sound(tx) | _warm(tx) | _go_out(tx, [visit_ids[12], visit_ids[15]])
    _page(tx)
    cool(tx)
    clinic |= _react(tx, visit_ids[16], visit_ids[10]) | _gather(tx, visit_ids[17])
    clinic |= _report(tx, people[0], doses[0]) | _come_together(tx)
    ask_for_further(tx, SITE, visit_ids[14])
    return clinic | {"more": str(visit_ids[14])} | _mistake(tx, visit_ids[9], visit_ids[7])


def _mistake(tx: Tx, called_id: UUID, came_id: UUID) -> dict[str, str]:
    """Let somebody else's slip be shown where the pages' reader works, after a permit was given there."""
    order, unit = standing_order(tx.connection, called_id), unit_by_code(tx.connection, _trace_code(10))
    assert order is not None
    assert unit is not None
    permit_id = tx.append(
        Permit,
        visit_id=called_id,
        order_id=order.order_id,
        consent_id=order.consent_id,
        unit_id=unit.unit_id,
        station="desk-1",
        vaccinator_id=tx.actor.staff_id,
        granted_at=tx.now,
        expires_at=tx.now,
    )
    tx.journal("furnished", called_id)
    shown = {"how": IdentityCheck.SLIP, "is_called": False, "delivery_id": tx.new_id(), "shown_visit_id": came_id}
    checked = {"checked_by": tx.actor.staff_id, "checked_at": tx.now}
    tx.append(IdentityChecked, visit_id=called_id, station="desk-1", **shown, **checked)
    tx.journal("furnished", called_id)
    return {"mistaken": str(called_id), "dead_permit": str(permit_id)}


def _come_together(tx: Tx) -> dict[str, str]:
    """Let a class be checked in by its list, and go away again."""
    listed = "\n".join(f"同学{place} {synthetic_resident(16_502_000 + place).number}" for place in range(6))
    new = Group("三年二班", TypedReason.NO_CARD, listed)
    group_id = check_in_group(tx, SITE, new, admission_shipped).group_id
    for one in group_seen(tx.connection, tx.keyring, group_id, ()).visits:
        close_abandoned(tx, one.visit_id)
    return {"group": str(group_id)}


def _react(tx: Tx, observed_id: UUID, waiting_id: UUID) -> dict[str, str]:
    """Let somebody react at a seat and be cared for, and somebody faint before the needle."""
    state_protocol(tx, "平卧，抬高下肢。\n肾上腺素大腿外侧肌内注射。\n呼叫120。")
    number = call_team(tx, observed_id, "a3").number
    call_team(tx, waiting_id)
    assert number is not None
    lines: tuple[Said, ...] = (
        Symptoms(("generalised_urticaria", "stridor")),
        Vitals(84, 50, 120, 92, 28, 36_900, Consciousness.VOICE),
        Laid(BodyPosition.LYING_LEGS_RAISED),
        DrugGiven("adrenaline", "1:1000", 500, DrugRoute.INTRAMUSCULAR, DrugSite.LEFT_OUTER_THIGH),
        Oxygen(10_000),
        Ambulance(AmbulanceStep.CALLED),
        Note("记错了人"),
        Vitals(112, 70, 96, 98, 18, 36_800, Consciousness.ALERT, 62_000),
    )
    written = [write_line(tx, number, NewEntry(said)) for said in lines]
    strike_line(tx, number, written[6].line_id, "写错")
    return {"event": str(number), "fainted": str(waiting_id)}


def _seat(tx: Tx, visit_ids: list[UUID]) -> None:
    """Let the area have seats, one of them out of use; people sit and stand, and one has not come from the bench."""
    for code in ("a1", "a2", "a3", "b1"):
        list_seat(tx, code, "大厅" if code[0] == "a" else "走廊")
    retire_seat(tx, "b1")
    for visit_id, seat_code in zip(visit_ids, ("a1", "a2", None, "a3"), strict=False):
        place_person(tx, visit_id, seat_code, FoundBy.SLIP)


def _hand_over(tx: Tx, watched_id: UUID, gone_id: UUID) -> None:
    """Let somebody be looked at and written about, and another be gone whom nobody could reach yet."""
    vitals = Vitals(118, 76, 130, 98, 18, 36_900, Consciousness.ALERT)
    record_check(tx, watched_id, vitals, HowIs.UNWELL, "说有点头晕")
    note_phone(tx, standing(tx.connection, gone_id).person_id, "138 0000 0001")
    note_left_unseen(tx, gone_id, "座位空了")
    follow_up(tx, gone_id, FollowUp.NOT_REACHED, "无人接听")
    write_note(tx, watched_id, "已给温水，请十分钟后再看")
    write_note(tx, None, "A3 座椅松动")
    take_over(tx)


def _report(tx: Tx, person_id: UUID, dose_id: UUID) -> dict[str, str]:
    """Let somebody tell by telephone of what began after a dose; report it, amend the card, conclude, ask for costs."""
    today, site = tx.local_date, SiteSettings()
    grave = Classed("anaphylactic_shock", (Seriousness.HOSPITAL,), (UrgentGround.MAJOR_CONCERN,))
    told = LaterEvent(FoundHow.TELEPHONE, tx.now, dose_ids=(dose_id,), classed=Classed("urticaria"))
    number = open_later(tx, person_id, told).number
    say_class(tx, number, grave)
    record = record_of(tx.connection, tx.keyring, number, tx.now.astimezone(site.zone), frozenset({Role.PHYSICIAN}))
    assert record.health is not None
    begun = begun_card(record, record.health, site, tx.now)
    vaccine = replace(begun.vaccines[0], programme=Programme.STATE, organised=Organised.CAMPAIGN, dose_number=1)
    none_seen = {"redness": SizeBand.NONE, "induration": SizeBand.NONE, "fever": FeverBand.NONE}
    said = {"course": "两小时后全身荨麻疹，随后血压下降。", "in_hospital": True, "first_class": FirstClass.PENDING}
    card = replace(begun, vaccines=(vaccine,), outcome=CaseOutcome.BETTER, **none_seen, **said)
    settings = ReportingSettings(county_code="110105")
    file_card(tx, number, card, settings)
    amend_card(tx, number, Amendment(replace(card, outcome=CaseOutcome.UNKNOWN), 1, "出院后未再联系上"), settings)
    note_outcome_try(tx, number, "电话两次无人接听")
    body = (ConcludingBody.EXPERT_PANEL, BodyLevel.COUNTY, HarmGrade.G4)
    conclude(tx, number, Conclusion(FinalClass.ABNORMAL, "过敏性休克", today, *body))
    note_claim(tx, number, ClaimKind.MAKER, today, "住院费用")
    return {"reported": str(number), "teller": str(person_id)}


def _gather(tx: Tx, visit_id: UUID) -> dict[str, str]:
    """Let somebody telephone about hives after a dose at the same bench: two similar events, and their clocks."""
    person_id = standing(tx.connection, visit_id).person_id
    doses = [one.dose_id for one in doses_given(tx.connection, person_id)]
    event = file_event(tx, NewEvent(person_id, None, FoundHow.TELEPHONE, tx.now, tx.now, doses))
    classify(tx, event.event_id, Classed("urticaria"))
    tx.journal("furnished", event.event_id)
    tell_clocks(tx)
    return {"similar": str(all_gathered(tx.connection)[0].number)}


def _go_out(tx: Tx, visit_ids: list[UUID]) -> dict[str, str]:
    """Let the exit have been asked by one who stays and by somebody nobody knows; name the slips of both who sit."""
    reader = open_reader(tx, "exit-1")
    may_leave, staying = (standing(tx.connection, visit_id) for visit_id in visit_ids)
    for visit_id in (staying.visit_id, None):
        answer_at_exit(tx, reader.reader_id, AtExit(ShownBy.SCAN, visit_id))
    (opened,) = open_readers(tx.connection, tx.keyring, tx.now)
    named = {"slip_over": may_leave, "slip_staying": staying}
    day = business_date(tx.now, tx.site.zone, SITE.day_starts_at)
    codes = {name: slip_code(tx.keyring, one.visit_id, day, one.ticket_number) for name, one in named.items()}
    return {"exit": opened.path} | codes


def _open(tx: Tx) -> None:
    add_to_kit(tx, *a_full_kit(until=tx.local_date + timedelta(days=365)))
    asked = checklists.shipped()[Variant.ADULT].asked
    names = {safeguard: dict.fromkeys(wanted, "样例") for safeguard, wanted in asked.items()}
    open_site(tx, Settings(_env_file=None), NewOpening(Variant.ADULT, names))


def _stock(tx: Tx) -> None:
    kind = ("covid19-bbibp-corv", Platform.INACTIVATED, Route.INTRAMUSCULAR)
    sample = NewProduct(PRODUCT, "样例灭活疫苗", "样例生物", *kind, 500, 1)
    add_product(tx, sample)
    add_place(tx, NewPlace("fridge-1", "冰箱 1", PlaceKind.FRIDGE, "cn-clinic-2-8"))
    for station, places in (("bench-1", range(7)), ("desk-1", range(7, 20))):  # the pages are looked at from the desk
        box = NewPlace(f"{station}-box", f"{station} 冷藏盒", PlaceKind.BENCH_BOX, "cn-clinic-2-8", station)
        add_place(tx, box)
        codes = [_trace_code(place) for place in places]
        take_in_lot(tx, NewLot(PRODUCT, "S2026-01", tx.local_date + timedelta(days=200), codes, box.code))
    codes = [_trace_code(place) for place in range(60, 72)]
    take_in_lot(tx, NewLot(PRODUCT, "E2026-03", tx.local_date + timedelta(days=3), codes, "fridge-1"))
    _open_vials(tx, box.code)


def _look_after(tx: Tx) -> None:
    """Let a fridge have what an inspector asks for: a plate, a service book, probes, a certificate, readings."""
    yesterday = tx.local_date - timedelta(days=1)
    plate = NewAppliance("fridge-1", "样例医疗", "YC-118", "SN-20250117", 118, yesterday)
    enter_appliance(tx, plate)
    next_on = tx.local_date + timedelta(days=180)
    enter_service(tx, NewService("fridge-1", ServiceKind.DEFROSTED, yesterday, "样例维修站", "清洁门封", next_on))
    assign_probe(tx, "probe-2", "fridge-1", "首次放置")
    assign_probe(tx, "probe-3", "fridge-1")
    end_probe(tx, "probe-3", ProbeEnd.RETIRED, "线缆破损")
    enter_certificate(tx, NewCertificate("probe-2", "JZ-2026-0117", "示范省计量院", yesterday, -600))
    propose_limits(
        tx, NewLimits("fridge-1", "cn-clinic-2-8", tx.local_date, "门常开", unchanged(profile_of("cn-clinic-2-8")))
    )
    for half, milli_celsius, done in ((Half.MORNING, 4_600, None), (Half.AFTERNOON, 8_600, "门未关严，已关好")):
        told = {"on": yesterday, "half": half, "milli_celsius": milli_celsius, "action_taken": done}
        fridge_id = require_place(tx.connection, "fridge-1").place_id
        told |= {"is_in_range": done is None, "read_by": tx.actor.staff_id, "read_at": tx.now - timedelta(days=1)}
        reading_id = tx.append(HandReading, place_id=fridge_id, **told)
    tx.journal("furnished", reading_id)


def _foresee(tx: Tx, people: list[UUID]) -> None:
    """Let people be due in the coming days as if their first doses had been given weeks ago."""
    days = [tx.local_date + timedelta(days=place // 2 + 1) for place, _ in enumerate(people)]
    due = (Due(on, on, on + timedelta(days=35)) for on in days)
    changes = (Changed(person_id, "covid19-bbibp-corv", one) for person_id, one in zip(people, due, strict=True))
    keep_due(tx, Reckoned(tx.seq, tuple(changes)))


def _open_vials(tx: Tx, box_code: str) -> None:
    """Let a box hold vials of several doses: one open, one emptied by its label, one held."""
    kind = ("covid19-bbibp-corv", Platform.INACTIVATED, Route.INTRAMUSCULAR)
    add_product(tx, NewProduct(f"{PRODUCT}-5", "样例灭活疫苗（5 剂）", "样例生物", *kind, 500, 5))
    codes = [_trace_code(place) for place in range(40, 44)]
    take_in_lot(tx, NewLot(f"{PRODUCT}-5", "M2026-07", tx.local_date + timedelta(days=90), codes, box_code))
    opened, emptied, held, _ = (unit_by_code(tx.connection, code) for code in codes)
    assert opened
    assert emptied
    assert held
    for unit, doses in ((opened, 2), (emptied, 5)):
        open_unit(tx, unit)
        waste_doses(tx, unit, doses, WasteReason.TRAINING)
    hold_units(tx, [held.unit_id], HoldReason.DOUBTED)
    tx.journal("furnished", held.unit_id)


def _call_back(tx: Tx) -> dict[str, str]:
    """Call one unit back that somebody got, and let another wait for the second signature of its destruction."""
    begun = begin_recall(tx, NewRecall(StopScope.UNIT, _trace_code(5), "县级召回通知", "如有不适请回本点复查"))
    first = given_to(tx.connection, require_recall(tx.connection, begun.recall_id))[0]
    note_phone(tx, first.person_id, "138 0000 0000")
    new = NewDestruction([_trace_code(42)], HoldEnd.DESTROYED, "瓶身有裂纹", "示范区疾控中心 监督员")
    made = propose_destruction(tx, new)
    return {"recall": str(begun.recall_id), "destruction": str(made.destruction_id)}


def _deliver(tx: Tx) -> dict[str, str]:
    """Let three vans come: one without a record, one without papers, one that is being unpacked."""
    arrived_at = tx.now - timedelta(minutes=20)
    span = (arrived_at - timedelta(hours=3), arrived_at)
    record = TransportRecord(TransportRecordKind.LOGGER_PRINT, "LG-2207", *span, 3_400, 6_100)
    van = {"supplier": "示范区疾控中心", "carrier": "冷藏车 3", "place_code": "fridge-1", "handed_over_by": "样例司机"}
    expires_on = tx.local_date + timedelta(days=300)
    refused = begin_delivery(tx, NewDelivery(document_number="PS-0301", record=None, **van))
    unproven = NewLine(PRODUCT, "S2026-08", expires_on, 2)
    held = begin_delivery(tx, NewDelivery(document_number="PS-0302", record=record, lines=[unproven], **van))
    scan_units(tx, held.delivery_id, held.line_ids[0], [ArrivedUnit(_trace_code(place)) for place in (90, 91)])
    finish_delivery(tx, held.delivery_id)
    packed = [("CARTON-9", f"PACK-{place // 4}", _trace_code(100 + place)) for place in range(12)]
    line = NewLine(PRODUCT, "S2026-09", expires_on, 12, "SP-2026-1177", packed)
    opened = begin_delivery(tx, NewDelivery(document_number="PS-0303", record=record, lines=[line], **van))
    scan_units(tx, opened.delivery_id, opened.line_ids[0], [ArrivedUnit("PACK-0"), ArrivedUnit("PACK-1")])
    broken = NewDifference(opened.line_ids[0], DeliveryDifference.BROKEN, 1, "瓶身开裂")
    tell_difference(tx, opened.delivery_id, broken)
    named = {"delivery": opened, "delivery_refused": refused, "delivery_unproven": held}
    return {name: str(ref.delivery_id) for name, ref in named.items()}


def _attach(tx: Tx) -> dict[str, str]:
    days = (("2026-03-04", "+8.0", 0), ("2026-03-03", "+8.5", 2), ("2026-03-02", "+20.8", 8))
    attach(tx, "fridge-1", "FT2_1300.txt", fridge_tag("2026-03-04 15:00", *days))
    return {"logger": str(attach(tx, "fridge-1", "QTAG_MADE0001.txt", qtag()).file_id)}


def _warm(tx: Tx) -> dict[str, str]:
    """Let one fridge be too warm now, some of what stands there decided about; and another have been too cold."""
    sample = (PRODUCT, "S2026-12", tx.local_date + timedelta(days=260))
    for number in (2, 3):
        add_place(tx, NewPlace(f"fridge-{number}", f"冰箱 {number}", PlaceKind.FRIDGE, "cn-clinic-2-8"))
        earlier = tx.now - timedelta(hours=2)
        tx.append(Probe, probe_id=f"冰箱-{number}", place_code=f"fridge-{number}", assigned_at=earlier)
    take_in_lot(tx, NewLot(*sample, [_trace_code(place) for place in range(120, 125)], "fridge-2"))
    _hear(tx, 2, [5_000, 7_200, *[9_400 + 37 * minute for minute in range(14)]])
    _hear(tx, 3, [4_000, 2_400, *[1_200] * 14, 2_500, *[4_000] * 8])
    lasting, over = excursions(tx.connection)
    held = units_of(tx.connection, lasting.excursion_id)
    letter = Evaluation("质评-2026-17", b"%PDF-1.7")
    decided = (DispositionKind.RETURNED, "企业评估：影响质量", letter)
    decide_units(tx, NewDisposition(lasting.excursion_id, [held[0].unit.unit_id], *decided))
    told = (
        "样例人员",
        24_500,
        "停电约二十分钟",
        "启用备用冰箱并通知县疾控",
        "冷藏箱 1",
        "水瓶 4 个",
        "无",
        "县疾控冷链科",
        "加装备用电源",
    )
    write_form(tx, over.excursion_id, NewForm(over.began_at, *told))
    hand = unit_by_code(tx.connection, _trace_code(66))
    assert hand
    hold_units(tx, [hand.unit_id], HoldReason.TEMPERATURE, "在台面上放置过久")
    tx.journal("furnished", hand.unit_id)
    return {"excursion": str(lasting.excursion_id), "excursion_over": str(over.excursion_id)}


def _hear(tx: Tx, number: int, course: list[int]) -> None:
    """Let a probe have said a temperature every minute until now."""
    first = tx.now - timedelta(minutes=len(course))
    samples = (
        Sample(f"冰箱-{number}", 1, minute, first + timedelta(minutes=minute), value)
        for minute, value in enumerate(course)
    )
    store_readings(tx, list(samples))


def _count(tx: Tx) -> dict[str, str]:
    """Let a count find each kind of difference, one of them explained; and a bench scan a code nobody received."""
    opened = [_trace_code(place) for place in (43, 41, 90)]
    count_place(tx, NewCount("fridge-1", opened[:1]))
    made = count_place(tx, NewCount("desk-1-box", [_trace_code(place) for place in range(12, 20)] + opened))
    first = differences_of(tx.connection, made.count_id)[0]
    explain_difference(tx, first.difference_id, DifferenceReason.BROKEN_UNRECORDED, "地面有碎瓶")
    keep_suspects(tx, [_trace_code(91), _trace_code(0)], arriving=False)
    return {"count": str(made.count_id)}


def _page(tx: Tx) -> None:
    """Two channels, of which one refuses, and a weekly test that one person answered."""
    for code in ("robot", "sms"):
        set_up_channel(tx, NewChannel(code, "webhook", "https://pager.invalid/hook?key=made-up"))
    people = standing_ids(tx.connection)
    number = begin_test(tx, tx.local_date)
    due = tx.execute(select(page_due.c.id, page_due.c.contact_id).where(page_due.c.kind == DueKind.TEST)).all()
    for row in due:
        for code, outcome in (("robot", Outcome(Reached.ACCEPTED)), ("sms", Outcome(Reached.FAILED, "http_401"))):
            record_attempt(tx, Attempt(code, outcome, row.id, row.contact_id))
        tx.execute(update(page_due).where(page_due.c.id == row.id).values(state=DueState.DONE, lead_id=row.id))
    tx.journal("page_attempted")
    test_id = tx.execute(select(page_test.c.id).where(page_test.c.number == number)).scalar_one()
    note_test_answer(tx, test_id, min(people))


def _sound(tx: Tx) -> dict[str, str]:
    """Let a fridge be too warm, which a pager has heard, and the power fail; six people are on duty."""
    people = [
        add_contact(tx, NewContact(f"值班员 {number}", (Address("sms", f"+86138{number:08}"),))).contact_id
        for number in range(1, 7)
    ]
    for number, contact_id in enumerate(people):
        add_duty(tx, Weekly(frozenset(range(7)), Shift(contact_id, 1 + number // 3, time(0), time(0))))
    except_day(tx, OtherDay(tx.local_date, is_on=False, shift=Shift(people[0], 1, time(0), time(0))))
    alert_id = raise_alarm(tx, Alarm(AlertKind.TOO_WARM, Severity.ALARM, as_written("+9.4C 12MIN"), "fridge-1"))
    store_supplies(tx, [SupplyWord("probe-2", tx.now, battery_percent=None, is_on_mains=False)])
    store_supplies(tx, [SupplyWord("probe-2", tx.now, battery_percent=17, is_on_mains=None)])
    raise_alarm(tx, Alarm(AlertKind.NO_DATA, Severity.ALARM, as_written("SILENT 10MIN"), "fridge-1"))
    take_turns(tx)
    acknowledge_by_contact(tx, 1, people[1], AnswerWay.PAGER)
    acknowledge_by_contact(tx, 2, people[2], AnswerWay.LINK, "供电公司已在抢修，发电机已启动")
    shelve_place(tx, NewShelving("bench-1-box", 30, "补充疫苗"))
    return {"alert": "1", "alert_link": link_path(tx.keyring, LinkTarget(alert_id, people[0]), tx.now)}


def _had_before(tx: Tx, visit_id: UUID) -> None:
    """Note what a page of immunisations can show: doses with and without a certain day, and a severe reaction."""
    person_id = standing(tx.connection, visit_id).person_id
    for given, proof in (("2021-05-08", Proof.VACCINATION_BOOK), ("2021-06", Proof.TOLD)):
        new = NewDoseElsewhere(PartialDate.parse(given), proof, "covid19-bbibp-corv", place="示范县医院")
        note_dose_elsewhere(tx, person_id, new)
    note_reaction(tx, person_id, NewReaction(date(2021, 6, 30), "住院记录", vaccine_code="covid19-bbibp-corv"))


def _withhold_earlier(tx: Tx, visit_id: UUID, on_visit_id: UUID) -> None:
    """Let somebody have come before: found unsuitable for one vaccine, and deferred to a day that has come."""
    person_id = standing(tx.connection, visit_id).person_id
    withhold(tx, on_visit_id, Withholding(tx.new_id(), person_id, "covid19", vaccine_code="covid19-bbibp-corv"))
    withhold(tx, on_visit_id, Withholding(tx.new_id(), person_id, "covid19", tx.local_date))
    tx.journal("furnished", visit_id)


def _link(tx: Tx, visit_id: UUID) -> dict[str, str]:
    """A link to answer by that outlasts the tests."""
    valid_until = tx.now + timedelta(days=1)
    link_id = tx.append(AnswerLink, visit_id=visit_id, valid_until=valid_until, issued_by=tx.actor.staff_id)
    tx.journal("furnished", link_id)
    path = require_link(tx.connection, tx.keyring, link_id, tx.now).path(Channel.TABLET)
    return {"handed_over": f"/visits/{visit_id}/answer-links/{link_id}", "own_answers": path}


def _inject(tx: Tx, visit_id: UUID, trace_code: str, minutes_ago: int) -> None:
    inject(tx, visit_id, trace_code)
    given_at = tx.now - timedelta(minutes=minutes_ago)
    tx.append(
        Watch, visit_id=visit_id, given_at=given_at, due_at=given_at + timedelta(minutes=SITE.observation_minutes)
    )
    tx.journal("furnished", visit_id)


def _trace_code(place: int) -> str:
    """Return a made-up trace code: 20 digits, as on Chinese vaccine."""
    return f"{83450000000000000000 + place:020d}"
