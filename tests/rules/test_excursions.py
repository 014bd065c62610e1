"""How verdicts follow each other, what a pager says, what a release rests on, and how exposure adds up."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from clinic_server.alerts.rules import Severity
from clinic_server.cold_chain.excursions.rules import (
    MOST_FILE_BYTES,
    DispositionKind,
    EvaluationNeeded,
    EvaluationUnusable,
    Exposed,
    Exposure,
    FileKind,
    Known,
    NewDisposition,
    QaCodeNeeded,
    Verdict,
    added_up,
    alert_kind_of,
    file_kind_of,
    is_worse,
    paired,
    refuse_unfounded,
    told_of,
    verdict_of,
)
from clinic_server.cold_chain.judging import Breach, BreachKind
from clinic_server.cold_chain.profiles import profile_of
from clinic_server.stock.whereabouts import HoldEnd

MINUTE = 60_000
FRIDGE = profile_of("cn-clinic-2-8")
WARM = Breach(
    BreachKind.TOO_WARM,
    Severity.ALARM,
    10 * MINUTE,
    20 * MINUTE,
    25 * MINUTE,
    None,
    8_100,
    9_400,
    15 * MINUTE,
    0,
    9,
    16,
)
AT = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


def known(breach: Breach, *, is_withdrawn: bool = False) -> Known:
    return Known(uuid4(), breach, is_withdrawn)


def test_a_breach_continues_the_excursion_whose_time_it_touches_and_only_of_its_kind() -> None:
    before, cold = known(WARM), known(replace(WARM, kind=BreachKind.TOO_COLD))
    grown = replace(WARM, last_out_unix_ms=40 * MINUTE)
    apart = replace(WARM, began_unix_ms=60 * MINUTE, last_out_unix_ms=80 * MINUTE)
    pairs, gone = paired([before, cold], [apart, grown])
    assert pairs == [(before, grown), (None, apart)]
    assert gone == [cold]


def test_what_was_withdrawn_is_not_withdrawn_again() -> None:
    assert paired([known(WARM, is_withdrawn=True)], [])[1] == []


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        (WARM, replace(WARM, last_out_unix_ms=26 * MINUTE, out_ms=16 * MINUTE), None),
        (WARM, replace(WARM, severity=Severity.CRITICAL), Verdict.WORSE),
        (WARM, replace(WARM, ended_unix_ms=26 * MINUTE), Verdict.ENDED),
        (WARM, replace(WARM, began_unix_ms=9 * MINUTE), Verdict.REVISED),
        (replace(WARM, ended_unix_ms=26 * MINUTE), WARM, Verdict.REVISED),
        (
            replace(WARM, ended_unix_ms=26 * MINUTE),
            replace(WARM, ended_unix_ms=26 * MINUTE, max_milli_celsius=9_900),
            Verdict.REVISED,
        ),
    ],
)
def test_a_verdict_says_what_changed(before: Breach, after: Breach, verdict: Verdict | None) -> None:
    assert verdict_of(known(before), after) is verdict


@pytest.mark.parametrize(
    ("after", "is_so"),
    [
        (WARM, False),
        (replace(WARM, out_ms=WARM.out_ms + 1), True),
        (replace(WARM, max_milli_celsius=WARM.max_milli_celsius + 1), True),
        (replace(WARM, min_milli_celsius=WARM.min_milli_celsius - 1), True),
        (replace(WARM, out_ms=WARM.out_ms - 1, max_milli_celsius=WARM.max_milli_celsius - 1), False),
    ],
    ids=["the same", "longer", "hotter", "colder", "milder"],
)
def test_worse_is_whatever_a_decision_before_could_not_know(after: Breach, is_so: bool) -> None:
    assert is_worse(known(WARM), after) is is_so
    assert is_worse(known(WARM, is_withdrawn=True), after)


def test_what_was_withdrawn_and_is_found_again_is_judged_otherwise() -> None:
    assert verdict_of(known(WARM, is_withdrawn=True), WARM) is Verdict.REVISED


@pytest.mark.parametrize(
    ("kind", "lowest", "highest", "said"),
    [
        (BreachKind.TOO_WARM, 8_100, 9_370, "+9.4C 15MIN"),
        (BreachKind.TOO_WARM, 8_001, 8_001, "+8.001C 15MIN"),  # never rounded back into range
        (BreachKind.TOO_WARM, 8_040, 8_040, "+8.04C 15MIN"),
        (BreachKind.TOO_COLD, 1_999, 2_500, "+1.999C 15MIN"),
        (BreachKind.FROZEN, -510, 0, "-0.51C 15MIN"),  # the limit of freezing is no end of the range
    ],
)
def test_a_pager_is_told_the_worst_and_never_as_if_it_were_at_the_limit(
    kind: BreachKind, lowest: int, highest: int, said: str
) -> None:
    assert told_of(replace(WARM, kind=kind, min_milli_celsius=lowest, max_milli_celsius=highest), FRIDGE).short == said


def test_only_what_a_file_begins_with_tells_what_it_is() -> None:
    assert file_kind_of(b"%PDF-1.4") is FileKind.PDF
    assert file_kind_of(b"\xff\xd8\xff\xe0") is FileKind.JPEG
    assert file_kind_of(b"\x89PNG\r\n\x1a\n") is FileKind.PNG
    for content in (b"", b"<svg", b"PK\x03\x04", b"%PDF-" + bytes(MOST_FILE_BYTES)):
        with pytest.raises(EvaluationUnusable):
            file_kind_of(content)


def test_returning_and_keeping_rest_on_nothing_but_the_person() -> None:
    for kind in (DispositionKind.RETURNED, DispositionKind.KEPT):
        refuse_unfounded(NewDisposition(None, [], kind, "n"), was_withdrawn=False, froze=True)


def test_what_froze_needs_the_code_even_where_one_excursion_was_withdrawn() -> None:
    with pytest.raises(QaCodeNeeded):
        refuse_unfounded(NewDisposition(None, [], DispositionKind.RELEASED, "n"), was_withdrawn=True, froze=True)


def exposure(first: int, minutes: int, place: str = "fridge-1", warmest: int = 9_000) -> Exposure:
    span = (AT + timedelta(minutes=first), AT + timedelta(minutes=first + minutes))
    return Exposure(UUID(int=1), uuid4(), place, BreachKind.TOO_WARM, *span, minutes, 8_100, warmest)


def test_exposure_adds_up_and_what_two_probes_saw_at_once_counts_once() -> None:
    seen = [exposure(0, 10), exposure(2, 12), exposure(60, 5, "fridge-2", 11_000)]
    assert added_up(seen) == {BreachKind.TOO_WARM: Exposed(17, 8_100, 11_000)}


def test_a_release_rests_on_an_evaluation_or_on_an_excursion_that_never_was() -> None:
    release = NewDisposition(None, [], DispositionKind.RELEASED, "n")
    with pytest.raises(EvaluationNeeded):
        refuse_unfounded(release, was_withdrawn=False, froze=False)
    refuse_unfounded(release, was_withdrawn=True, froze=False)


def test_a_disposition_ends_holds_or_lets_them_stand() -> None:
    assert [kind.hold_end for kind in DispositionKind] == [HoldEnd.RELEASED, HoldEnd.SENT_AWAY, None]


def test_a_browser_is_told_what_a_file_is() -> None:
    assert [kind.media_type for kind in FileKind] == ["application/pdf", "image/jpeg", "image/png"]


def test_each_breach_has_its_alert() -> None:
    assert [alert_kind_of(kind).value for kind in BreachKind] == ["too_warm", "too_cold", "frozen"]
