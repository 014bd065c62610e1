"""The invariants of the clinical gate, by number, asked of the rows themselves and not of the program's own rules.

"Later" is always the order of the journal: a wall clock can be set, the journal cannot.
"""

import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from tests.proof.rows import Row, Rows, age_on

Check = Callable[[Rows], Iterator[str]]
CHECKS: list[tuple[int, Check]] = []
WAYS = {  # what may follow what on a visit, typed from the flow of the founding documents
    "": {"checked_in"},
    "checked_in": {"answered", "abandoned"},
    "answered": {"answered", "recommended", "deferred", "unsuitable", "abandoned"},
    "recommended": {"answered", "consented", "consent_disputed", "refused", "abandoned"},
    "consented": {
        *("answered", "dose_given", "sent_back", "abandoned"),
        *("consent_disputed", "consent_invalidated", "consent_withdrawn"),
    },
    "consent_invalidated": {"answered", "consented", "consent_disputed", "refused", "abandoned"},
    "consent_disputed": {"answered", "dispute_settled", "refused", "abandoned"},
    "dispute_settled": {"answered", "consented", "consent_disputed", "refused", "abandoned"},
    "sent_back": {"answered", "abandoned"},
    "dose_given": {"left", "left_early", "left_unseen", "transferred", "continued"},
    "needle_was_in": {"left", "left_early", "left_unseen", "transferred", "continued"},
}
AFTER_A_DOSE = {"dose_given", "needle_was_in", *WAYS["dose_given"]}  # what nothing was injected before goes on from
PAUSES = {
    *("site_not_opened", "site_closed", "site_opened_on_another_day", "too_few_physicians", "nobody_for_emergencies"),
    *("emergency_staff_gone", "emergency_equipment_gone", "ambulance_gone", "green_channel_gone"),
    *("emergency_kit_empty", "emergency_kit_expired", "emergency_kit_short", "records_missing"),
}
CONFIRMATIONS = {
    *("health", "record_card", "appearance", "name", "age", "product"),
    *("presentation", "dose", "body_site", "route", "shown"),
}
LEAST_INTERVAL = timedelta(days=21)  # of the inactivated vaccines (national guidance, 2021)
FLOOR = timedelta(minutes=30)
LAST_LOOK = 25  # minutes in: the look of the half hour, five minutes early at most
LONGEST_PERMIT = timedelta(minutes=5)
LONGEST_OPEN = timedelta(minutes=60)  # of the machine's vaccine, which is not live
ADMITTED_FROM_AGE = 3
THRESHOLDS = {"systolic_mmhg": 140, "diastolic_mmhg": 90}


def invariant(number: int) -> Callable[[Check], Check]:
    """Register a check under its number."""

    def keep(check: Check) -> Check:
        CHECKS.append((number, check))
        return check

    return keep


def violations(rows: Rows) -> list[str]:
    """Return everything that is not as it must be, each beginning with the invariant's number."""
    return [f"{number}: {what}" for number, check in CHECKS for what in check(rows)]


def _seq(row: Row) -> int:
    found: int = row["journal_seq"]
    return found


def _doses(rows: Rows) -> Iterator[tuple[Row, Row, Row]]:
    """Yield each dose with its order and its decision."""
    for dose in rows.all("dose"):
        order = rows.one("visit_order", dose["order_id"])
        yield dose, order, rows.one("decision", order["decision_id"])


def _told(rows: Rows, dose: Row) -> set[str]:
    """Return what is kept with a dose as standing against it: its needle was in when it was recorded."""
    marks = rows.of("dose_despite_refusal", "dose_id", dose["id"])
    return {code for row in marks if _seq(row) == _seq(dose) for code in row["findings"].split()}


def _is_qualified(rows: Rows, staff_id: Any, kind: str, at: Any, before_seq: int) -> bool:
    latest: dict[str, Row] = {}
    for row in rows.of("qualification", "staff_id", staff_id):
        if row["kind"] == kind and _seq(row) < before_seq:
            latest[row["certificate_number"]] = row
    return any(row["valid_from"] <= rows.day(at) <= row["valid_until"] for row in latest.values())


