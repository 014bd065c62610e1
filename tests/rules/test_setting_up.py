"""The steps of setting a site up: what is missing, and where it is to be had."""

from hypothesis import given
from hypothesis import strategies as st

from clinic_server.navigation import is_open_to
from clinic_server.setting_up.rules import WHERE, Step, StepState, checklist, missing
from clinic_server.staff.rules import Role


@given(st.frozensets(st.sampled_from(Step)))
def test_every_step_is_listed_once_and_only_what_was_not_found_is_missing(done: frozenset[Step]) -> None:
    items = checklist(done)
    assert [one.step for one in items] == list(Step)
    assert {one.step for one in items if one.state is StepState.MISSING} == set(Step) - done - {Step.RESTORE}
    assert missing(items) == len(set(Step) - done - {Step.RESTORE})


def test_whether_a_restore_was_tried_is_never_claimed() -> None:
    assert {one.state for one in checklist(set(Step)) if one.step is Step.RESTORE} == {StepState.BY_HAND}
    assert missing(checklist(set(Step))) == 0


def test_every_step_that_has_a_page_is_open_to_the_site_lead() -> None:
    closed = {where for where in WHERE.values() if not is_open_to(where, frozenset({Role.SITE_LEAD}))}
    assert closed == set()
    assert not is_open_to("/receiving", frozenset({Role.OWNER}))
    assert not is_open_to("/nowhere", frozenset(Role))
