"""Calling the team, writing the log, ending the care."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import select

from clinic_server.adverse_events.actions import end_care, file_event, suspects_of_visit
from clinic_server.adverse_events.care import drug_tables, protocols, symptoms
from clinic_server.adverse_events.care.anaphylaxis import was_severe
from clinic_server.adverse_events.care.drugs import findings_about
from clinic_server.adverse_events.care.lookup import (
    call_of_visit,
    call_over_context,
    ending_context,
    latest_vitals,
    log_of,
    reason_context,
    said_context,
    standing_calls,
    weight_of,
)
from clinic_server.adverse_events.care.rules import (
    CARE,
    CareEntryStruck,
    CareEntryUnknown,
    CareInFuture,
    DrugDoubted,
    DrugGiven,
    EmergencyCallUnknown,
    Ending,
    NothingSaid,
    NotYetWell,
    ReasonNeeded,
    Said,
    Symptoms,
    SymptomUnknown,
    Vitals,
    call_of,
    kind_of,
    refuse_unnamed,
    refuse_unsaid,
    that_count,
)
from clinic_server.adverse_events.care.tables import (
    CareEnding,
    CareLine,
    CareLineStruck,
    EmergencyCall,
    EmergencyCallOver,
    KitShortfall,
    care_line,
    care_line_struck,
    emergency_call,
)
from clinic_server.adverse_events.care.vitals import findings_of, is_low, keeps_from_release
from clinic_server.adverse_events.lookup import event_by_number, under_care
from clinic_server.adverse_events.rules import (
    ADVERSE_EVENTS,
    CareEnd,
    EventClosed,
    EventFacts,
    EventRef,
    FoundHow,
    NewEvent,
)
from clinic_server.adverse_events.similar.actions import gather
from clinic_server.alerts.calling import call_at_once
from clinic_server.alerts.raising import raise_alarm, recover
from clinic_server.alerts.rules import Alarm, AlertKind, Severity
from clinic_server.kit.tx import Tx
from clinic_server.opening.emergency_kit.actions import use_kit_item
from clinic_server.opening.emergency_kit.lookup import standing_kit
from clinic_server.people.lookup import birth_facts
from clinic_server.people.rules import age_in_months
from clinic_server.staff.actions import require_signed_in, stations
from clinic_server.staff.rules import StationKind
from clinic_server.visits.baseline import baseline_of
from clinic_server.visits.chain import visit_that_counts
from clinic_server.visits.flow import Outcome, Stage
from clinic_server.visits.further import end_further_visit
from clinic_server.visits.lookup import Standing, standing
from clinic_server.visits.steps import VISITS, stage_of, take_step
from clinic_server.visits.watch import start_watch


@dataclass(frozen=True, slots=True)
class TeamCalled:
    """The team is on its way; ``number`` is the file's, None where no dose was given that it could follow."""

    visit_id: UUID
    number: int | None


@dataclass(frozen=True, slots=True)
class LineRef:
    """Which line of which event's log."""

    number: int
    line_id: UUID


@dataclass(frozen=True, slots=True)
class NewEntry:
    """What happened, when if not now, and what of the emergency kit it took."""

    said: Said
    happened_at: datetime | None = None
    kit_item_id: UUID | None = None


def call_team(tx: Tx, visit_id: UUID, seat_code: str = "") -> TeamCalled:
    """Open the file of a reaction and page the team, all at once; called already, nothing happens twice.

    Whoever is watched and waits for a further vaccine is called to on the visit that watches them; the other ends.
    """
    called_by, visit_id = require_signed_in(tx), visit_that_counts(tx.connection, visit_id)
    visit = standing(tx.connection, visit_id)
    dose_ids = suspects_of_visit(tx, visit)
    called = call_of_visit(tx.connection, visit_id)
    if called is not None and (called.number is not None or not dose_ids):
        return TeamCalled(visit_id, called.number)
    event = _event(tx, visit, dose_ids, seat_code)
    call_id, place_code = tx.new_id(), seat_code or tx.actor.station or ""
    told = call_of(visit.ticket_number, place_code, is_seat=bool(seat_code))
    alert_id = raise_alarm(tx, Alarm(AlertKind.ADVERSE_EVENT, Severity.CRITICAL, told, place_code, call_id))
    tx.append(
        EmergencyCall,
        id=call_id,
        visit_id=visit_id,
        event_id=event.event_id if event else None,
        place_code=place_code,
        alert_id=alert_id,
        called_by=called_by,
        called_at=tx.now,
    )
    end_further_visit(tx, visit_id)
    call_at_once(tx, alert_id)
    tx.journal("team_called", call_id, CARE, ADVERSE_EVENTS, VISITS)
    return TeamCalled(visit_id, event.number if event else None)