@invariant(1)
def decided_by_a_qualified_physician(rows: Rows) -> Iterator[str]:
    for dose, order, decision in _doses(rows):
        same_visit = dose["visit_id"] == order["visit_id"] == decision["visit_id"]
        if not same_visit or decision["outcome"] != "recommended" or not _seq(decision) < _seq(dose):
            yield f"dose {dose['id']} rests on no recommendation of its visit"
    for decision in rows.all("decision"):
        if not _is_qualified(rows, decision["physician_id"], "physician", decision["decided_at"], _seq(decision)):
            yield f"decision {decision['id']} by somebody who was no physician that day"


@invariant(2)
def decided_over_the_last_answers(rows: Rows) -> Iterator[str]:
    for decision in rows.all("decision"):
        rounds = [row for row in rows.of("screening", "visit_id", decision["visit_id"]) if _seq(row) < _seq(decision)]
        if not rounds or rounds[-1]["id"] != decision["screening_id"]:
            yield f"decision {decision['id']} is over other answers than the last"
    for dose, _, decision in _doses(rows):
        for row in rows.of("screening", "visit_id", dose["visit_id"]):
            if _seq(decision) < _seq(row) < _seq(dose) and "no_standing_decision" not in _told(rows, dose):
                yield f"dose {dose['id']} in spite of answers after its decision"


@invariant(3)
def consented_to_this_product_after_the_decision(rows: Rows) -> Iterator[str]:
    told = "kind,effect,contraindications,adverse_reactions,observation"
    for dose, order, decision in _doses(rows):
        attached = {row["consent_id"] for row in rows.of("visit_order_consent", "order_id", order["id"])}
        permitted = rows.one("permit", dose["permit_id"])["consent_id"]
        standing = [
            row
            for row in rows.of("consent", "decision_id", decision["id"])
            if row["visit_id"] == dose["visit_id"]
            and row["product_code"] == dose["product_code"]
            and row["informed_items"] == told
            and _seq(decision) < _seq(row) < _seq(dose)
            and row["id"] in attached
            and row["id"] == permitted
            and not _has_fallen(rows, row, _seq(dose))
        ]
        if len(standing) != 1 and not {"no_standing_decision", "no_consent"} & _told(rows, dose):
            yield f"dose {dose['id']} has {len(standing)} consents"


def _has_fallen(rows: Rows, consent: Row, before_seq: int) -> bool:
    """Tell whether a consent was withdrawn, invalidated or disputed, or the dose refused, after it was signed."""
    after = [
        *rows.of("consent_withdrawn", "consent_id", consent["id"]),
        *rows.of("consent_invalidated", "consent_id", consent["id"]),
        *rows.of("consent_dispute", "visit_id", consent["visit_id"]),
        *rows.of("refusal", "visit_id", consent["visit_id"]),
    ]
    return any(_seq(consent) < _seq(row) < before_seq for row in after)


@invariant(4)
def signed_by_those_who_must(rows: Rows) -> Iterator[str]:
    for consent in rows.all("consent"):
        born_on = _latest_before(rows, rows.one("visit", consent["visit_id"])["person_id"], _seq(consent))["born_on"]
        age = age_on(born_on, rows.day(consent["signed_at"]))
        signed = {
            row["signer"]: row["relationship"] for row in rows.of("consent_signature", "consent_id", consent["id"])
        }
        others = set(signed) - {"recipient"}
        if (age < 18 and not others) or (age >= 8 and age < 18 and "recipient" not in signed) or not signed:
            yield f"consent {consent['id']} at {age} years signed by {sorted(signed)}"
        if any(signed[other] == "self" for other in others):
            yield f"consent {consent['id']}: a relationship is missing"


@invariant(5)
def whatever_speaks_against_a_dose_has_a_reason(rows: Rows) -> Iterator[str]:
    for decision in rows.all("decision"):
        given = rows.opened(rows.one("screening", decision["screening_id"]), "screening", "answers")
        measured = given["measurements"]
        high = any((measured[quantity] or 0) >= limit for quantity, limit in THRESHOLDS.items())
        speaks_against = high or "yes" in given["answers"].values()
        if decision["outcome"] == "recommended" and speaks_against and decision["reason_sealed"] is None:
            yield f"decision {decision['id']} without a reason"


@invariant(6)
def not_knowing_is_never_no(rows: Rows) -> Iterator[str]:
    for decision in rows.all("decision"):
        given = rows.opened(rows.one("screening", decision["screening_id"]), "screening", "answers")
        unsure = "dont_know" in given["answers"].values()
        if decision["outcome"] == "recommended" and unsure and decision["reason_sealed"] is None:
            yield f"decision {decision['id']} took a don't know for a no"


