"""Questions and decisions as recorded."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text

from clinic_server.kit.access import Actor
from clinic_server.kit.db import Database
from clinic_server.kit.errors import NotFound
from clinic_server.kit.idempotency import Answer as FirstAnswer
from clinic_server.kit.idempotency import RequestKey, once
from clinic_server.kit.journal import journal, verify
from clinic_server.people.documents import Sex
from clinic_server.screening import rule_sets
from clinic_server.screening.actions import Decided, decide, latest_screening, record_screening, replayed
from clinic_server.screening.rules import (
    Advice,
    Answer,
    AnswersIncomplete,
    DecisionOutcome,
    Measurements,
    Proposal,
    ReasonMissing,
    ScreeningChanged,
    ScreeningUnknown,
    StoredRound,
    replay,
)
from clinic_server.screening.tables import decision
from clinic_server.settings import SiteSettings
from clinic_server.staff.rules import QualificationKind, QualificationMissing, Role
from clinic_server.stock.rules import ProductUnknown
from clinic_server.visits.flow import Stage, StepOutOfOrder
from clinic_server.visits.lookup import history, standing
from clinic_server.visits.orders import Order, standing_order
from tests.api.visitors import (
    PRODUCT,
    SYSTEM,
    a_colleague,
    a_physician,
    a_product,
    a_screening,
    a_visit,
    answers,
    rows_in,
)
from tests.conftest import ManualClock

SITE = SiteSettings()
RECOMMENDED = Proposal(DecisionOutcome.RECOMMENDED, PRODUCT)
REASON = "canary-reason"


def decided(db: Database, visit_id: UUID, screening_id: UUID, proposal: Proposal, by: Actor) -> Decided:
    return db.write_now(lambda tx: decide(tx, SITE, visit_id, screening_id, proposal), by)


def stage_of(db: Database, visit_id: UUID) -> Stage:
    return db.read_now(lambda connection: standing(connection, visit_id).stage)


def order_of(db: Database, visit_id: UUID) -> Order | None:
    return db.read_now(lambda connection: standing_order(connection, visit_id))


def test_answers_move_the_visit_to_the_physician(db: Database) -> None:
    visit_id = a_visit(db)
    screening_id = a_screening(db, visit_id)
    steps = db.read_now(lambda connection: history(connection, visit_id))
    assert (steps[-1].stage, steps[-1].record_id) == (Stage.WAITING_FOR_DECISION, screening_id)


def test_answers_come_back_as_they_were_given_with_what_was_found(db: Database) -> None:
    visit_id = a_visit(db, sex=Sex.FEMALE)
    given = answers(db, visit_id, pregnancy=Answer.DONT_KNOW)
    measured = Measurements(36_600, 165, 90)
    db.write_now(lambda tx: record_screening(tx, visit_id, given, measured), SYSTEM)
    seen = db.read_now(lambda connection: latest_screening(connection, db.keyring, visit_id))
    assert (seen.given.answers, seen.given.measurements, seen.advice) == (given, measured, Advice.DEFER)
    assert {finding.code: finding.weight for finding in seen.findings} == {
        "pregnancy": "unclear",
        "blood_pressure_high": "deferral",
    }


def test_a_stored_round_judged_again_by_its_own_set_finds_the_same(db: Database) -> None:
    visit_id = a_visit(db, sex=Sex.FEMALE)
    a_screening(db, visit_id, pregnancy=Answer.YES, neurological_disease=Answer.DONT_KNOW)
    seen = db.read_now(lambda connection: latest_screening(connection, db.keyring, visit_id))
    stored = StoredRound(seen.rule_set_code, seen.rule_set_version, seen.given, seen.findings)
    assert replay(rule_sets.shipped(), stored) == seen.findings
    assert db.read_now(lambda connection: replayed(connection, db.keyring, seen.screening_id))


def test_missing_answers_are_refused_and_nothing_is_written(db: Database) -> None:
    visit_id = a_visit(db)
    given = answers(db, visit_id)
    del given["vaccine_allergy"]
    before = rows_in(db)
    with pytest.raises(AnswersIncomplete):
        db.write_now(lambda tx: record_screening(tx, visit_id, given, Measurements()), SYSTEM)
    assert (rows_in(db), stage_of(db, visit_id)) == (before, Stage.WAITING_FOR_SCREENING)


def test_a_recommendation_orders_the_product_for_this_clinic_day(db: Database) -> None:
    visit_id, physician = a_visit(db), a_physician(db)
    a_product(db)
    made = decided(db, visit_id, a_screening(db, visit_id), RECOMMENDED, physician)
    order = order_of(db, visit_id)
    assert order is not None
    assert (order.decision_id, order.product_code, order.decided_by) == (made.decision_id, PRODUCT, physician.staff_id)
    assert order.consent_id is None
    assert order.valid_until.isoformat() == "2026-03-02T20:00:00+00:00"  # 04:00 in Shanghai ends the clinic day
    assert made.stage is stage_of(db, visit_id) is Stage.WAITING_FOR_CONSENT


@pytest.mark.parametrize(
    ("proposal", "stage"),
    [
        (Proposal(DecisionOutcome.DEFERRED, None, REASON, date(2026, 3, 9)), Stage.DEFERRED),
        (Proposal(DecisionOutcome.UNSUITABLE, None, REASON), Stage.UNSUITABLE),
    ],
)
def test_who_is_not_vaccinated_leaves_with_no_order(db: Database, proposal: Proposal, stage: Stage) -> None:
    visit_id = a_visit(db)
    made = decided(db, visit_id, a_screening(db, visit_id), proposal, a_physician(db))
    assert (made.stage, order_of(db, visit_id)) == (stage, None)


def test_answers_given_again_void_the_decision(db: Database) -> None:
    visit_id, physician = a_visit(db), a_physician(db)
    a_product(db)
    decided(db, visit_id, a_screening(db, visit_id), RECOMMENDED, physician)
    again = a_screening(db, visit_id)
    assert (order_of(db, visit_id), stage_of(db, visit_id)) == (None, Stage.WAITING_FOR_DECISION)
    second = decided(db, visit_id, again, RECOMMENDED, physician)
    order = order_of(db, visit_id)
    assert order is not None
    assert order.decision_id == second.decision_id


def test_a_decision_over_earlier_answers_is_refused(db: Database) -> None:
    visit_id, physician = a_visit(db), a_physician(db)
    a_product(db)
    seen = a_screening(db, visit_id)
    a_screening(db, visit_id, acute_illness=Answer.YES)
    before = rows_in(db)
    with pytest.raises(ScreeningChanged):
        decided(db, visit_id, seen, RECOMMENDED, physician)
    assert (rows_in(db), stage_of(db, visit_id)) == (before, Stage.WAITING_FOR_DECISION)


def test_a_decision_over_somebody_elses_answers_is_refused(db: Database) -> None:
    a_product(db)
    visit_id, other = a_visit(db), a_visit(db)
    a_screening(db, visit_id)
    with pytest.raises(ScreeningChanged):
        decided(db, visit_id, a_screening(db, other), RECOMMENDED, a_physician(db))


@pytest.mark.parametrize("qualification", [None, QualificationKind.VACCINATOR])
def test_a_physician_without_a_valid_certificate_decides_nothing(
    db: Database, qualification: QualificationKind | None
) -> None:
    a_product(db)
    visit_id, unqualified = a_visit(db), a_colleague(db, Role.PHYSICIAN, qualification)
    screening_id = a_screening(db, visit_id)
    before = rows_in(db)
    with pytest.raises(QualificationMissing):
        decided(db, visit_id, screening_id, RECOMMENDED, unqualified)
    assert (rows_in(db), stage_of(db, visit_id)) == (before, Stage.WAITING_FOR_DECISION)


def test_a_certificate_that_ran_out_this_morning_decides_nothing(db: Database, clock: ManualClock) -> None:
    a_product(db)
    visit_id, physician = a_visit(db), a_physician(db)
    screening_id = a_screening(db, visit_id)
    clock.pass_time(days=305)  # the certificate's last day is 31 December
    with pytest.raises(QualificationMissing):
        decided(db, visit_id, screening_id, RECOMMENDED, physician)


def test_deciding_before_asking_is_refused(db: Database) -> None:
    a_product(db)
    visit_id, physician = a_visit(db), a_physician(db)
    before = rows_in(db)
    with pytest.raises(StepOutOfOrder):
        decided(db, visit_id, visit_id, RECOMMENDED, physician)
    assert rows_in(db) == before


def test_asking_again_after_the_visit_ended_is_refused(db: Database) -> None:
    visit_id = a_visit(db)
    screening_id = a_screening(db, visit_id, pregnancy=Answer.NO, vaccine_allergy=Answer.YES)
    decided(db, visit_id, screening_id, Proposal(DecisionOutcome.UNSUITABLE), a_physician(db))
    before = rows_in(db)
    with pytest.raises(StepOutOfOrder):
        db.write_now(lambda tx: record_screening(tx, visit_id, {}, Measurements()), SYSTEM)
    assert rows_in(db) == before


def test_an_unknown_visit_is_not_found(db: Database) -> None:
    nowhere = UUID(int=1)
    with pytest.raises(NotFound):
        db.write_now(lambda tx: record_screening(tx, nowhere, {}, Measurements()), SYSTEM)
    with pytest.raises(ScreeningUnknown):
        db.read_now(lambda connection: latest_screening(connection, db.keyring, nowhere))


def test_a_finding_is_overridden_only_with_a_reason(db: Database) -> None:
    a_product(db)
    visit_id, physician = a_visit(db), a_physician(db)
    screening_id = a_screening(db, visit_id, severe_chronic_disease=Answer.DONT_KNOW)
    with pytest.raises(ReasonMissing):
        decided(db, visit_id, screening_id, RECOMMENDED, physician)
    made = decided(db, visit_id, screening_id, replace(RECOMMENDED, reason=REASON), physician)
    sealed = db.read_now(lambda connection: connection.execute(select(decision.c.reason_sealed)).scalar_one())
    assert db.keyring.open(sealed, f"decision:reason:{made.decision_id}") == REASON


def test_a_product_the_site_does_not_use_is_not_ordered(db: Database) -> None:
    visit_id = a_visit(db)
    screening_id = a_screening(db, visit_id)
    with pytest.raises(ProductUnknown):
        decided(db, visit_id, screening_id, RECOMMENDED, a_physician(db))


def test_the_same_request_again_decides_once(db: Database) -> None:
    a_product(db)
    visit_id, physician = a_visit(db), a_physician(db)
    screening_id = a_screening(db, visit_id)

    def answering(tx: Any) -> FirstAnswer:
        made = decide(tx, SITE, visit_id, screening_id, RECOMMENDED)
        return FirstAnswer(201, str(made.decision_id).encode())

    action = once(RequestKey(physician.label, "key", b"print"), answering)
    first = db.write_now(action, physician)
    rows = rows_in(db)
    assert db.write_now(action, physician) == first
    assert rows_in(db) == rows


@pytest.mark.each_engine
def test_nothing_about_health_is_readable_in_the_database(db: Database, tmp_path: Path, engine: str) -> None:
    a_product(db)
    visit_id, physician = a_visit(db, sex=Sex.FEMALE), a_physician(db)
    given = answers(db, visit_id, pregnancy=Answer.YES)
    measured = Measurements(38_123, 171, 93)
    seen = db.write_now(lambda tx: record_screening(tx, visit_id, given, measured), SYSTEM)
    proposal = Proposal(DecisionOutcome.UNSUITABLE, None, REASON)
    decided(db, visit_id, seen.screening_id, proposal, physician)
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("clinic.db*")) + _all_rows(db)
    for canary in (b"pregnancy", b"systolic_mmhg", b"contraindication", b"canary"):
        assert canary not in stored, engine


def test_the_journal_tells_of_the_steps_and_nothing_of_health(db: Database) -> None:
    a_product(db)
    visit_id = a_visit(db)
    decided(db, visit_id, a_screening(db, visit_id), RECOMMENDED, a_physician(db))
    kinds = db.read_now(
        lambda connection: connection.execute(select(journal.c.kind).order_by(journal.c.seq)).scalars().all()
    )
    assert [kind for kind in kinds if kind in {"questions_answered", "decision_made"}] == [
        "questions_answered",
        "decision_made",
    ]
    assert db.read_now(lambda connection: verify(connection, db.keyring.journal_key)).faults == []


@pytest.mark.parametrize(
    "row",
    [
        "'recommended', NULL, NULL",
        "'deferred', NULL, NULL",
        "'unsuitable', 'vaccine-a', NULL",
        "'unsuitable', NULL, '2026-03-09'",
    ],
)
@pytest.mark.each_engine
def test_the_database_itself_refuses_half_a_decision(db: Database, row: str) -> None:
    visit_id, physician = a_visit(db), a_physician(db)
    screening_id = a_screening(db, visit_id)
    names = "id, journal_seq, visit_id, screening_id, decided_at, physician_id, outcome, product_code, deferred_until"
    ids = (UUID(int=9), visit_id, screening_id, physician.staff_id)
    own, visit, screening, staff = (f"'{key.hex if db.url.startswith('sqlite') else key}'" for key in ids if key)
    values = f"{own}, 999, {visit}, {screening}, '2026-03-02 01:00:00', {staff}, {row}"
    with pytest.raises(Exception, match="ck_decision_"):
        db.write_now(lambda tx: tx.execute(text(f"INSERT INTO decision ({names}) VALUES ({values})")), SYSTEM)  # noqa: S608  # a test's own values


def _all_rows(db: Database) -> bytes:
    """Return every value of both tables as any reader of the database would see it."""

    def read(connection: Any) -> bytes:
        rows = [
            *connection.execute(text("SELECT * FROM screening")),
            *connection.execute(text("SELECT * FROM decision")),
        ]
        values = (
            bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
            for row in rows
            for value in row
        )
        return b"\n".join(values)

    return db.read_now(read)