def end_call(tx: Tx, visit_id: UUID, words: str) -> TeamCalled:
    """Say what a call without a dose was about, and that the team has gone."""
    ended_by, called = require_signed_in(tx), call_of_visit(tx.connection, visit_id)
    if called is None or called.number is not None:
        raise EmergencyCallUnknown
    if not words.strip():
        raise NothingSaid
    sealed = tx.keyring.seal(words.strip(), call_over_context(called.call_id))
    tx.append(EmergencyCallOver, call_id=called.call_id, words_sealed=sealed, ended_by=ended_by, ended_at=tx.now)
    _stand_down(tx, called.place_code)
    tx.journal("emergency_call_over", called.call_id, CARE, VISITS)
    return TeamCalled(visit_id, None)


def write_line(tx: Tx, number: int, new: NewEntry) -> LineRef:
    """Write a line into an event's log, during the care or after it; refused where it cannot be meant."""
    entered_by, event = require_signed_in(tx), _open_event(tx, number)
    happened_at = new.happened_at or tx.now
    if happened_at > tx.now:
        raise CareInFuture
    refuse_unsaid(new.said)
    said, line_id = _as_referred(tx, event, new.said), tx.new_id()
    tx.append(
        CareLine,
        id=line_id,
        event_id=event.event_id,
        kind=kind_of(said),
        said_sealed=tx.keyring.seal(msgspec.json.encode(said).decode(), said_context(line_id)),
        happened_at=happened_at,
        entered_by=entered_by,
        entered_at=tx.now,
    )
    if new.kit_item_id is not None:
        _use(tx, event, new.kit_item_id)
    if isinstance(said, Symptoms):
        gather(tx, event.event_id)
    tx.journal("care_line_written", line_id, CARE)
    return LineRef(number, line_id)


def strike_line(tx: Tx, number: int, line_id: UUID, reason: str) -> LineRef:
    """Strike a wrong line out; it stays to be read, and counts no more."""
    struck_by, event = require_signed_in(tx), _open_event(tx, number)
    if not reason.strip():
        raise ReasonNeeded
    found = select(care_line_struck.c.id).outerjoin_from(
        care_line, care_line_struck, care_line_struck.c.line_id == care_line.c.id
    )
    row = tx.execute(found.where(care_line.c.id == line_id, care_line.c.event_id == event.event_id)).first()
    if row is None:
        raise CareEntryUnknown
    if row.id is not None:
        raise CareEntryStruck
    sealed = tx.keyring.seal(reason.strip(), reason_context(line_id))
    tx.append(CareLineStruck, line_id=line_id, reason_sealed=sealed, struck_by=struck_by, struck_at=tx.now)
    tx.journal("care_line_struck", line_id, CARE)
    return LineRef(number, line_id)


def end(tx: Tx, number: int, ending: Ending) -> EventRef:
    """End the care on site: the file goes on, the team is called off, and the visit goes where its person does."""
    require_signed_in(tx)
    refuse_unnamed(ending)
    event = event_by_number(tx.connection, number)
    watched_on = _minutes_on(tx, event) if ending.how is CareEnd.WELL_AGAIN else None
    ref, ending_id = end_care(tx, event.event_id, ending.how), tx.new_id()
    sealed = tx.keyring.seal(msgspec.json.encode(ending).decode(), ending_context(ending_id))
    tx.append(CareEnding, id=ending_id, event_id=event.event_id, ending_sealed=sealed)
    visit_id = visit_that_counts(tx.connection, event.visit_id) if event.visit_id else None
    if visit_id is not None and stage_of(tx, visit_id) is Stage.OBSERVED:
        if watched_on is not None:
            start_watch(tx, visit_id, tx.now, watched_on)
        elif ending.how is not CareEnd.DECLINED:
            take_step(tx, visit_id, Outcome.TRANSFERRED, ending_id)
    _stand_down(tx, event.seat_code)
    tx.journal("care_ended", event.event_id, CARE, ADVERSE_EVENTS, VISITS)
    return ref