@invariant(7)
def old_enough(rows: Rows) -> Iterator[str]:
    for visit in rows.all("visit"):
        born_on = _latest_before(rows, visit["person_id"], _seq(visit) + 1)["born_on"]
        if age_on(born_on, rows.day(visit["opened_at"])) < ADMITTED_FROM_AGE and not _before_dawn(rows, visit):
            yield f"visit {visit['id']} of somebody too young"


@invariant(8)
def the_interval_is_kept_or_the_reason_stands(rows: Rows) -> Iterator[str]:
    for dose, _, decision in _doses(rows):
        earlier = _doses_before(rows, dose)
        too_soon = earlier and rows.day(dose["given_at"]) - rows.day(earlier[-1]["given_at"]) < LEAST_INTERVAL
        is_told = {"too_early", "same_day_dose", "series_complete"} & _told(rows, dose)
        if too_soon and decision["reason_sealed"] is None and not is_told:
            yield f"dose {dose['id']} too soon after {earlier[-1]['id']}"


@invariant(9)
def the_dose_number_is_counted(rows: Rows) -> Iterator[str]:
    for dose in rows.all("dose"):
        days = [rows.day(row["given_at"]) for row in (*_doses_before(rows, dose), dose)]
        apart = all(later - earlier >= LEAST_INTERVAL for earlier, later in itertools.pairwise(days))
        if apart and dose["dose_number"] not in (None, len(days)):
            yield f"dose {dose['id']} is number {len(days)}, not {dose['dose_number']}"


def _doses_before(rows: Rows, dose: Row) -> list[Row]:
    """Return the earlier doses of the same person that no correction had denied by then."""
    denied = {row["dose_id"] for row in rows.all("dose_entered_in_error") if _seq(row) < _seq(dose)}
    of_person = rows.of("dose", "person_id", dose["person_id"])
    return [row for row in of_person if _seq(row) < _seq(dose) and row["id"] not in denied]


@invariant(12)
def given_as_ordered(rows: Rows) -> Iterator[str]:
    for dose, order, decision in _doses(rows):
        lot = rows.one("lot", rows.one("unit", dose["unit_id"])["lot_id"])
        product = rows.one("product", lot["product_id"])
        codes = {dose["product_code"], order["product_code"], decision["product_code"], product["code"]}
        as_made = (dose["volume_ul"], dose["route"]) == (product["volume_ul"], product["route"])
        if len(codes) != 1 or not as_made or dose["lot_id"] != lot["id"]:
            yield f"dose {dose['id']} is not what was ordered"


@invariant(13)
def given_by_a_qualified_vaccinator_at_the_bench_of_the_permit(rows: Rows) -> Iterator[str]:
    for dose in rows.all("dose"):
        permit = rows.one("permit", dose["permit_id"])
        line = rows.one("journal", _seq(dose), "seq")
        if (permit["station"], permit["vaccinator_id"]) != (line["station"], dose["vaccinator_id"]):
            yield f"dose {dose['id']} under a permit of another"
        for record, at in ((dose, "given_at"), (permit, "granted_at")):
            is_told = record is dose and "vaccinator_not_qualified" in _told(rows, dose)
            if not is_told and not _is_qualified(rows, record["vaccinator_id"], "vaccinator", record[at], _seq(record)):
                yield f"{record['id']} by somebody who was no vaccinator that day"


@invariant(14)
def given_under_a_permit_that_stood(rows: Rows) -> Iterator[str]:
    for dose in rows.all("dose"):
        permit = rows.one("permit", dose["permit_id"])
        bound = ("visit_id", "order_id", "unit_id", "vaccinator_id")
        is_told = "permit_over" in _told(rows, dose)
        is_late = (dose["given_at"] > permit["expires_at"]) != is_told
        is_late |= permit["expires_at"] > permit["granted_at"] + LONGEST_PERMIT
        if any(permit[name] != dose[name] for name in bound) or is_late or _seq(permit) >= _seq(dose):
            yield f"dose {dose['id']} under a permit that did not stand"


@invariant(14)
def all_eleven_confirmed_before_the_permit(rows: Rows) -> Iterator[str]:
    for permit in rows.all("permit"):
        confirmed = [row["confirmed"] for row in rows.of("bench_check", "permit_id", permit["id"])]
        if len(confirmed) != 1 or set(confirmed[0].split(",")) != CONFIRMATIONS:
            yield f"permit {permit['id']} on {confirmed}"


