"""Everything the players do to the server: one request each, with the name the journal should give it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

_PNG = (  # one white pixel
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAsTj2FAAAAABJRU5ErkJggg=="
)
_SAFEGUARDS = {
    "emergency_staff": ("hospital", "person", "phone"),
    "emergency_equipment": ("equipment", "person"),
    "ambulance": ("vehicle_plate", "person", "phone"),
    "green_channel": ("hospital", "phone"),
}
_STROKES = [[{"x": 10, "y": 20}, {"x": 60, "y": 45}, {"x": 110, "y": 18}]]


@dataclass(frozen=True, slots=True)
class Deed:
    """One write. The journal names it by its visit, or by the field of the answer that ``ref_field`` names.

    ``step`` is the step the visit takes by it; ``bears`` are the codes of refusals that are part of the play.
    """

    path: str
    kind: str
    body: Mapping[str, Any] | None = field(default=None, repr=False)
    visit_id: str = ""
    ref_field: str = ""
    step: str | None = None
    bears: frozenset[str] = frozenset()
    trace_code: str = ""


def check_in_delivered(delivery_id: str) -> Deed:
    """Check in whoever's card lies on the reader."""
    return _check_in({"delivery_id": delivery_id}, "card_perished")


def check_in_typed(typed: Mapping[str, str]) -> Deed:
    """Check in somebody whose document is typed."""
    return _check_in(typed)


def answer_questions(visit_id: str, answers: Mapping[str, str], measured: Mapping[str, int]) -> Deed:
    """Answer the questions."""
    body = {"answers": answers, **measured}
    return _on(visit_id, "screening", "questions_answered", body, ref_field="screening_id", step="answered")


def decide(visit_id: str, decision: Mapping[str, str]) -> Deed:
    """Decide about a dose."""
    return _on(visit_id, "decision", "decision_made", decision, ref_field="decision_id", step=decision["outcome"])


def consent(visit_id: str, sheet: Mapping[str, Any], signatures: Sequence[Mapping[str, Any]]) -> Deed:
    """Sign what was read."""
    told = {name: sheet[name] for name in ("decision_id", "text_language", "text_version", "informed")}
    note = "已说明医师意见" if sheet["is_against_advice"] else ""
    body = {**told, "signatures": signatures, "advice_note": note}
    bears = frozenset({"order_not_standing"})
    return _on(visit_id, "consent", "consent_signed", body, ref_field="consent_id", step="consented", bears=bears)


def signature(signer: str, relationship: str, name: str = "") -> Mapping[str, Any]:
    """Return a signature drawn with a pen."""
    return {"signer": signer, "relationship": relationship, "name": name, "image": _PNG, "strokes": _STROKES}


def refuse(visit_id: str, refused_by: str, reason: str) -> Deed:
    """Refuse the dose."""
    body = {"refused_by": refused_by, "reason": reason}
    return _on(visit_id, "refusal", "dose_refused", body, ref_field="refusal_id", step="refused")


def withdraw(visit_id: str, consent_id: str, withdrawn_by: str, reason: str) -> Deed:
    """Take a consent back."""
    body = {"consent_id": consent_id, "withdrawn_by": withdrawn_by, "reason": reason}
    kind = "consent_withdrawn"
    return _on(visit_id, "consent/withdrawal", kind, body, ref_field="record_id", step=kind)


def call_to_bench(visit_id: str) -> Deed:
    """Call a ticket."""
    return _on(visit_id, "call", "visit_called")


def call_next(stage: str) -> Deed:
    """Call whoever is first in line to the actor's own station."""
    bears = frozenset({"nobody_waiting", "station_busy"})
    return Deed("/api/v1/queue/next", "visit_called", {"stage": stage}, bears=bears)


def ask_for_permit(visit_id: str, trace_code: str, check_list: Mapping[str, Any]) -> Deed:
    """Ask whether the unit in the hand may be given, everything on the check list confirmed."""
    body = {"trace_code": trace_code, "check_list": check_list["edition"], "confirmed": check_list["confirmations"]}
    bears = frozenset({"permit_refused"})
    return _on(visit_id, "permits", "permit_granted", body, bears=bears, trace_code=trace_code)


def give_dose(visit_id: str, permit_id: str, body_site: str, trace_code: str) -> Deed:
    """Give the dose that was permitted."""
    body = {"permit_id": permit_id, "body_site": body_site}
    bears = frozenset({"permit_expired", "permit_refused"})
    return Deed("/api/v1/doses", "dose_given", body, visit_id, "dose_id", "dose_given", bears, trace_code)


def send_back(visit_id: str, reason: str) -> Deed:
    """Send somebody back to the questions."""
    return _on(visit_id, "sent-back", "person_sent_back", {"reason": reason}, step="sent_back")


def arrive(visit_id: str, seat_code: str | None) -> Deed:
    """Come to a seat, or stand."""
    return _on(visit_id, "placements", "person_arrived", {"seat_code": seat_code}, bears=frozenset({"seat_taken"}))


def leave(visit_id: str) -> Deed:
    """Leave at the end."""
    bears = frozenset({"too_early", "check_due", "still_under_care"})
    return _on(visit_id, "leave", "person_left", step="left", bears=bears)


