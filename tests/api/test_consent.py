"""Consents and refusals as recorded."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text

from clinic_server.consent import texts
from clinic_server.consent.actions import (
    Consented,
    NewConsent,
    dispute,
    invalidate,
    refuse,
    settle,
    sheet_of_visit,
    sign_consent,
    withdraw,
)
from clinic_server.consent.rules import (
    AdviceNoteMissing,
    ConsentNotStanding,
    ConsentTextChanged,
    ConsentTextUnknown,
    InformedItem,
    InformingIncomplete,
    RefusalReasonMissing,
    RefusedBy,
    VoidingReasonMissing,
    WithdrawnBy,
)
from clinic_server.consent.tables import consent, consent_signature, refusal
from clinic_server.kit.access import Actor
from clinic_server.kit.db import Database
from clinic_server.kit.journal import verify
from clinic_server.kit.tx import Tx
from clinic_server.people.signatures import (
    Point,
    Relationship,
    Signature,
    SignatureInvalid,
    SignatureTooLarge,
    Signer,
    SignerMissing,
)
from clinic_server.screening.actions import decide
from clinic_server.screening.rules import DecisionOutcome, Proposal
from clinic_server.settings import SiteSettings
from clinic_server.staff.rules import Role
from clinic_server.visits.flow import Outcome, Stage, StepOutOfOrder
from clinic_server.visits.lookup import standing
from clinic_server.visits.orders import NewOrder, Order, OrderNotStanding, place_order, standing_order
from clinic_server.visits.steps import take_step
from tests.api.visitors import (
    PRODUCT,
    SYSTEM,
    TODAY,
    a_colleague,
    a_physician,
    a_product,
    a_screening,
    a_visit,
    rows_in,
)
from tests.conftest import ManualClock
from tests.rules.test_consent import PNG

OWN = Signature(Signer.RECIPIENT, Relationship.SELF, image=PNG, strokes=[[Point(1.5, 1), Point(9, 9)]])
MOTHERS = replace(OWN, signer=Signer.GUARDIAN, relationship=Relationship.MOTHER, name="canary-mother")
BORN_AT_TEN = date(2015, 6, 1)


def a_recommended_visit(db: Database, born_on: date = date(1980, 5, 1)) -> UUID:
    """Somebody a physician recommended the product to."""
    visit_id, physician = a_visit(db, born_on, name="canary-child"), a_physician(db)
    screening_id = a_screening(db, visit_id)
    proposal = Proposal(DecisionOutcome.RECOMMENDED, PRODUCT)
    db.write_now(lambda tx: decide(tx, SiteSettings(), visit_id, screening_id, proposal), physician)
    return visit_id


def order_of(db: Database, visit_id: UUID) -> Order | None:
    return db.read_now(lambda connection: standing_order(connection, visit_id))


def stage_of(db: Database, visit_id: UUID) -> Stage:
    return db.read_now(lambda connection: standing(connection, visit_id).stage)


def a_consent(db: Database, visit_id: UUID, *signatures: Signature) -> NewConsent:
    order = order_of(db, visit_id)
    assert order is not None
    return NewConsent(order.decision_id, "zh-CN", 1, frozenset(InformedItem), signatures or (OWN,))


def signed(db: Database, visit_id: UUID, new: NewConsent, by: Actor = SYSTEM) -> Consented:
    return db.write_now(lambda tx: sign_consent(tx, visit_id, new), by)


def refused_with_nothing_written(db: Database, visit_id: UUID, new: NewConsent, error: type[Exception]) -> None:
    before, stage = rows_in(db), stage_of(db, visit_id)
    with pytest.raises(error):
        signed(db, visit_id, new)
    assert (rows_in(db), stage_of(db, visit_id)) == (before, stage)


@pytest.fixture(name="visit_id")
def _visit_id(db: Database) -> UUID:
    a_product(db)
    return a_recommended_visit(db)


def test_a_signed_consent_lets_the_order_be_given(db: Database, visit_id: UUID) -> None:
    made = signed(db, visit_id, a_consent(db, visit_id), a_colleague(db, Role.REGISTRAR))
    order = order_of(db, visit_id)
    assert order is not None
    assert order.consent_id == made.consent_id
    assert made.stage is stage_of(db, visit_id) is Stage.WAITING_FOR_INJECTION
    assert db.read_now(lambda connection: verify(connection, db.keyring.journal_key)).faults == []


def test_a_signature_opens_again_as_it_was_written(db: Database, visit_id: UUID) -> None:
    signed(db, visit_id, a_consent(db, visit_id))
    row = db.read_now(lambda connection: connection.execute(select(consent_signature)).one())
    opened = {
        column: db.keyring.open(getattr(row, f"{column}_sealed"), f"consent_signature:{column}:{row.id}")
        for column in ("name", "image", "strokes")
    }
    assert opened["name"] == "canary-child"
    assert opened["image"] == PNG
    assert opened["strokes"].startswith('[[{"x":1.5,"y":1')


def test_a_minor_without_a_guardian_is_refused(db: Database) -> None:
    a_product(db)
    visit_id = a_recommended_visit(db, BORN_AT_TEN)
    refused_with_nothing_written(db, visit_id, a_consent(db, visit_id), SignerMissing)
    refused_with_nothing_written(db, visit_id, a_consent(db, visit_id, MOTHERS), SignerMissing)
    signed(db, visit_id, a_consent(db, visit_id, MOTHERS, OWN))
    signers = db.read_now(lambda connection: connection.execute(select(consent_signature.c.signer)).scalars().all())
    assert sorted(signers) == ["guardian", "recipient"]


@pytest.mark.parametrize(
    ("born_on", "signers"),
    [
        (date(2018, 3, 3), ["guardian"]),
        (date(2018, 3, 2), ["guardian", "recipient"]),
        (date(2008, 3, 2), ["recipient"]),
    ],
)
def test_the_sheet_says_who_has_to_sign_on_that_day(db: Database, born_on: date, signers: list[str]) -> None:
    """Eight and eighteen years are full on the birthday itself."""
    a_product(db)
    visit_id = a_recommended_visit(db, born_on)
    sheet = db.read_now(lambda connection: sheet_of_visit(connection, db.keyring, visit_id, "en", TODAY))
    assert (list(sheet.signers), sheet.product_code, sheet.text.language) == (signers, PRODUCT, "en")


def test_an_item_nobody_told_is_refused(db: Database, visit_id: UUID) -> None:
    told = frozenset(InformedItem) - {InformedItem.ADVERSE_REACTIONS}
    refused_with_nothing_written(db, visit_id, replace(a_consent(db, visit_id), informed=told), InformingIncomplete)


@pytest.mark.parametrize(
    ("image", "error"), [("bm90IGEgcG5n", SignatureInvalid), (PNG + "A" * 400_000, SignatureTooLarge)]
)
def test_an_invalid_or_oversized_signature_is_refused(
    db: Database, visit_id: UUID, image: str, error: type[Exception]
) -> None:
    refused_with_nothing_written(db, visit_id, a_consent(db, visit_id, replace(OWN, image=image)), error)


def test_consent_to_another_decision_is_refused(db: Database, visit_id: UUID) -> None:
    other = a_consent(db, a_recommended_visit(db))
    refused_with_nothing_written(db, visit_id, other, OrderNotStanding)


def test_consent_to_yesterdays_decision_is_refused(db: Database, visit_id: UUID, clock: ManualClock) -> None:
    new = a_consent(db, visit_id)
    clock.pass_time(hours=19)  # the clinic day ends at 04:00, nineteen hours after nine
    refused_with_nothing_written(db, visit_id, new, OrderNotStanding)


def test_an_unread_version_of_the_text_is_refused(db: Database, visit_id: UUID) -> None:
    new = a_consent(db, visit_id)
    refused_with_nothing_written(db, visit_id, replace(new, text_version=2), ConsentTextChanged)
    refused_with_nothing_written(db, visit_id, replace(new, text_language="fr"), ConsentTextUnknown)


def test_consent_before_the_decision_is_out_of_order(db: Database) -> None:
    visit_id = a_visit(db)
    new = NewConsent(UUID(int=1), "en", 1, frozenset(InformedItem), (OWN,))
    refused_with_nothing_written(db, visit_id, new, StepOutOfOrder)
    with pytest.raises(OrderNotStanding):
        db.read_now(lambda connection: sheet_of_visit(connection, db.keyring, visit_id, "en", TODAY))


def test_consent_twice_is_out_of_order(db: Database, visit_id: UUID) -> None:
    new = a_consent(db, visit_id)
    signed(db, visit_id, new)
    refused_with_nothing_written(db, visit_id, new, StepOutOfOrder)


def test_answers_given_again_void_decision_and_consent(db: Database, visit_id: UUID) -> None:
    new = a_consent(db, visit_id)
    signed(db, visit_id, new)
    a_screening(db, visit_id)
    assert (order_of(db, visit_id), stage_of(db, visit_id)) == (None, Stage.WAITING_FOR_DECISION)
    refused_with_nothing_written(db, visit_id, new, StepOutOfOrder)


@pytest.mark.parametrize("outcome", [Outcome.SENT_BACK, Outcome.DOSE_GIVEN, Outcome.ABANDONED])
def test_any_step_after_the_consent_ends_the_order(db: Database, visit_id: UUID, outcome: Outcome) -> None:
    signed(db, visit_id, a_consent(db, visit_id))

    def step_on(tx: Tx) -> None:
        take_step(tx, visit_id, outcome)
        tx.journal("stepped_on", visit_id)

    db.write_now(step_on, SYSTEM)
    assert order_of(db, visit_id) is None


def test_consent_given_while_answers_change_is_refused(db: Database, visit_id: UUID) -> None:
    """The desk still shows the first decision when a second one has taken its place."""
    shown, physician = a_consent(db, visit_id), a_physician(db)
    again = a_screening(db, visit_id)
    proposal = Proposal(DecisionOutcome.RECOMMENDED, PRODUCT)
    db.write_now(lambda tx: decide(tx, SiteSettings(), visit_id, again, proposal), physician)
    refused_with_nothing_written(db, visit_id, shown, OrderNotStanding)


def test_a_refusal_ends_the_visit_and_the_order(db: Database, visit_id: UUID) -> None:
    order = order_of(db, visit_id)
    made = db.write_now(lambda tx: refuse(tx, visit_id, RefusedBy.GUARDIAN, " canary-refusal "), SYSTEM)
    assert (made.stage, order_of(db, visit_id)) == (Stage.REFUSED, None)
    row = db.read_now(lambda connection: connection.execute(select(refusal)).one())
    assert order is not None
    assert (row.refused_by, row.decision_id) == ("guardian", order.decision_id)
    assert db.keyring.open(row.reason_sealed, f"refusal:reason:{row.id}") == "canary-refusal"


def test_whoever_consented_withdraws_and_cannot_refuse_any_more(db: Database, visit_id: UUID) -> None:
    consented = signed(db, visit_id, a_consent(db, visit_id))
    with pytest.raises(StepOutOfOrder):
        db.write_now(lambda tx: refuse(tx, visit_id, RefusedBy.RECIPIENT, "changed my mind"), SYSTEM)
    taken_back = (visit_id, consented.consent_id, WithdrawnBy.RECIPIENT, "changed my mind")
    fallen = db.write_now(lambda tx: withdraw(tx, *taken_back), SYSTEM)
    assert (fallen.stage, order_of(db, visit_id)) == (Stage.REFUSED, None)
    with pytest.raises(StepOutOfOrder):
        db.write_now(lambda tx: withdraw(tx, *taken_back), SYSTEM)


def test_a_consent_recorded_in_error_falls_alone_and_another_is_taken(db: Database, visit_id: UUID) -> None:
    first = signed(db, visit_id, a_consent(db, visit_id))
    before = order_of(db, visit_id)
    fallen = db.write_now(lambda tx: invalidate(tx, visit_id, first.consent_id, "the neighbour signed"), SYSTEM)
    order = order_of(db, visit_id)
    assert before is not None
    assert fallen.stage is Stage.WAITING_FOR_CONSENT
    assert order == replace(before, consent_id=None)
    second = signed(db, visit_id, a_consent(db, visit_id))
    assert order_of(db, visit_id) == replace(before, consent_id=second.consent_id)
    rows = rows_in(db)
    with pytest.raises(ConsentNotStanding):
        db.write_now(lambda tx: invalidate(tx, visit_id, first.consent_id, "again"), SYSTEM)
    assert rows_in(db) == rows


@pytest.mark.parametrize("is_signed", [True, False])
def test_while_those_who_must_agree_do_not_nothing_stands(db: Database, visit_id: UUID, *, is_signed: bool) -> None:
    if is_signed:
        signed(db, visit_id, a_consent(db, visit_id))
    assert db.write_now(lambda tx: dispute(tx, visit_id, "father"), SYSTEM).stage is Stage.CONSENT_DISPUTED
    order = order_of(db, visit_id)
    assert order is not None
    assert order.consent_id is None
    refused_with_nothing_written(db, visit_id, a_consent(db, visit_id), StepOutOfOrder)
    assert db.write_now(lambda tx: settle(tx, visit_id, "agreed"), SYSTEM).stage is Stage.WAITING_FOR_CONSENT
    made = signed(db, visit_id, a_consent(db, visit_id))
    again = order_of(db, visit_id)
    assert again == replace(order, consent_id=made.consent_id)


def test_what_makes_a_consent_fall_says_why(db: Database, visit_id: UUID) -> None:
    consent_id = signed(db, visit_id, a_consent(db, visit_id)).consent_id
    before = rows_in(db)
    for fall in (
        lambda tx: withdraw(tx, visit_id, consent_id, WithdrawnBy.GUARDIAN, " "),
        lambda tx: invalidate(tx, visit_id, consent_id, ""),
        lambda tx: dispute(tx, visit_id, "x" * 501),
    ):
        with pytest.raises(VoidingReasonMissing):
            db.write_now(fall, SYSTEM)
    assert rows_in(db) == before


def test_a_dose_against_advice_is_consented_to_with_a_note(db: Database) -> None:
    a_product(db)
    visit_id = a_visit(db)
    screening_id, physician = a_screening(db, visit_id), a_physician(db)

    def recommend_against_advice(tx: Tx) -> None:
        take_step(tx, visit_id, Outcome.RECOMMENDED)
        until = tx.now + timedelta(hours=1)
        new = NewOrder(screening_id, PRODUCT, physician.staff_id or UUID(int=0), until, 30, is_against_advice=True)
        place_order(tx, visit_id, new)
        tx.journal("decision_made", visit_id)

    db.write_now(recommend_against_advice, physician)
    plain = a_consent(db, visit_id)
    refused_with_nothing_written(db, visit_id, plain, AdviceNoteMissing)
    signed(db, visit_id, replace(plain, asked="canary-asked", advice_note="canary-note"))
    row = db.read_now(lambda connection: connection.execute(select(consent)).one())
    assert db.keyring.open(row.asked_sealed, f"consent:asked:{row.id}") == "canary-asked"
    assert db.keyring.open(row.advice_note_sealed, f"consent:advice_note:{row.id}") == "canary-note"


def test_a_refusal_says_why_and_comes_after_the_decision(db: Database, visit_id: UUID) -> None:
    before = rows_in(db)
    with pytest.raises(RefusalReasonMissing):
        db.write_now(lambda tx: refuse(tx, visit_id, RefusedBy.RECIPIENT, " "), SYSTEM)
    assert rows_in(db) == before
    waiting = a_visit(db)
    before = rows_in(db)
    with pytest.raises(StepOutOfOrder):
        db.write_now(lambda tx: refuse(tx, waiting, RefusedBy.RECIPIENT, "no"), SYSTEM)
    assert rows_in(db) == before


def test_a_signature_on_paper_is_kept_with_its_reason(db: Database, visit_id: UUID) -> None:
    on_paper = Signature(Signer.RECIPIENT, Relationship.SELF, paper_reason="canary-plaster")
    signed(db, visit_id, a_consent(db, visit_id, on_paper))
    row = db.read_now(lambda connection: connection.execute(select(consent_signature)).one())
    assert (row.method, row.image_sealed, row.strokes_sealed) == ("paper", None, None)
    assert db.keyring.open(row.paper_reason_sealed, f"consent_signature:paper_reason:{row.id}") == "canary-plaster"


def test_names_signatures_and_reasons_are_not_readable_in_the_database(db: Database, tmp_path: Path) -> None:
    a_product(db)
    visit_id = a_recommended_visit(db, BORN_AT_TEN)
    on_paper = Signature(Signer.RECIPIENT, Relationship.SELF, paper_reason="canary-plaster")
    signed(db, visit_id, a_consent(db, visit_id, MOTHERS, on_paper))
    db.write_now(lambda tx: dispute(tx, visit_id, "canary-dispute"), SYSTEM)
    db.write_now(lambda tx: refuse(tx, visit_id, RefusedBy.GUARDIAN, "canary-refusal"), SYSTEM)
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("clinic.db*")) + _all_rows(db)
    for canary in (b"canary", PNG[:24].encode(), b"pressure", b"\x89PNG"):
        assert canary not in stored


@pytest.mark.each_engine
def test_the_database_itself_refuses_a_drawn_signature_without_its_image(db: Database, visit_id: UUID) -> None:
    made = signed(db, visit_id, a_consent(db, visit_id))
    own, consent_id = (f"'{key.hex if db.url.startswith('sqlite') else key}'" for key in (UUID(int=9), made.consent_id))
    names = "id, journal_seq, consent_id, signer, relationship, method, name_sealed"
    empty = "x''" if db.url.startswith("sqlite") else "''"
    values = f"{own}, 999, {consent_id}, 'recipient', 'self', 'drawn', {empty}"
    statement = text(f"INSERT INTO consent_signature ({names}) VALUES ({values})")  # noqa: S608  # a test's own values
    with pytest.raises(Exception, match="ck_consent_signature_drawn_image"):
        db.write_now(lambda tx: tx.execute(statement), SYSTEM)


def test_the_texts_are_read_once() -> None:
    assert texts.shipped() is texts.shipped()


def _all_rows(db: Database) -> bytes:
    """Return every value of the slice's tables as any reader of the database would see it."""

    def read(connection: Any) -> bytes:
        tables = ("consent", "consent_signature", "consent_dispute", "refusal")
        rows = [row for name in tables for row in connection.execute(text(f"SELECT * FROM {name}"))]  # noqa: S608  # as above
        return b"\n".join(
            bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
            for row in rows
            for value in row
        )

    return db.read_now(read)