@invariant(15)
def of_a_unit_received_here(rows: Rows) -> Iterator[str]:
    for dose in rows.all("dose"):
        units = rows.of("unit", "id", dose["unit_id"])
        if len(units) != 1 or _seq(units[0]) >= _seq(dose):
            yield f"dose {dose['id']} of a unit nobody received"
    for code, count in Counter(row["trace_code"] for row in rows.all("unit")).items():
        if count > 1:
            yield f"trace code {code} is {count} units"


@invariant(16)
def no_unit_is_used_more_often_than_it_has_doses(rows: Rows) -> Iterator[str]:
    denied = {row["dose_id"] for row in rows.all("dose_entered_in_error")}
    returned = {row["draw_id"] for row in rows.all("unit_return")}
    for unit in rows.all("unit"):
        most = rows.one("product", rows.one("lot", unit["lot_id"])["product_id"])["doses_per_unit"]
        doses = [row for row in rows.of("dose", "unit_id", unit["id"]) if row["draw_id"] not in returned]
        draws = [row for row in rows.of("draw", "unit_id", unit["id"]) if row["id"] not in returned]
        most += sum("unit_used_up" in _told(rows, row) for row in doses)
        if len(doses) > most or len(draws) > most:
            yield f"unit {unit['trace_code']}: {len(doses)} doses, {len(draws)} draws"
        if sorted(row["draw_number"] for row in draws) != list(range(1, len(draws) + 1)) and not returned:
            yield f"unit {unit['trace_code']}: draws are not counted"
    for row in rows.all("dose"):
        if row["draw_id"] in returned and row["id"] not in denied:
            yield f"dose {row['id']}: given, and its unit put back"
    for column in ("permit_id", "order_id", "draw_id"):
        counted = Counter(row[column] for row in rows.all("dose"))
        yield from (f"{count} doses of one {column}" for count in counted.values() if count > 1)


@invariant(17)
def no_lot_past_its_printed_day(rows: Rows) -> Iterator[str]:
    for dose in rows.all("dose"):
        expires_on = rows.one("lot", dose["lot_id"])["expires_on"]
        if rows.day(dose["given_at"]) > expires_on and "lot_expired" not in _told(rows, dose):
            yield f"dose {dose['id']} of a lot that ended {expires_on}"


@invariant(18)
def nothing_held_is_given(rows: Rows) -> Iterator[str]:
    for dose in rows.all("dose"):
        for hold in rows.of("unit_hold", "unit_id", dose["unit_id"]):
            ends = [row for row in rows.of("unit_hold_ended", "hold_id", hold["id"]) if _seq(row) < _seq(dose)]
            is_held = _seq(hold) < _seq(dose) and "released" not in {row["end"] for row in ends}
            if is_held and "unit_on_hold" not in _told(rows, dose):
                yield f"dose {dose['id']} of a unit that was set apart"


@invariant(19)
def no_vial_is_used_after_its_minutes(rows: Rows) -> Iterator[str]:
    for opened in rows.all("unit_opened"):
        for dose in rows.of("dose", "unit_id", opened["unit_id"]):
            is_over = _seq(dose) > _seq(opened) and dose["given_at"] > opened["opened_at"] + LONGEST_OPEN
            if is_over and "unit_open_too_long" not in _told(rows, dose):
                yield f"dose {dose['id']} of a vial open since {opened['opened_at']}"


@invariant(20)
def a_unit_is_given_where_it_stands(rows: Rows) -> Iterator[str]:
    for dose in rows.all("dose"):
        moves = [row for row in rows.of("unit_move", "unit_id", dose["unit_id"]) if _seq(row) < _seq(dose)]
        stood_in = moves[-1]["to_place_id"] if moves else None
        station = rows.one("place", stood_in)["station"] if stood_in else None
        if "unit_elsewhere" in _told(rows, dose):
            continue
        if station is None or station != rows.one("permit", dose["permit_id"])["station"]:
            yield f"dose {dose['id']} of a unit that stood at {station}"


