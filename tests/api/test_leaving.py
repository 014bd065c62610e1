"""Leaving early with a signature, leaving on a nurse's word, and being gone: each is recorded as what it was."""

from collections.abc import Callable
from datetime import date
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from clinic_server.adverse_events.care.actions import call_team, end_call
from clinic_server.closing.lookup import day_facts
from clinic_server.kit.call import House
from clinic_server.kit.db import Database
from clinic_server.kit.errors import ClinicError
from clinic_server.kit.ids import Ids
from clinic_server.observation.actions import EarlyLeaving, leave, leave_early
from clinic_server.observation.handover.actions import take_over, write_note
from clinic_server.observation.handover.lookup import handover_list, list_context
from clinic_server.observation.handover.tables import handover_note, shift_taken_over
from clinic_server.observation.rules import EarlyReason, TimeUnproved
from clinic_server.observation.tables import departure, early_leave, early_leave_signature
from clinic_server.observation.unseen.actions import follow_up, note_left_unseen
from clinic_server.observation.unseen.lookup import count_not_reached
from clinic_server.observation.unseen.rules import FollowUp, ReachedBefore
from clinic_server.opening.actions import close_site
from clinic_server.people.signatures import Relationship, Signature, Signer, SignerMissing
from clinic_server.settings import SiteSettings
from clinic_server.staff.rules import Role
from clinic_server.visits.flow import Stage, StepOutOfOrder
from clinic_server.visits.steps import abandon
from clinic_server.visits.watch import watched
from tests.api.callers import AsRole
from tests.api.observed import an_observed
from tests.api.visitors import TODAY, a_colleague, a_visit, an_open_site, rows_in, signed_in
from tests.conftest import ManualClock

OWN = Signature(Signer.RECIPIENT, Relationship.SELF, paper_reason="pad broken")
MOTHER = Signature(Signer.GUARDIAN, Relationship.MOTHER, "王母", paper_reason="pad broken")
INSISTS = EarlyLeaving(EarlyReason.INSISTED, OWN)


def refused(db: Database, act: Callable[[Any], Any], actor: Any) -> ClinicError:
    """What was refused, having changed nothing."""
    before = rows_in(db)
    with pytest.raises(ClinicError) as said:
        db.write_now(act, actor)
    assert rows_in(db) == before
    return said.value


def test_an_early_leave_names_who_told_who_signed_and_the_minutes_short(db: Database, clock: ManualClock) -> None:
    nurse, visit_id = a_colleague(db, Role.OBSERVER), an_observed(db)
    clock.pass_time(minutes=12)
    assert db.write_now(lambda tx: leave_early(tx, visit_id, INSISTS), nurse) is Stage.LEFT_EARLY
    left, told, signed = (
        db.read_now(lambda c, t=table: c.execute(select(t)).one())
        for table in (departure, early_leave, early_leave_signature)
    )
    assert (left.minutes_short, left.reason, told.informed_by) == (18, EarlyReason.INSISTED, nurse.staff_id)
    assert (signed.signer, signed.departure_id) == (Signer.RECIPIENT, left.id)
    name = db.keyring.open(signed.name_sealed, f"early_leave_signature:name:{signed.id}")
    assert name == "王小明"


def test_nobody_leaves_early_without_the_signature_that_is_owed(db: Database) -> None:
    nurse, visit_id = a_colleague(db, Role.OBSERVER), an_observed(db)
    child = an_observed(db, born_on=date(2015, 1, 1), name="王小小")
    for who, leaving in ((visit_id, EarlyLeaving(EarlyReason.INSISTED)), (child, INSISTS)):
        said = refused(db, lambda tx, w=who, how=leaving: leave_early(tx, w, how), nurse)
        assert isinstance(said, SignerMissing)
    by_mother = EarlyLeaving(EarlyReason.EMERGENCY_ELSEWHERE, MOTHER)
    assert db.write_now(lambda tx: leave_early(tx, child, by_mother), nurse) is Stage.LEFT_EARLY
    to_hospital = EarlyLeaving(EarlyReason.TAKEN_TO_HOSPITAL)
    assert db.write_now(lambda tx: leave_early(tx, visit_id, to_hospital), nurse) is Stage.LEFT_EARLY


