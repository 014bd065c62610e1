"""What counts as a look, and as one more."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from clinic_server.audit.rules import AGAIN_AFTER, LatelySeen, Look, SearchLimit, Subject, subject_of

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SOMEBODY, ANOTHER = UUID(int=1), UUID(int=2)
VISIT = "01890000-0000-7000-8000-0000000000ab"


def look(
    after_s: float = 0, staff_id: UUID = SOMEBODY, subject_id: str = VISIT, page: str = "/visits/{visit_id}"
) -> Look:
    return Look(staff_id, Subject.VISIT, subject_id, page, NOW + timedelta(seconds=after_s))


def test_one_look_a_minute_for_each_person_and_page() -> None:
    seen = LatelySeen()
    again_s = AGAIN_AFTER.total_seconds()
    assert [seen.is_one_more(look(after_s)) for after_s in (0, 1, again_s - 1, again_s)] == [True, False, False, True]
    soon_s = again_s + 1
    others = (
        look(soon_s, staff_id=ANOTHER),
        look(soon_s, subject_id=str(ANOTHER)),
        look(soon_s, page="/visits/{visit_id}/consent"),
    )
    assert not seen.is_one_more(look(soon_s))
    assert all(seen.is_one_more(one) for one in others)


def test_a_clock_set_back_hides_no_look() -> None:
    seen = LatelySeen()
    assert seen.is_one_more(look(3600))
    assert seen.is_one_more(look(0))


def test_what_is_remembered_does_not_grow_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clinic_server.audit.rules._MOST_REMEMBERED", 10)
    seen = LatelySeen()
    assert all(seen.is_one_more(look(100 * place, subject_id=str(place))) for place in range(50))
    assert len(seen._last) <= 11
    assert not seen.is_one_more(look(100 * 49 + 1, subject_id="49"))


@pytest.mark.parametrize(
    ("page", "parameters", "told"),
    [
        ("/visits/{visit_id}/screening", {"visit_id": VISIT.upper()}, (Subject.VISIT, VISIT)),
        ("/people/{person_id}/immunisations", {"person_id": VISIT.replace("-", "")}, (Subject.PERSON, VISIT)),
        ("/doses/{dose_id}/correction", {"dose_id": VISIT}, (Subject.DOSE, VISIT)),
        ("/adverse-events/{number}/care", {"number": "12"}, (Subject.ADVERSE_EVENT, "12")),
        ("/alerts/{number}", {"number": "12"}, None),
        ("/stock", {}, None),
    ],
)
def test_a_pages_route_tells_whose_data_it_shows(
    page: str, parameters: dict[str, object], told: tuple[Subject, str] | None
) -> None:
    assert subject_of(page, parameters) == told


def begun(*minutes_ago: float) -> list[datetime]:
    return [NOW - timedelta(minutes=ago) for ago in minutes_ago]


def test_a_search_goes_again_when_the_oldest_that_counts_is_past() -> None:
    limit = SearchLimit(most=3, within=timedelta(minutes=60))
    assert limit.refusal(begun(1, 2), NOW) is None
    assert limit.refusal(begun(1, 2, 60, 90), NOW) is None
    refusal = limit.refusal(begun(1, 50, 2, 59), NOW)
    assert refusal is not None
    assert (refusal.retry_after_s, refusal.facts) == (600, {"minutes": 10})


def test_searches_dated_after_a_clock_that_was_set_back_count_for_nobody() -> None:
    limit = SearchLimit(most=2, within=timedelta(minutes=60))
    assert limit.refusal(begun(-100, -1, 5), NOW) is None
