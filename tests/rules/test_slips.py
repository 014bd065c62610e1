"""What stands on a slip in every language, and which printer it goes to."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from clinic_server.device_hub.slips.composing import compose
from clinic_server.device_hub.slips.lookup import Observation, Ticket
from clinic_server.device_hub.slips.rules import Printer, SlipKind, printer_for
from clinic_server.kit.i18n import LANGUAGES, current_language
from clinic_server.settings import SiteSettings
from devices.receipt_printer.adapter import USES
from devices.receipt_printer.layout import ACROSS, columns_of, set_lines
from devices.words import Pair, Qr, Rule, Size, Slip, Text

VISIT = UUID(int=1)
NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)  # 12:00 at the site
SITE = SiteSettings(name="示范区临时接种点(第二会展中心三号馆)", hotline="010-12320 转 2, 8:00-20:00")
CODE = "V1-260302-1234-ABCDEFGH"
TICKET = Ticket(VISIT, 1234, CODE, "阿***江", NOON)
LEAVE = NOON + timedelta(minutes=30)
VACCINE = "重组新型冠状病毒疫苗(CHO细胞) Recombinant SARS-CoV-2 vaccine, CHO cell"
OBSERVATION = Observation(VISIT, 1234, CODE, "A*** L***", VACCINE, 2, "202603-0115A/2", 500, NOON, LEAVE)


@pytest.fixture(autouse=True, name="in_chinese")
def _in_chinese() -> Iterator[None]:
    token = current_language.set("zh-CN")
    yield
    current_language.reset(token)


@pytest.fixture(name="language", params=LANGUAGES)
def _language(request: pytest.FixtureRequest) -> Iterator[str]:
    token = current_language.set(request.param)
    yield request.param
    current_language.reset(token)


def paragraphs(slip: Slip) -> list[Text | Pair | Rule]:
    assert all(isinstance(line, Text | Pair | Rule | Qr) for line in slip.lines)
    return [line for line in slip.lines if isinstance(line, Text | Pair | Rule)]


def said(slip: Slip) -> str:
    return "\n".join("\n".join(set_lines(line, 48)) for line in paragraphs(slip))


@pytest.mark.parametrize("columns", [32, 48])
@pytest.mark.parametrize("contents", [TICKET, OBSERVATION], ids=["ticket", "observation"])
def test_no_line_is_wider_than_the_paper(language: str, columns: int, contents: Ticket | Observation) -> None:
    for line in paragraphs(compose(contents, SITE, NOON)):
        across = 1 if isinstance(line, Rule) else ACROSS[line.size]
        for text in set_lines(line, columns):
            assert columns_of(text) * across <= columns, (language, text)


def test_the_number_and_the_time_to_leave_are_the_largest_on_the_paper(language: str) -> None:
    for contents, largest in ((TICKET, "1234"), (OBSERVATION, "12:30")):
        lines = compose(contents, SITE).lines
        huge = [line.text for line in lines if isinstance(line, Text) and line.size is Size.HUGE]
        assert huge == [largest], language


def test_both_slips_say_what_the_programme_asks_for(language: str) -> None:
    """Name mask, ticket, injection time, earliest leave time; the public's telephone."""
    ticket, observation = said(compose(TICKET, SITE)), said(compose(OBSERVATION, SITE))
    for wanted in ("1234", "阿***江", "2026-03-02 12:00", "010-12320"):
        assert wanted in ticket, language
    for wanted in ("1234", "A*** L***", "202603-0115A/2", "0.50 ml", "2026-03-02 12:00", "12:30", "010-12320"):
        assert wanted in observation, language


@pytest.mark.parametrize("contents", [TICKET, OBSERVATION], ids=["ticket", "observation"])
def test_a_slip_has_the_code_of_its_visit_for_scanners(contents: Ticket | Observation) -> None:
    assert [line.text for line in compose(contents, SITE).lines if isinstance(line, Qr)] == [CODE]


def test_every_language_has_words_of_its_own() -> None:
    slips = set()
    for language in LANGUAGES:
        token = current_language.set(language)
        slips.add(said(compose(OBSERVATION, SITE)))
        current_language.reset(token)
    assert len(slips) == len(LANGUAGES)


def test_leaving_after_midnight_names_the_day() -> None:
    late = datetime(2026, 3, 2, 15, 45, tzinfo=UTC)  # 23:45 at the site
    slip = Observation(VISIT, 7, CODE, "王*", "A", None, "L", 500, late, late + timedelta(minutes=30))
    texts = [line.text for line in compose(slip, SITE).lines if isinstance(line, Text)]
    assert texts[texts.index("00:15") - 1] == "2026-03-03"
    assert "2026-03-02" not in [line.text for line in compose(OBSERVATION, SITE).lines if isinstance(line, Text)]


def test_a_copy_says_so_before_everything_else() -> None:
    first, *_ = compose(TICKET, SITE, NOON + timedelta(minutes=5)).lines
    assert isinstance(first, Text)
    assert first.text == "补打 2026-03-02 12:05"
    assert "补打" not in said(compose(TICKET, SITE))


def test_a_site_without_a_hotline_prints_no_empty_line() -> None:
    assert "咨询电话" not in said(compose(TICKET, SiteSettings(name="A")))


def test_what_a_printer_may_be_set_up_for_are_the_slips_there_are() -> None:
    assert set(USES) == set(SlipKind)


def chosen(kind: SlipKind, station: str | None, *printers: Printer) -> str | None:
    found = printer_for(printers, station, kind)
    return found.device_id if found else None


OWN = Printer("own", "desk-1")
OTHER = Printer("other", "desk-2")
HALL = Printer("hall", None, {"prints": "ticket, observation"})
BENCH = Printer("bench", "bench-1", {"prints": "observation"})


@pytest.mark.parametrize(
    ("kind", "station", "printers", "wanted"),
    [
        (SlipKind.TICKET, "desk-1", (OTHER, OWN), "own"),
        (SlipKind.OBSERVATION, "desk-1", (OTHER, OWN, HALL), "own"),
        (SlipKind.TICKET, "desk-3", (OTHER, OWN), None),
        (SlipKind.TICKET, "desk-3", (OTHER, HALL, OWN), "hall"),
        (SlipKind.TICKET, "bench-1", (BENCH, HALL), "hall"),
        (SlipKind.TICKET, "bench-1", (BENCH,), None),
        (SlipKind.OBSERVATION, "bench-2", (OWN, BENCH), "bench"),
        (SlipKind.TICKET, None, (Printer("nowhere", None),), None),
        (SlipKind.TICKET, "desk-1", (), None),
    ],
)
def test_a_slip_comes_out_at_its_own_station_or_where_the_site_says(
    kind: SlipKind, station: str | None, printers: tuple[Printer, ...], wanted: str | None
) -> None:
    assert chosen(kind, station, *printers) == wanted