@invariant(24)
def the_ledger_is_what_happened(rows: Rows) -> Iterator[str]:
    balances: dict[tuple[str, Any], list[int]] = defaultdict(list)
    for entry in rows.all("ledger_entry"):
        held = balances[entry["account"], entry["lot_id"]]
        if (entry["number"], entry["balance_before"]) != (len(held) + 1, held[-1] if held else 0):
            yield f"entry {entry['number']} of {entry['account']} does not follow"
        held.append(entry["balance_before"] + entry["doses"])
        if held[-1] < 0 and not entry["account"].startswith("="):
            yield f"{entry['account']} holds {held[-1]}"
    for movement in rows.all("movement"):
        sides = {row["account"]: row["doses"] for row in rows.of("ledger_entry", "movement_id", movement["id"])}
        if sides != {movement["from_account"]: -movement["doses"], movement["to_account"]: movement["doses"]}:
            yield f"movement {movement['id']} has sides {sides}"
    standing = _doses_standing(rows)
    told = {key: held[-1] for key, held in balances.items() if not key[0].startswith("=")}
    for key in standing.keys() | told.keys():
        if standing[key] != told.get(key, 0):
            yield f"{key[0]}: {standing[key]} doses stand there, the ledger says {told.get(key, 0)}"


def _doses_standing(rows: Rows) -> Counter[tuple[str, Any]]:
    """Count what must stand in each place of each lot from the units' own records, without the ledger."""
    returned = {row["draw_id"] for row in rows.all("unit_return")}
    standing: Counter[tuple[str, Any]] = Counter()
    for unit in rows.all("unit"):
        drawn = sum(row["id"] not in returned for row in rows.of("draw", "unit_id", unit["id"]))
        moved = rows.of("movement", "unit_id", unit["id"])
        wasted = sum(row["doses"] for row in moved if row["kind"] == "wasted")
        wasted -= sum(row["doses"] for row in moved if row["kind"] == "gained")
        last = rows.of("unit_move", "unit_id", unit["id"])[-1]
        if last["to_place_id"] is not None:
            code = rows.one("place", last["to_place_id"])["code"]
            standing[code, unit["lot_id"]] += unit["doses_per_unit"] - drawn - wasted
    return standing


@invariant(22)
def nothing_stopped_is_given(rows: Rows) -> Iterator[str]:
    for dose in rows.all("dose"):
        lot = rows.one("lot", dose["lot_id"])
        code = rows.one("unit", dose["unit_id"])["trace_code"]
        named = {"site": "", "product": dose["product_code"], "unit": code}
        named["lot"] = f"{dose['product_code']}/{lot['number']}"
        named["bench"] = rows.one("permit", dose["permit_id"])["station"]
        for stop in rows.all("stop_order"):
            lifted = [row for row in rows.of("stop_lifted", "stop_id", stop["id"]) if _seq(row) < _seq(dose)]
            is_told = f"{stop['scope']}_stopped" in _told(rows, dose)
            if _seq(stop) < _seq(dose) and not lifted and named[stop["scope"]] == stop["target"] and not is_told:
                yield f"dose {dose['id']} in spite of stop {stop['id']}"
    for row in rows.all("stop_lifted"):
        if row["proposed_by"] == row["confirmed_by"]:
            yield f"stop {row['stop_id']} was lifted by one person"


@invariant(25)
def doses_draws_and_consents_used_are_one_number(rows: Rows) -> Iterator[str]:
    doses = {row["draw_id"] for row in rows.all("dose")}
    draws = {row["id"] for row in rows.all("draw")}
    used = {row["order_id"] for row in rows.all("visit_order_consent")} & {row["order_id"] for row in rows.all("dose")}
    if doses != draws or len(used) != len(rows.all("dose")):
        yield f"{len(doses)} doses, {len(draws)} draws, {len(used)} consents used"


@invariant(27)
def one_open_visit_one_ticket_legal_steps(rows: Rows) -> Iterator[str]:
    stands = {row["visit_id"]: row for row in rows.all("visit_now")}
    for visit in rows.all("visit"):
        steps = [row["outcome"] for row in rows.of("visit_step", "visit_id", visit["id"])]
        for earlier, later in zip(["", *steps], steps, strict=False):
            is_of_needle = later == "needle_was_in" and AFTER_A_DOSE.isdisjoint(steps[: steps.index(later)])
            if later not in WAYS.get(earlier, set()) and not is_of_needle:
                yield f"visit {visit['id']}: {later} after {earlier or 'nothing'}"
        if stands[visit["id"]]["is_open"] != (steps[-1] in WAYS):
            yield f"visit {visit['id']}: is_open is not what its steps say"
    open_now = Counter(
        (row["person_id"], row["stage"] == "observed") for row in rows.all("visit_now") if row["is_open"]
    )
    yield from (f"{count} open visits of one person" for count in open_now.values() if count > 1)
    for visit in rows.all("visit"):
        beside = open_now[visit["person_id"], True] and open_now[visit["person_id"], False]
        now = stands[visit["id"]]
        before = [row["follows_visit_id"] for row in rows.of("visit_follows", "visit_id", visit["id"])]
        is_waiting = now["is_open"] and now["stage"] != "observed"
        if is_waiting and [stands[one]["stage"] for one in before] != (["observed"] if beside or before else []):
            yield f"visit {visit['id']} waits beside or after one that is not watched"
    tickets = Counter((row["business_on"], row["ticket_number"]) for row in rows.all("visit"))
    yield from (f"ticket {ticket} was given {count} times" for ticket, count in tickets.items() if count > 1)