def check(visit_id: str) -> Deed:
    """Look at somebody who is at risk, and find them well."""
    vitals = {"pulse_per_min": 100, "systolic_mmhg": 128, "diastolic_mmhg": 80, "spo2_percent": 98}
    body = {"vitals": {**vitals, "milli_celsius": 36_600, "consciousness": "alert"}, "how": "well"}
    return _on(visit_id, "checks", "person_checked", body, ref_field="check_id")


def leave_early(visit_id: str) -> Deed:
    """Leave before the end."""
    body = {
        "reason": "insisted",
        "signature": {"signer": "recipient", "relationship": "self", "paper_reason": "已签在纸上"},
    }
    return _on(visit_id, "early-leave", "person_left_early", body, step="left_early", bears=frozenset({"not_early"}))


def call_team(visit_id: str, seat_code: str) -> Deed:
    """Call the emergency team to a seat."""
    return _on(visit_id, "reaction", "team_called", {"seat_code": seat_code})


def write_care(number: int, kind: str, said: Mapping[str, Any]) -> Deed:
    """Write a line into the log of the care."""
    return _of_event(number, f"care/{kind}", "care_line_written", {"said": said}, ref_field="line_id")


def end_care(visit_id: str, number: int, *, is_transferred: bool) -> Deed:
    """End the care: the person is well again, or taken to hospital."""
    body = {"how": "transferred", "hospital": "演示县人民医院"} if is_transferred else {"how": "well_again"}
    step = "transferred" if is_transferred else None
    return _of_event(number, "care/end", "care_ended", body, visit_id=visit_id, ref_field="event_id", step=step)


def say_class(number: int, kind: str, seriousness: Sequence[str]) -> Deed:
    """Say what an event is."""
    body = {"kind": kind, "seriousness": seriousness}
    return _of_event(number, "class", "event_classed", body, ref_field="event_id")


def file_card(number: int, card: Mapping[str, Any]) -> Deed:
    """Report an event by its card."""
    return _of_event(number, "card", "report_card_filed", {"card": card})


def abandon(visit_id: str) -> Deed:
    """Close the visit of somebody who went away."""
    return _on(visit_id, "abandonment", "visit_abandoned", step="abandoned")


def begin_delivery(number: str, lot: Mapping[str, Any], arrived_at: datetime) -> Deed:
    """Begin to receive a lot that was kept cold on the way."""
    about = {"supplier": "演示配送", "document_number": number, "carrier": "演示冷藏车", "place_code": "fridge-1"}
    record = {
        "kind": "logger_print",
        "reference": number,
        "departed_at": (arrived_at - timedelta(hours=2)).isoformat(),
        "arrived_at": arrived_at.isoformat(),
        "low_milli_celsius": 3_100,
        "high_milli_celsius": 5_600,
    }
    body = {**about, "record": record, "lines": [lot]}
    return Deed("/api/v1/deliveries", "delivery_begun", body, ref_field="delivery_id")


def scan_delivery(delivery_id: str, line_id: str, trace_codes: Sequence[str]) -> Deed:
    """Scan what a delivery brought."""
    body = {"line_id": line_id, "codes": trace_codes}
    return Deed(f"/api/v1/deliveries/{delivery_id}/scans", "delivery_scanned", body, ref_field="delivery_id")


def finish_delivery(delivery_id: str) -> Deed:
    """Take into stock what a delivery brought."""
    return Deed(f"/api/v1/deliveries/{delivery_id}/finish", "delivery_finished", {}, ref_field="delivery_id")


def fetch_units(station: str, trace_codes: Sequence[str]) -> Deed:
    """Bring units from the fridge into the box of a bench."""
    body = {"to_place": f"{station}-box", "trace_codes": trace_codes, "reason": "rehearsal"}
    return Deed("/api/v1/transfers", "units_moved", body, ref_field="movement_id", bears=frozenset({"unit_not_here"}))


def open_site() -> Deed:
    """Open the site with names made up."""
    named = {safeguard: dict.fromkeys(asked, "演示") for safeguard, asked in _SAFEGUARDS.items()}
    bears = frozenset({"not_ready_to_open", "site_already_open"})
    body = {"variant": "adult", "named": named, "unclosed_reason": "rehearsal"}
    return Deed("/api/v1/openings", "site_opened", body, ref_field="opening_id", bears=bears)


def _check_in(body: Mapping[str, str], *bears: str) -> Deed:
    borne = frozenset({"visit_already_open", *bears})
    return Deed("/api/v1/visits", "checked_in", body, ref_field="visit_id", step="checked_in", bears=borne)


def _of_event(number: int, act: str, kind: str, body: Mapping[str, Any], **more: Any) -> Deed:
    return Deed(f"/api/v1/adverse-events/{number}/{act}", kind, body, **more)


def _on(visit_id: str, act: str, kind: str, body: Mapping[str, Any] | None = None, **more: Any) -> Deed:
    return Deed(f"/api/v1/visits/{visit_id}/{act}", kind, body, visit_id, **more)