def test_time_that_nobody_can_prove_is_a_nurses_to_answer_for_with_a_reason(db: Database, clock: ManualClock) -> None:
    nurse, visit_id = a_colleague(db, Role.OBSERVER), an_observed(db)
    db.close()
    clock.start_machine_again(minutes=40)
    again = Database(db.url, site=db.site, keyring=db.keyring, clock=clock, ids=Ids(clock))
    with pytest.raises(TimeUnproved):
        again.write_now(lambda tx: leave(tx, visit_id, "  "), nurse)
    said = "sat here the whole time, well"
    assert again.write_now(lambda tx: leave(tx, visit_id, said), nurse) is Stage.COMPLETED
    again.close()


def test_whoever_is_gone_is_not_completed_and_is_followed_up_until_reached(db: Database, clock: ManualClock) -> None:
    nurse, visit_id = a_colleague(db, Role.OBSERVER), an_observed(db)
    clock.pass_time(minutes=10)
    assert db.write_now(lambda tx: note_left_unseen(tx, visit_id, "chair empty"), nurse) is Stage.LEFT_UNSEEN
    assert db.read_now(watched) == []
    (gone,) = db.read_now(lambda c: handover_list(c, db.keyring)).gone
    assert (gone.unseen.minutes_short, gone.unseen.words, gone.person.name) == (20, "chair empty", "王小明")
    db.write_now(lambda tx: follow_up(tx, visit_id, FollowUp.NOT_REACHED, "no answer"), nurse)
    assert db.read_now(lambda c: count_not_reached(c, TODAY)) == 1
    db.write_now(lambda tx: follow_up(tx, visit_id, FollowUp.REACHED_WELL), nurse)
    assert db.read_now(lambda c: handover_list(c, db.keyring)).gone == []
    assert db.read_now(lambda c: count_not_reached(c, TODAY)) == 0
    again = refused(db, lambda tx: follow_up(tx, visit_id, FollowUp.NOT_REACHED), nurse)
    assert isinstance(again, ReachedBefore)
    assert isinstance(refused(db, lambda tx: note_left_unseen(tx, visit_id), nurse), StepOutOfOrder)
    assert isinstance(refused(db, lambda tx: leave(tx, visit_id), nurse), StepOutOfOrder)


def test_nobody_is_gone_who_had_no_dose_and_the_day_counts_who_is_being_helped(db: Database) -> None:
    nurse = signed_in(db, a_colleague(db, Role.OBSERVER))
    waiting = a_visit(db)
    an_observed(db)
    db.write_now(lambda tx: call_team(tx, waiting), nurse)
    assert refused(db, lambda tx: note_left_unseen(tx, waiting), nurse).code == "step_out_of_order"
    facts = db.read_now(lambda c: day_facts(c, SiteSettings(), TODAY))
    assert (facts.under_care, facts.observed, facts.left_unseen) == (1, 1, 0)


def test_the_site_stays_open_while_anybody_is_watched_or_helped(db: Database, clock: ManualClock) -> None:
    lead, nurse, visit_id = an_open_site(db), signed_in(db, a_colleague(db, Role.OBSERVER)), an_observed(db)
    assert refused(db, close_site, lead).code == "still_observing"
    db.write_now(lambda tx: note_left_unseen(tx, visit_id), nurse)
    fainted = a_visit(db)
    db.write_now(lambda tx: call_team(tx, fainted), nurse)
    assert refused(db, close_site, lead).code == "still_helping"
    db.write_now(lambda tx: end_call(tx, fainted, "fainted at the sight of the needle"), nurse)
    db.write_now(lambda tx: abandon(tx, fainted), nurse)
    clock.pass_time(minutes=1)
    assert db.write_now(close_site, lead).business_on == TODAY
    assert db.read_now(lambda c: day_facts(c, SiteSettings(), TODAY)).left_unseen == 1