@invariant(29)
def observed_from_the_needle_for_no_less_than_the_floor(rows: Rows) -> Iterator[str]:
    for dose in rows.all("dose"):
        watches = [row for row in rows.of("watch", "visit_id", dose["visit_id"]) if _seq(row) == _seq(dose)]
        if [row["given_at"] for row in watches] != [dose["given_at"]]:
            yield f"dose {dose['id']} began no observation"
        elif watches[0]["due_at"] - dose["given_at"] < FLOOR:
            yield f"dose {dose['id']} is observed for less than the floor"
        for row in rows.of("visit_follows", "visit_id", dose["visit_id"]):
            earlier = {"visit_id": row["follows_visit_id"], "journal_seq": dose["journal_seq"]}
            if watches and watches[0]["due_at"] < _due_at(rows, earlier):
                yield f"dose {dose['id']} made the time of the dose before it shorter"


@invariant(12)
def a_dose_in_a_place_already_used_on_a_stay_is_marked_and_no_other_is(rows: Rows) -> Iterator[str]:
    denied = {row["dose_id"]: _seq(row) for row in rows.all("dose_entered_in_error")}
    for dose in rows.all("dose"):
        marks = [row for row in rows.of("dose_against_rule", "dose_id", dose["id"]) if _seq(row) == _seq(dose)]
        is_marked = any("body_site_used_today" in row["findings"].split() for row in marks)
        earlier = [row for row in rows.of("dose", "person_id", dose["person_id"]) if _seq(row) < _seq(dose)]
        alike = [row["visit_id"] for row in earlier if _went_where(dose, row, denied)]
        if not is_marked and not {*_stay(rows, dose["visit_id"])}.isdisjoint(alike):
            yield f"dose {dose['id']} went in where one before it did, and nothing says so"
        if is_marked and not alike:
            yield f"dose {dose['id']} is marked, and none before it went in there"


def _went_where(dose: Row, before: Row, denied: dict[Any, int]) -> bool:
    stood = denied.get(before["id"], _seq(dose)) >= _seq(dose)
    return stood and bool(before["body_site"] == dose["body_site"])


def _stay(rows: Rows, visit_id: Any) -> list[Any]:
    """Return a visit and those it follows, itself the first."""
    before = [row["follows_visit_id"] for row in rows.of("visit_follows", "visit_id", visit_id)]
    return [visit_id, *(_stay(rows, before[0]) if before else [])]


@invariant(30)
def no_slip_opens_the_door_to_somebody_who_is_watched(rows: Rows) -> Iterator[str]:
    for scan in rows.all("exit_scan"):
        if scan["visit_id"] is None or scan["answer"] not in {"may_leave", "has_left", "no_dose"}:
            continue
        person_id = rows.one("visit", scan["visit_id"])["person_id"]
        for visit in rows.of("visit", "person_id", person_id):
            steps = [row for row in rows.of("visit_step", "visit_id", visit["id"]) if _seq(row) <= _seq(scan)]
            if steps and steps[-1]["stage"] == "observed":
                yield f"exit answer {scan['id']}: {scan['answer']}, and visit {visit['id']} is watched"


@invariant(30)
def nobody_leaves_before_the_time_without_a_reason(rows: Rows) -> Iterator[str]:
    for departure in rows.all("departure"):
        is_early = departure["left_at"] < _due_at(rows, departure)
        said_early = (departure["kind"], departure["reason"] is not None, departure["minutes_short"] > 0)
        if said_early != (("early", True, True) if is_early else ("completed", False, False)):
            yield f"departure {departure['id']} is not as the clock says"


