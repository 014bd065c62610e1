"""The database itself against the players' books: no half action, no answer without its effect, no effect twice."""

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Connection, Table, func, select

from clinic_server.adverse_events.rules import CareEnd
from clinic_server.adverse_events.tables import adverse_event, care_over
from clinic_server.check_in.tables import check_in
from clinic_server.consent.tables import (
    consent,
    consent_dispute,
    consent_invalidated,
    consent_withdrawn,
    dispute_settled,
    refusal,
)
from clinic_server.injection.tables import bench_check, permit, sent_back
from clinic_server.kit.idempotency import first_answer
from clinic_server.kit.journal import journal
from clinic_server.observation.tables import departure
from clinic_server.screening.rules import DecisionOutcome
from clinic_server.screening.tables import decision, screening
from clinic_server.stock.tables import draw
from clinic_server.visits.flow import Outcome, Stage, stage_after
from clinic_server.visits.tables import dose, visit_now, visit_order, visit_order_consent, visit_step, watch
from firmware_stubs.rehearsal.ledger import Ledger, digest_of
from firmware_stubs.rehearsal.ledger import Outcome as Result
from firmware_stubs.rehearsal.proof import KINDS, Difference, Verdict

RECORDED_BY: Mapping[Table, tuple[Outcome, ...]] = {
    check_in: (Outcome.CHECKED_IN,),
    screening: (Outcome.ANSWERED,),
    decision: (Outcome.RECOMMENDED, Outcome.DEFERRED, Outcome.UNSUITABLE),
    consent: (Outcome.CONSENTED,),
    consent_dispute: (Outcome.CONSENT_DISPUTED,),
    dispute_settled: (Outcome.DISPUTE_SETTLED,),
    consent_invalidated: (Outcome.CONSENT_INVALIDATED,),
    consent_withdrawn: (Outcome.CONSENT_WITHDRAWN,),
    refusal: (Outcome.REFUSED,),
    dose: (Outcome.DOSE_GIVEN, Outcome.NEEDLE_WAS_IN),
    sent_back: (Outcome.SENT_BACK,),
    departure: (Outcome.LEFT, Outcome.LEFT_EARLY),
}


def differences(connection: Connection, ledger: Ledger, opening_seq: int) -> list[Difference]:
    """Return everything in the database that does not agree with itself or with the books."""
    return [
        *_caches(connection),
        *_records_of_steps(connection),
        *_pairs(connection),
        *_answers(connection, ledger),
        *_effects(connection, ledger, opening_seq),
    ]


def _caches(connection: Connection) -> Iterable[Difference]:
    """Each visit's cached stage is the fold of its steps."""
    steps = connection.execute(
        select(visit_step.c.visit_id, visit_step.c.outcome).order_by(visit_step.c.visit_id, visit_step.c.journal_seq)
    )
    folded = {
        visit_id: stage_after(Outcome(row[1]) for row in rows) for visit_id, rows in groupby(steps, lambda r: r[0])
    }
    cached = {row.visit_id: row for row in connection.execute(select(visit_now))}
    for visit_id in folded.keys() | cached.keys():
        row = cached.get(visit_id)
        stage = folded.get(visit_id)
        if row is None or stage is None or Stage(row.stage) is not stage or row.is_open != stage.is_open:
            yield Difference(Verdict.HALF, f"visit {visit_id} stands at {row and row.stage}, its steps lead to {stage}")


def _records_of_steps(connection: Connection) -> Iterable[Difference]:
    """Each step has its record under the same journal line, and each record its step."""
    taken = connection.execute(select(visit_step.c.outcome, visit_step.c.record_id, visit_step.c.journal_seq)).all()
    for table, outcomes in RECORDED_BY.items():
        of_steps = Counter((row.record_id, row.journal_seq) for row in taken if Outcome(row.outcome) in outcomes)
        of_records = _counted(connection, table.c.id, table.c.journal_seq)
        yield from _unequal(f"steps and {table.name} records", of_steps, of_records)


