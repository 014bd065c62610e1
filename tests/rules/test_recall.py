"""Who counts as told, what may be called back, who signs."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from clinic_server.recall.rules import (
    CallOutcome,
    DestructionNeedsSecond,
    GivenTo,
    Reached,
    RecallIsOfUnits,
    reached,
    refuse_same_signature,
    refuse_unrecallable,
)
from clinic_server.stock.rules import StopScope

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
ONE, OTHER = UUID(int=1), UUID(int=2)


def given(person_id: UUID, dose: int, outcome: CallOutcome | None = None) -> GivenTo:
    return GivenTo(person_id, UUID(int=dose), UUID(int=9), NOW, outcome)


def test_people_are_counted_and_not_their_doses() -> None:
    assert reached([given(ONE, 11), given(ONE, 12), given(OTHER, 13)]) == Reached(2, 0)
    assert reached([]) == Reached(0, 0)


@pytest.mark.parametrize("outcome", CallOutcome)
def test_who_was_not_spoken_to_does_not_know(outcome: CallOutcome) -> None:
    is_told = outcome not in {CallOutcome.NOT_REACHED, CallOutcome.WRONG_NUMBER}
    assert outcome.is_told is is_told
    told = reached([given(ONE, 11, outcome), given(OTHER, 12)])
    assert (told, told.open) == (Reached(2, int(is_told)), 2 - is_told)


def test_a_bench_and_the_whole_site_are_stopped_and_never_recalled() -> None:
    for scope in (StopScope.UNIT, StopScope.LOT, StopScope.PRODUCT):
        refuse_unrecallable(scope)
    for scope in (StopScope.BENCH, StopScope.SITE):
        with pytest.raises(RecallIsOfUnits):
            refuse_unrecallable(scope)


def test_two_people_sign_a_destruction() -> None:
    refuse_same_signature(ONE, OTHER)
    with pytest.raises(DestructionNeedsSecond):
        refuse_same_signature(ONE, ONE)