@invariant(30)
def nobody_is_forgotten_and_nobody_sits_on_another(rows: Rows) -> Iterator[str]:
    """Whoever had a dose is watched, or left in the one way that is recorded; a seat holds one of the watched."""
    seats: dict[str, Any] = {}
    for now in rows.all("visit_now"):
        visit_id = now["visit_id"]
        left = [row for table in ("departure", "left_unseen") for row in rows.of(table, "visit_id", visit_id)]
        continued = [row for row in rows.of("visit_step", "visit_id", visit_id) if row["outcome"] == "continued"]
        ended = [*left, *_transfers(rows, visit_id), *continued]
        if [rows.one("dose", row["record_id"])["visit_id"] for row in continued] != _watched_on_by(rows, visit_id):
            yield f"visit {visit_id} does not go on where its watch went"
        came_back = [row for one in left for row in rows.of("taken_back", "left_unseen_id", one["id"])]
        is_watched = now["stage"] == "observed"
        if rows.of("dose", "visit_id", visit_id) and len(ended) - len(came_back) != (0 if is_watched else 1):
            yield f"visit {visit_id} stands at {now['stage']} and left in {len(ended)} ways"
        unseen = rows.of("left_unseen", "visit_id", visit_id)
        if len(unseen) > len(came_back) and now["stage"] != "left_unseen":
            yield f"visit {visit_id} is gone and stands at {now['stage']}"
        placed = rows.of("placement", "visit_id", visit_id)
        seat_code = placed[-1]["seat_code"] if is_watched and placed else None
        if seat_code and seats.setdefault(seat_code, visit_id) != visit_id:
            yield f"visits {seats[seat_code]} and {visit_id} sit on one seat"


def _watched_on_by(rows: Rows, visit_id: Any) -> list[Any]:
    """Return the visit that took a visit's watch over: not one whose needle came when nobody was watched any more."""
    later = [(one, rows.of("dose", "visit_id", one)[0]) for one in _taken_over_by(rows, visit_id)]
    return [one for one, dose in later if "earlier_dose_not_watched" not in _told(rows, dose)]


def _taken_over_by(rows: Rows, visit_id: Any) -> list[Any]:
    """Return the visit that follows a visit and had a dose, if any."""
    later = [row["visit_id"] for row in rows.of("visit_follows", "follows_visit_id", visit_id)]
    return [one for one in later if rows.of("dose", "visit_id", one)]


@invariant(31)
def nobody_completes_unwell_or_at_risk_and_not_looked_at(rows: Rows) -> Iterator[str]:
    for departure in rows.all("departure"):
        if departure["kind"] != "completed":
            continue
        watch = [row for row in rows.of("watch", "visit_id", departure["visit_id"]) if _seq(row) < _seq(departure)][-1]
        looks = [
            *rows.of("observation_check", "visit_id", departure["visit_id"]),
            *rows.of("check_overruled", "visit_id", departure["visit_id"]),
        ]
        looks = sorted((one for one in looks if one["given_at"] == watch["given_at"]), key=_seq)
        latest = looks[-1] if looks and "said_sealed" in looks[-1] else None
        if latest and rows.opened(latest, "observation_check", "said")["how"] != "well":
            yield f"departure {departure['id']} of somebody who was not well"
        doses = [row for one in _stay(rows, departure["visit_id"]) for row in rows.of("dose", "visit_id", one)]
        at_risk = any(rows.one("visit_order", row["order_id"])["is_against_advice"] for row in doses)
        if at_risk and not any(one["minutes_in"] >= LAST_LOOK for one in looks):
            yield f"departure {departure['id']} of somebody at risk whom nobody had looked at"


@invariant(31)
def nobody_leaves_who_is_being_cared_for(rows: Rows) -> Iterator[str]:
    for departure in [*rows.all("departure"), *rows.all("left_unseen")]:
        for event in _events_of_stay(rows, departure["visit_id"]):
            ended = [row for row in rows.of("care_over", "event_id", event["id"]) if _seq(row) < _seq(departure)]
            if _seq(event) < _seq(departure) and not ended:
                yield f"departure {departure['id']} from the care of event {event['number']}"


@invariant(42)
def an_event_follows_a_dose(rows: Rows) -> Iterator[str]:
    for event in rows.all("adverse_event"):
        suspects = rows.of("suspect_dose", "event_id", event["id"])
        suspected = [rows.one("dose", row["dose_id"]) for row in suspects]
        if not suspected or any(event["onset_at"] < dose["given_at"] for dose in suspected):
            yield f"event {event['number']} follows no dose"