def _pairs(connection: Connection) -> Iterable[Difference]:
    """What one action writes in several tables is in all of them."""
    doses, seq = dose.c, "journal_seq"
    yield from _unequal(
        "doses and draws", _counted(connection, doses.draw_id, doses[seq]), _counted(connection, draw.c.id, draw.c[seq])
    )
    well = select(adverse_event.c.visit_id, care_over.c[seq]).join(
        care_over, care_over.c.event_id == adverse_event.c.id
    )
    on_seats = connection.execute(well.where(care_over.c.care_end == CareEnd.WELL_AGAIN))
    yield from _unequal(
        "doses or cares that ended well, and watches",
        _counted(connection, doses.visit_id, doses[seq]) + Counter(tuple(row) for row in on_seats),
        _counted(connection, watch.c.visit_id, watch.c[seq]),
    )
    yield from _unequal(
        "permits and confirmations",
        _counted(connection, permit.c.id, permit.c[seq]),
        _counted(connection, bench_check.c.permit_id, bench_check.c[seq]),
    )
    recommended = select(decision.c.id, decision.c[seq]).where(decision.c.outcome == DecisionOutcome.RECOMMENDED)
    yield from _unequal(
        "recommendations and orders",
        Counter(tuple(row) for row in connection.execute(recommended)),
        _counted(connection, visit_order.c.decision_id, visit_order.c[seq]),
    )
    yield from _unequal(
        "consents and consented orders",
        _counted(connection, consent.c.id, consent.c[seq]),
        _counted(connection, visit_order_consent.c.consent_id, visit_order_consent.c[seq]),
    )


def _answers(connection: Connection, ledger: Ledger) -> Iterable[Difference]:
    """Every acknowledged key is kept with the answer that was given, no refused one is, and no other there is."""
    kept = {row.key: row for row in connection.execute(select(first_answer))}
    writes = {write.key: write for write in ledger.writes}
    for key, write in writes.items():
        row = kept.get(key)
        if row is None:
            if write.is_accepted:
                yield Difference(Verdict.LOST, f"the key of an acknowledged {write.kind}")
        elif write.outcome is Result.REFUSED:
            yield Difference(Verdict.DOUBLED, f"a refused {write.kind} was recorded")
        elif write.is_accepted and (row.status, digest_of(row.body)) != (write.status, write.answer_digest):
            yield Difference(Verdict.DOUBLED, f"another answer is kept for a {write.kind} than was given")
    for _ in kept.keys() - writes.keys():
        yield Difference(Verdict.DOUBLED, "an answer to a key nobody sent")


def _effects(connection: Connection, ledger: Ledger, opening_seq: int) -> Iterable[Difference]:
    """As many journal lines of the players' kinds as there are keys, kind by kind: no effect without its key."""
    lines = journal.c
    rows = connection.execute(
        select(lines.kind, func.count().label("lines"))
        .where(lines.seq > opening_seq, lines.kind.in_(KINDS))
        .group_by(lines.kind)
    )
    recorded: Counter[str] = Counter({row.kind: row.lines for row in rows})
    kept = set(connection.execute(select(first_answer.c.key)).scalars())
    answered = Counter(write.kind for write in ledger.writes if write.key in kept)
    for kind in recorded | answered:
        if recorded[kind] != answered[kind]:
            yield Difference(Verdict.HALF, f"{kind}: {recorded[kind]} journal lines, {answered[kind]} keys")


def _counted(connection: Connection, *columns: Column[Any]) -> Counter[tuple[Any, ...]]:
    return Counter(tuple(row) for row in connection.execute(select(*columns)))


def _unequal(what: str, left: Counter[tuple[Any, ...]], right: Counter[tuple[Any, ...]]) -> Iterable[Difference]:
    alone: list[tuple[UUID, int]] = [*(left - right).elements(), *(right - left).elements()]
    if alone:
        yield Difference(Verdict.HALF, f"{what} do not pair up: {len(alone)}, the first under line {alone[0][1]}")