def test_a_shift_is_taken_over_by_name_with_everybody_as_they_stood(db: Database, clock: ManualClock) -> None:
    nurse, next_nurse = a_colleague(db, Role.OBSERVER), a_colleague(db, Role.OBSERVER)
    sitting, gone = an_observed(db), an_observed(db)
    clock.pass_time(minutes=10)
    db.write_now(lambda tx: note_left_unseen(tx, gone), nurse)
    db.write_now(lambda tx: write_note(tx, sitting, "pale, wants water"), nurse)
    db.write_now(lambda tx: write_note(tx, None, "seat a3 wobbles"), nurse)
    taken = db.write_now(take_over, next_nurse)
    assert (taken.by, taken.people) == (next_nurse.staff_id, 2)
    row = db.read_now(lambda c: c.execute(select(shift_taken_over)).one())
    kept = msgspec.json.decode(db.keyring.open(row.list_sealed, list_context(row.id)))
    assert [(one["visit_id"], one["minutes_left"], one["has_left_unseen"]) for one in kept] == [
        (str(sitting), 20, False),
        (str(gone), 20, True),
    ]
    listed = db.read_now(lambda c: handover_list(c, db.keyring))
    assert [note.words for note in (*listed.notes_of(sitting), *listed.notes_of(None))] == [
        "pale, wants water",
        "seat a3 wobbles",
    ]
    stored = db.read_now(lambda c: c.execute(select(handover_note.c.words_sealed)).scalars().all())
    assert not any(b"pale" in words or b"wobbles" in words for words in stored)
    assert refused(db, lambda tx: write_note(tx, None, " "), nurse).code == "note_empty"


async def test_the_pages_take_what_the_actions_take(as_role: AsRole, house: House, clock: ManualClock) -> None:
    nurse = await as_role(Role.OBSERVER)
    insists, gone = an_observed(house.db), an_observed(house.db, name="李娜")
    clock.pass_time(minutes=5)
    form = {"reason": "insisted", "signer": "recipient", "relationship": "self", "paper_reason": "pad broken"}
    assert (await nurse.post(f"/visits/{insists}/early-leave", data={"reason": "insisted"})).status_code == 422
    assert (await nurse.post(f"/visits/{insists}/early-leave", data=form)).status_code == 303
    record = (await nurse.get(f"/visits/{insists}/observation")).text
    assert "25 min short" in record
    assert "told by Staff" in record
    assert (await nurse.post(f"/visits/{gone}/left-unseen", data={"words": "CANARY"})).status_code == 303
    listed = await nurse.get("/observation/handover")
    assert (listed.status_code, "李娜" in listed.text, "CANARY" in listed.text) == (200, True, True)
    assert (await nurse.post(f"/visits/{gone}/follow-ups", data={"outcome": "not_reached"})).status_code == 303
    half = {"outcome": "reached_unwell", "began_on": TODAY.isoformat(), "began_at": ""}
    assert (await nurse.post(f"/visits/{gone}/follow-ups", data=half)).status_code == 400
    assert (await nurse.post(f"/visits/{gone}/follow-ups", data={"outcome": "reached_well"})).status_code == 303
    assert "李娜" not in (await nurse.get("/observation/handover/now")).text
    assert (await nurse.post("/observation/handover")).status_code == 303
    assert "Taken over last by Staff" in (await nurse.get("/observation/handover/now")).text
    note = {"visit_id": str(gone), "words": "called twice"}
    assert (await nurse.post("/observation/handover/notes", data=note)).status_code == 303
    record = (await nurse.get(f"/visits/{gone}/observation")).text
    assert ("called twice" in record, record.count("Left unseen")) == (True, 1)
    assert f'href="/visits/{gone}/certificate"' in record
    registrar = await as_role(Role.REGISTRAR)
    for path in ("/observation/handover", "/api/v1/left-unseen", "/api/v1/observation/handover"):
        assert (await registrar.get(path)).status_code == 403