@invariant(43)
def a_cluster_is_one_alert(rows: Rows) -> Iterator[str]:
    things = Counter((row["scope"], row["code"], row["kind_group"]) for row in rows.all("similar_events"))
    yield from (f"{count} clusters round {thing}" for thing, count in things.items() if count > 1)
    alerts = Counter(row["place_code"] for row in rows.all("alert") if row["kind"] == "similar_events")
    wanted = {f"similar-{row['number']}": 1 for row in rows.all("similar_events")}
    if alerts != wanted:
        yield f"alerts {dict(alerts)} of the clusters {sorted(wanted)}"


def _transfers(rows: Rows, visit_id: Any) -> list[Row]:
    """Return the ends of care after which a visit's person did not sit on here, while they were watched on it."""
    doses = rows.of("dose", "visit_id", visit_id)
    later = [row for one in _taken_over_by(rows, visit_id) for row in rows.of("dose", "visit_id", one)]
    ended = [row for event in _events_of_stay(rows, visit_id) for row in rows.of("care_over", "event_id", event["id"])]
    return [
        row
        for row in ended
        if row["care_end"] not in {"well_again", "declined"}
        and any(_seq(dose) < _seq(row) for dose in doses)
        and all(_seq(dose) > _seq(row) for dose in later)
    ]


def _events_of_stay(rows: Rows, visit_id: Any) -> list[Row]:
    return [event for one in _stay(rows, visit_id) for event in rows.of("adverse_event", "visit_id", one)]


def _due_at(rows: Rows, departure: Row) -> datetime:
    """When the observation was over, by the clock as it was set between the needle and the leaving."""
    watched = [row for row in rows.of("watch", "visit_id", departure["visit_id"]) if _seq(row) < _seq(departure)][-1]
    later = [row for row in rows.all("clock_turn") if _seq(watched) < _seq(row) < _seq(departure)]
    set_by = sum((row["to_at"] - row["from_at"] for row in later if row["kind"] == "set"), timedelta())
    due_at: datetime = watched["due_at"] + set_by
    return due_at


@invariant(33)
def nothing_is_given_while_the_site_is_not_open_and_safe(rows: Rows) -> Iterator[str]:
    for dose in rows.all("dose"):
        if PAUSES & _told(rows, dose):
            continue
        openings = [row for row in rows.all("opening") if _seq(row) < _seq(dose)]
        if not openings or dose["given_at"] >= openings[-1]["ends_at"]:
            yield f"dose {dose['id']} at a site that was not open"
            continue
        opening = openings[-1]
        if any(_seq(row) < _seq(dose) for row in rows.of("closing", "opening_id", opening["id"])):
            yield f"dose {dose['id']} at a site that had closed"
        said = {row["safeguard"]: row for row in rows.all("safeguard_statement") if _seq(row) < _seq(dose)}
        if len(said) < 4 or not all(row["stands"] for row in said.values()):
            yield f"dose {dose['id']} while a safeguard was gone"
        told = [row for row in rows.all("pauses_told") if _seq(row) < _seq(dose)]
        if told and told[-1]["lapses"] and not _turned_between(rows, told[-1], dose):
            yield f"dose {dose['id']} although it was told that injections pause: {told[-1]['lapses']}"


def _turned_between(rows: Rows, earlier: Row, later: Row) -> bool:
    """Tell whether the clock was turned: what was told by it before is told anew at the next look."""
    return any(_seq(earlier) < _seq(turn) < _seq(later) for turn in rows.all("clock_turn"))


@invariant(50)
def one_document_one_person(rows: Rows) -> Iterator[str]:
    numbers = Counter((row["kind"], row["issuing_country"], row["number_index"]) for row in rows.all("identifier"))
    yield from (f"{count} people of one document" for count in numbers.values() if count > 1)


def _latest_before(rows: Rows, person_id: Any, seq: int) -> Row:
    return [row for row in rows.of("demographics", "person_id", person_id) if _seq(row) < seq][-1]


def _before_dawn(rows: Rows, visit: Row) -> bool:
    """Tell whether the clinic day is still yesterday's: then ages are counted on yesterday."""
    return bool(visit["business_on"] != rows.day(visit["opened_at"]))


def altered(seen: Rows, now: Rows) -> list[str]:
    """Return the tables in which a record is no longer what it was when it was first read, or is gone (26)."""
    return [f"26: {table} has records altered or removed" for table in seen.tables if seen.all(table) != now.all(table)]
