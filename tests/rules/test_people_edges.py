"""People at the edges: what is left unsaid, what is taken over, and ages of those held."""

from dataclasses import replace
from datetime import date

import pytest

from clinic_server.check_in import admissions
from clinic_server.check_in.rules import BornInFuture, UnderAge, refuse_inadmissible
from clinic_server.people.documents import Document, DocumentKind, Sex
from clinic_server.people.rules import IdentityFacts, name_key, tidy_name

TODAY = date(2026, 3, 2)
ADMISSION = admissions.shipped().admission
PASSPORT = Document.of(DocumentKind.PASSPORT, "E1234567", "CHN")
SOMEBODY = IdentityFacts.stated(PASSPORT, name="王小明", sex=Sex.MALE, born_on=date(1980, 5, 1))


def test_a_nationality_nobody_stated_is_that_of_the_document_or_none() -> None:
    assert SOMEBODY.nationality in {"", "CHN"}


def test_somebody_born_today_is_born_and_too_young() -> None:
    with pytest.raises(UnderAge):
        refuse_inadmissible(replace(SOMEBODY, born_on=TODAY), TODAY, ADMISSION)
    with pytest.raises(BornInFuture):
        refuse_inadmissible(replace(SOMEBODY, born_on=date(2026, 3, 3)), TODAY, ADMISSION)


def test_letters_are_kept_and_signs_between_them_do_not_count() -> None:
    assert name_key("Zoë P. O'Hara-Xu") == name_key("ZOË PO HARA XU")
    assert name_key("PZX") == "pzx"


def test_signs_that_no_name_has_are_blanks() -> None:
    assert tidy_name("Li\u200b\tHua\n") == "Li Hua"