def _event(tx: Tx, visit: Standing, dose_ids: Sequence[UUID], seat_code: str) -> EventRef | None:
    cared_for = under_care(tx.connection, visit.visit_id)
    if cared_for is not None:
        return EventRef(cared_for.event_id, cared_for.number)
    if not dose_ids:
        return None
    new = NewEvent(
        person_id=visit.person_id,
        visit_id=visit.visit_id,
        found_how=_found_how(tx, seat_code),
        discovered_at=tx.now,
        onset_at=tx.now,
        dose_ids=dose_ids,
        seat_code=seat_code or tx.actor.station or "",
    )
    return file_event(tx, new)


def _found_how(tx: Tx, seat_code: str) -> FoundHow:
    benches = {one.code for one in stations(tx.connection) if one.kind is StationKind.INJECTION}
    return FoundHow.BENCH if not seat_code and tx.actor.station in benches else FoundHow.SEAT


def _open_event(tx: Tx, number: int) -> EventFacts:
    event = event_by_number(tx.connection, number)
    if event.closed_at is not None:
        raise EventClosed
    return event


def _as_referred(tx: Tx, event: EventFacts, said: Said) -> Said:
    """Return a line with the list or table it refers to, or raise what that says against it."""
    if isinstance(said, Symptoms):
        known = symptoms.shipped()
        if set(said.codes) - set(known.by_code):
            raise SymptomUnknown
        return replace(said, list_name=known.name)
    if isinstance(said, DrugGiven):
        table = drug_tables.shipped()
        said = replace(said, drug=table.code_named(said.drug))
        weight_g = weight_of(log_of(tx.connection, tx.keyring, event.event_id))
        doubts = findings_about(said, table, _age_months(tx, event), weight_g)
        if doubts and not said.reason.strip():
            raise DrugDoubted(findings=doubts)
        return replace(said, table_name=table.name, findings=doubts)
    return said


def _use(tx: Tx, event: EventFacts, kit_item_id: UUID) -> None:
    """Take a piece out of the kit; what there is no more of is told as a shortfall."""
    thing = use_kit_item(tx, kit_item_id, 1, event.event_id)
    if not any(one.thing is thing and not one.has_expired(tx.local_date) for one in standing_kit(tx.connection)):
        tx.append(KitShortfall, event_id=event.event_id, thing=thing, found_at=tx.now)


def _minutes_on(tx: Tx, event: EventFacts) -> int:
    """Return how long somebody who is well again is watched on, or raise NotYetWell."""
    entries = log_of(tx.connection, tx.keyring, event.event_id)
    protocol, age_months = protocols.shipped(), _age_months(tx, event)
    before = baseline_of(tx.connection, tx.keyring, event.visit_id).systolic_mmhg if event.visit_id else None
    wrong = keeps_from_release(latest_vitals(entries), before, age_months, protocol)
    if wrong:
        raise NotYetWell(findings=wrong)
    said = [one.said for one in that_count(entries)]
    had_low_pressure = any(
        is_low(findings_of(one, before, age_months, protocol)) for one in said if isinstance(one, Vitals)
    )
    is_severe = was_severe(said, had_low_pressure=had_low_pressure)
    return protocol.watched_on_after_severe_min if is_severe else protocol.watched_on_min


def _age_months(tx: Tx, event: EventFacts) -> int:
    return age_in_months(birth_facts(tx.connection, event.person_id).born_on, tx.local_date)


def _stand_down(tx: Tx, place_code: str) -> None:
    """Call the team off, unless somebody else is being helped at the same place."""
    if not standing_calls(tx.connection, emergency_call.c.place_code == place_code):
        recover(tx, AlertKind.ADVERSE_EVENT, place_code)
