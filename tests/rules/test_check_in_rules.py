"""Who may have a ticket, and what a desk is told to look at."""

from datetime import date
from uuid import UUID

import pytest

from clinic_server.check_in import admissions
from clinic_server.check_in.rules import (
    BornInFuture,
    Finding,
    UnderAge,
    findings_for,
    refuse_inadmissible,
)
from clinic_server.people.documents import Document, DocumentKind, Sex
from clinic_server.people.rules import CardFacts, IdentityFacts
from clinic_server.queue.rules import DosesPromised, NoDosesLeft, refuse_without_dose
from clinic_server.visits.rules import WithheldDose

TODAY = date(2026, 3, 2)
ADMISSION = admissions.shipped().admission
PASSPORT = Document.of(DocumentKind.PASSPORT, "L898902C3", "UTO")
SPECIMEN = Document.parse("11010519491231002X")


def child_born(on: date) -> IdentityFacts:
    return IdentityFacts(PASSPORT, "ERIKSSON ANNA", Sex.FEMALE, on)


def test_the_third_birthday_is_old_enough() -> None:
    """Vaccination from three years of age: national extension, June 2021."""
    refuse_inadmissible(child_born(date(2023, 3, 2)), TODAY, ADMISSION)


def test_a_day_before_the_third_birthday_is_too_young() -> None:
    with pytest.raises(UnderAge) as refused:
        refuse_inadmissible(child_born(date(2023, 3, 3)), TODAY, ADMISSION)
    assert refused.value.facts == {"minimum": 3}


def test_nobody_is_born_tomorrow() -> None:
    with pytest.raises(BornInFuture):
        refuse_inadmissible(child_born(date(2026, 3, 3)), TODAY, ADMISSION)


def card(sex: Sex = Sex.FEMALE, valid_until: date | None = None) -> CardFacts:
    return CardFacts(SPECIMEN, "王小明", sex, date(1949, 12, 31), valid_until=valid_until)


@pytest.mark.parametrize(
    ("valid_until", "findings"),
    [(None, ()), (date(2026, 3, 2), ()), (date(2026, 3, 1), (Finding.CARD_EXPIRED,))],
)
def test_an_expired_card_is_a_finding_and_no_refusal(valid_until: date | None, findings: tuple[Finding, ...]) -> None:
    assert findings_for(card(valid_until=valid_until), TODAY) == findings


def test_every_finding_is_told() -> None:
    expired = card(Sex.MALE, date(2020, 1, 1))
    told = {
        finding
        for not_before in (date(2026, 3, 2), date(2026, 3, 3))
        for finding in findings_for(
            expired,
            TODAY,
            document_seen=False,
            differs_from_held=True,
            has_duplicates=True,
            has_twins=True,
            deferral=deferred(not_before),
            promised=DosesPromised(waiting=1, usable=1, overbook=1),
        )
    }
    assert told == set(Finding)


@pytest.mark.parametrize(
    ("not_before", "finding"),
    [
        (date(2026, 3, 1), Finding.DEFERRAL_PAST),
        (date(2026, 3, 2), Finding.DEFERRAL_PAST),
        (date(2026, 3, 3), Finding.DEFERRAL_STANDS),
    ],
)
def test_a_deferral_is_told_as_past_from_its_day_on(not_before: date, finding: Finding) -> None:
    """ "Not today" is never "never": a delay carries a date and ends by itself."""
    assert findings_for(card(), TODAY, deferral=deferred(not_before)) == (finding,)


def deferred(not_before: date) -> WithheldDose:
    return WithheldDose(UUID(int=1), UUID(int=2), date(2026, 2, 1), not_before, "covid19", None)


def test_a_document_without_a_sex_contradicts_nobody() -> None:
    assert findings_for(child_born(date(1990, 1, 1)), TODAY) == ()


@pytest.mark.parametrize(
    ("promised", "is_refused", "findings"),
    [
        (None, False, ()),
        (DosesPromised(waiting=2, usable=3, overbook=0), False, ()),
        (DosesPromised(waiting=3, usable=3, overbook=0), True, (Finding.OVERBOOKED,)),
        (DosesPromised(waiting=3, usable=3, overbook=1), False, (Finding.OVERBOOKED,)),
        (DosesPromised(waiting=4, usable=3, overbook=1), True, (Finding.OVERBOOKED,)),
        (DosesPromised(waiting=0, usable=0, overbook=0), True, (Finding.OVERBOOKED,)),
    ],
)
def test_the_last_ticket_is_the_last_dose_or_the_last_that_was_overbooked(
    promised: DosesPromised | None, is_refused: bool, findings: tuple[Finding, ...]
) -> None:
    """Invariant 28."""
    assert findings_for(child_born(date(2000, 3, 2)), TODAY, promised=promised) == findings
    if not is_refused:
        refuse_without_dose(promised)
        return
    with pytest.raises(NoDosesLeft) as refused:
        refuse_without_dose(promised)
    assert promised
    assert refused.value.facts == {"waiting": promised.waiting, "usable": promised.usable}
