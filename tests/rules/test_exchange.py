"""Files that come in: what is refused before anything reads it, what every cell says, and nothing that computes."""

import io
import re
import zipfile
from collections.abc import Callable, Sequence
from datetime import date

import pytest
import xlsxwriter
from hypothesis import example, given, settings
from hypothesis import strategies as st

from clinic_server.exchange.reading import lines_of
from clinic_server.exchange.rows import Told, told_by
from clinic_server.exchange.rules import (
    COLUMNS_IN,
    MOST_CHARACTERS,
    MOST_ROWS,
    Column,
    Fault,
    FileEmpty,
    FileHasActiveParts,
    FileHasSeveralSheets,
    FileTooLarge,
    FileUnreadable,
    Formula,
    ImportKind,
    heading_key,
    table_of,
)
from clinic_server.exchange.words import headings
from clinic_server.kit.errors import Refused
from clinic_server.kit.i18n import LANGUAGES, current_language
from clinic_server.kit.labels import label
from clinic_server.kit.spreadsheets import FileFormat, as_file, quoted, unquoted
from clinic_server.stock.rules import normalised_code

SHEET = "xl/worksheets/sheet1.xml"
PRODUCT = {
    "product_code": "bbibp-1",
    "name": "北京生物新冠灭活疫苗",
    "manufacturer": "北京生物",
    "vaccine_code": "covid19-bbibp-corv",
    "platform": "灭活疫苗",
    "route": "intramuscular",
    "volume_ul": "500",
    "doses_per_unit": "1",
}
UNIT = {
    "product_code": "bbibp-1",
    "lot_number": "202601A",
    "expires_on": "2027-01-31",
    "place_code": "fridge-1",
    "trace_code": "81000000000000000001",
}


def a_workbook(*lines: Sequence[object], change: Callable[[bytes], bytes] = bytes, **parts: bytes) -> bytes:
    """A workbook of these lines; ``change`` spoils its sheet, ``parts`` are added or replaced ("/" told as "__")."""
    content, spoilt = io.BytesIO(), io.BytesIO()
    with xlsxwriter.Workbook(content) as workbook:
        sheet, day = workbook.add_worksheet(), workbook.add_format({"num_format": "yyyy-mm-dd"})
        for row, line in enumerate(lines):
            for column, cell in enumerate(line):
                sheet.write(row, column, cell, day if isinstance(cell, date) else None)
    added = {name.replace("__", "/"): told for name, told in parts.items()}
    with zipfile.ZipFile(content) as source, zipfile.ZipFile(spoilt, "w", zipfile.ZIP_DEFLATED) as target:
        for name in [name for name in source.namelist() if name not in added]:
            target.writestr(name, change(source.read(name)) if name == SHEET else source.read(name))
        for name, told in added.items():
            target.writestr(name, told)
    return spoilt.getvalue()


def with_cells(xml: str) -> bytes:
    """A workbook whose sheet holds these cells."""
    return a_workbook(
        ["x"], change=lambda told: re.sub(rb"<sheetData>.*</sheetData>", f"<sheetData>{xml}</sheetData>".encode(), told)
    )


def a_csv(*rows: dict[str, str], encoding: str = "utf-8", separator: str = ",") -> bytes:
    return "\r\n".join([separator.join(rows[0]), *(separator.join(row.values()) for row in rows)]).encode(encoding)


def told(kind: ImportKind, content: bytes) -> tuple[list[Told], list[Fault]]:
    known = headings()
    return told_by(kind, table_of(lines_of(content, known), known, COLUMNS_IN[kind]), normalised_code)


def faults_in(kind: ImportKind, *rows: dict[str, str]) -> set[tuple[int, str, str]]:
    return {(fault.row, fault.column, fault.code) for fault in told(kind, a_csv(*rows))[1]}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_text_table_is_read_in_every_usual_encoding_and_separator(encoding: str, separator: str) -> None:
    rows, faults = told(ImportKind.PRODUCTS, a_csv(PRODUCT, encoding=encoding, separator=separator))
    assert faults == []
    assert rows[0].said.name == PRODUCT["name"]
    assert rows[0].said.platform == "inactivated"


def test_a_workbook_says_what_a_text_table_says() -> None:
    cells = [*UNIT.values()]
    cells[2] = date(2027, 1, 31)  # type: ignore[call-overload]  # as Excel keeps it
    assert told(ImportKind.STOCK, a_workbook([*UNIT], cells)) == told(ImportKind.STOCK, a_csv(UNIT))


@pytest.mark.parametrize("language", LANGUAGES)
def test_headings_are_known_in_every_language_and_no_two_are_the_same(language: str) -> None:
    before = current_language.set(language)
    spoken = [label("column", column).text for column in Column]
    current_language.reset(before)
    assert [headings()[heading_key(word)] for word in spoken] == list(Column)


@pytest.mark.parametrize(
    ("column", "said", "code"),
    [
        ("product_code", "", "cell_empty"),
        ("product_code", "Bad Code", "cell_malformed"),
        ("name", "x" * 81, "cell_too_long"),
        ("name", "a\x07b", "cell_unprintable"),
        ("name", "=1+1", "cell_is_formula"),
        ("platform", "homoeopathic", "cell_not_in_list"),
        ("volume_ul", "half", "cell_no_number"),
        ("volume_ul", "0.5", "cell_no_number"),
        ("volume_ul", "0", "cell_out_of_range"),
        ("doses_per_unit", "51", "cell_out_of_range"),
        ("manufacturer", "8.1E+19", "cell_converted"),
    ],
)
def test_a_faulty_cell_is_named_by_row_and_column(column: str, said: str, code: str) -> None:
    assert faults_in(ImportKind.PRODUCTS, PRODUCT, PRODUCT | {column: said}) == {(3, column, code)}


def test_a_fault_in_a_cell_that_may_be_empty_is_a_fault() -> None:
    assert faults_in(ImportKind.PRODUCTS, PRODUCT | {"withdrawn_on": "soon"}) == {(2, "withdrawn_on", "cell_no_date")}


@pytest.mark.parametrize(
    ("said", "day"),
    [
        ("2027-1-5", date(2027, 1, 5)),
        ("2027/01/05", date(2027, 1, 5)),
        ("20270105", date(2027, 1, 5)),
        ("2027年1月5日", date(2027, 1, 5)),
    ],
)
def test_a_day_is_read_as_it_is_written_in_china(said: str, day: date) -> None:
    rows, _ = told(ImportKind.STOCK, a_csv(UNIT | {"expires_on": said}))
    assert rows[0].said.expires_on == day


@pytest.mark.parametrize("said", ["2027-02-30", "46023", "05/01/2027", "soon", "2027-13-01"])
def test_what_is_no_day_is_not_guessed(said: str) -> None:
    assert faults_in(ImportKind.STOCK, UNIT | {"expires_on": said}) == {(2, "expires_on", "cell_no_date")}


@pytest.mark.parametrize("spoilt", [8.1e19, 4711, True, date(2026, 1, 1)])
def test_a_trace_code_that_became_a_number_is_refused(spoilt: object) -> None:
    line = [*UNIT.values()][:-1]
    _, faults = told(ImportKind.STOCK, a_workbook([*UNIT], [*line[:2], "2027-01-31", line[3], spoilt]))
    assert faults == [Fault(2, Column.TRACE_CODE, "cell_converted")]


def test_a_lot_number_that_became_a_date_is_refused_and_a_plain_number_is_not() -> None:
    def of(lot: object) -> tuple[list[Told], list[Fault]]:
        return told(ImportKind.STOCK, a_workbook([*UNIT], ["p", lot, "2027-01-31", "fridge-1", UNIT["trace_code"]]))

    assert of(202601)[0][0].said.number == "202601"
    assert of(date(2026, 1, 1))[1] == [Fault(2, Column.LOT_NUMBER, "cell_converted")]


def test_a_formula_is_named_by_its_cell_and_never_read() -> None:
    line = [*UNIT.values()]
    line[1] = "=1+1"
    assert told(ImportKind.STOCK, a_workbook([*UNIT], line))[1] == [Fault(2, Column.LOT_NUMBER, "cell_is_formula")]


def test_wrong_headings_are_named_and_nothing_else_is() -> None:
    spoilt = {"trace": UNIT["trace_code"], **{key: "" for key in UNIT if key != "trace_code"}}
    assert faults_in(ImportKind.STOCK, spoilt) == {(1, "trace", "column_unknown"), (1, "trace_code", "column_missing")}


def test_a_heading_twice_or_a_cell_without_one_is_named() -> None:
    content = a_csv(UNIT).replace(b"lot_number", b"place_code", 1) + b",stray"
    _, faults = told(ImportKind.STOCK, content)
    assert {(fault.row, fault.code) for fault in faults} == {
        (1, "column_twice"),
        (1, "column_missing"),
        (2, "cell_beside_columns"),
    }


def test_rows_keep_their_numbers_across_empty_ones() -> None:
    content = a_csv(UNIT, UNIT | {"expires_on": "x"}).replace(b"\r\n", b"\r\n\r\n")
    assert told(ImportKind.STOCK, content)[1] == [Fault(5, Column.EXPIRES_ON, "cell_no_date")]


@pytest.mark.parametrize(
    "content", [b"", b"\n\n", a_csv(UNIT).partition(b"\r\n")[0], a_workbook([]), a_workbook([*UNIT])]
)
def test_a_file_without_rows_is_refused(content: bytes) -> None:
    with pytest.raises(FileEmpty):
        told(ImportKind.STOCK, content)


def test_two_cells_in_opposite_corners_never_reach_the_reader() -> None:
    """A few hundred bytes would make it lay out 17 thousand million cells, which ends the process."""
    far = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    with pytest.raises(FileTooLarge):
        lines_of(with_cells(far), ())


@pytest.mark.parametrize(
    "cells",
    [
        '<row r="1"><c r="ZZ1"><v>1</v></c></row>',
        '<row r="9999999"><c><v>1</v></c></row>',
        "<row><c/></row>" * (MOST_ROWS + 101),
        "<row>" + "<c/>" * 41 + "</row>",
        f'<row r="1"><c r="A1" t="inlineStr"><is><t>{"x" * (MOST_CHARACTERS + 1)}</t></is></c></row>',
    ],
)
def test_a_sheet_beyond_its_bounds_is_refused(cells: str) -> None:
    with pytest.raises(FileTooLarge):
        lines_of(with_cells(cells), ())


def test_a_long_text_that_every_cell_shares_is_refused() -> None:
    shared = f"<sst><si>{'<r><t>' + 'x' * 300 + '</t></r>'}{'<r><t>' + 'x' * 300 + '</t></r>'}</si></sst>".encode()
    with pytest.raises(FileTooLarge):
        lines_of(a_workbook(["a"], **{"xl__sharedStrings.xml": shared}), ())


def test_a_text_within_a_text_does_not_begin_the_count_again() -> None:
    nested = b"<sst><si><t>" + b"x" * 300 + b"</t><si><t>" + b"x" * 300 + b"</t></si></si></sst>"
    with pytest.raises(FileTooLarge):
        lines_of(a_workbook(["a"], **{"xl__sharedStrings.xml": nested}), ())


def test_a_part_of_more_elements_than_any_list_is_refused() -> None:
    with pytest.raises(FileTooLarge):
        lines_of(a_workbook(["a"], **{"xl__theme__theme1.xml": b"<a>" + b"<b/>" * 300_000 + b"</a>"}), ())


def test_a_bomb_is_refused_however_small_it_says_it_is() -> None:
    with pytest.raises(FileTooLarge):
        lines_of(a_workbook(["a"], **{"xl__theme__theme1.xml": b"<a>" + b" " * 8_000_000 + b"</a>"}), ())


def test_a_document_type_is_refused_before_anything_is_expanded() -> None:
    laughs = b'<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>'
    for part in ("xl__sharedStrings.xml", "xl__theme__theme1.xml"):
        with pytest.raises(FileUnreadable):
            lines_of(a_workbook(["a"], **{part: laughs + b"<sst><si><t>a</t></si></sst>"}), ())


@pytest.mark.parametrize(
    "part", ["xl__vbaProject.bin", "xl__externalLinks__externalLink1.xml", "xl__embeddings__oleObject1.bin"]
)
def test_macros_links_and_embedded_objects_are_refused(part: str) -> None:
    with pytest.raises(FileHasActiveParts):
        lines_of(a_workbook(["a"], **{part: b"<a/>"}), ())


def test_a_part_that_lies_elsewhere_is_refused_and_a_typed_address_is_not() -> None:
    link = '<Relationships><Relationship Id="r" Type="t/{}" Target="http://x/" TargetMode="External"/></Relationships>'
    rels = "xl__worksheets___rels__sheet1.xml.rels"
    with pytest.raises(FileHasActiveParts):
        lines_of(a_workbook(["a"], **{rels: link.format("oleObject").encode()}), ())
    assert lines_of(a_workbook(["a"], **{rels: link.format("hyperlink").encode()}), ()) == [["a"]]


def test_two_filled_sheets_are_refused_and_an_empty_one_is_passed_over() -> None:
    content = io.BytesIO()
    with xlsxwriter.Workbook(content) as workbook:
        workbook.add_worksheet()
        workbook.add_worksheet().write_string(0, 0, "a")
        assert workbook
    assert lines_of(content.getvalue(), ()) == [["a"]]
    content = io.BytesIO()
    with xlsxwriter.Workbook(content) as workbook:
        for _ in range(2):
            workbook.add_worksheet().write_string(0, 0, "a")
    with pytest.raises(FileHasSeveralSheets):
        lines_of(content.getvalue(), ())


def test_what_is_hidden_under_another_name_or_encoding_never_reaches_the_reader() -> None:
    """The reader gets only what was read through as it reads it: as UTF-8, under names that are looked at."""
    far = b'<worksheet><sheetData><row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData></worksheet>'
    moved = b'<Relationships><Relationship Id="rId1" Type="t/worksheet" Target="worksheets/x.bin"/></Relationships>'
    content = a_workbook(["a"], **{"xl___rels__workbook.xml.rels": moved, "xl__worksheets__x.bin": far})
    with pytest.raises(FileUnreadable):
        lines_of(content, ())
    with pytest.raises(FileTooLarge):
        lines_of(a_workbook(["a"], change=lambda _: b'<?xml version="1.0" encoding="cp037"?>' + far), ())


def test_too_many_rows_are_refused_in_text_too() -> None:
    with pytest.raises(FileTooLarge):
        told(ImportKind.STOCK, a_csv(*[UNIT] * (MOST_ROWS + 1)))
    assert len(told(ImportKind.STOCK, a_csv(*[UNIT] * MOST_ROWS))[0]) == MOST_ROWS


@pytest.mark.parametrize("content", [b"\xd0\xcf\x11\xe0rest", b"PK\x03\x04rest", b"a\0b", b"\xff\xff\xff", b'a,"b\nc'])
def test_what_is_no_list_is_unreadable(content: bytes) -> None:
    with pytest.raises(FileUnreadable):
        lines_of(content, ())


@given(st.text())
@example("=1")
@example("'=1")
@example("''@x")
@example("\t1")
def test_quoting_hides_every_formula_and_is_taken_back_exactly(text: str) -> None:
    assert not re.match(r"[=+\-@\t\r\n＝＋－＠]", quoted(text))
    assert unquoted(quoted(text)) == text


PLAIN = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zs", "Cf", "Zl", "Zp", "Co", "Cn"]),
    min_size=1,
    max_size=60,
)
HARMFUL = PLAIN.map(lambda text: f"={text}") | PLAIN.map(lambda text: f"+{text}") | PLAIN.map(lambda text: f"@{text}")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(PLAIN | HARMFUL, st.integers(0, 10**6), st.dates(date(1950, 1, 1), date(2099, 1, 1))),
        min_size=1,
        max_size=5,
    )
)
def test_whatever_goes_out_comes_back_as_text_and_nothing_computes(lines: list[tuple[str, int, date]]) -> None:
    for form in FileFormat:
        content = as_file(form, ["a", "b", "c"], lines)
        _, *back = lines_of(content, {"a", "b", "c"})
        assert Formula.FORMULA not in [cell for line in back for cell in line]
        assert [line[0] for line in back] == [line[0] for line in lines]
        assert [str(line[1]) for line in back] in ([str(n) for _, n, _ in lines], [f"{n}.0" for _, n, _ in lines])
        assert [str(line[2]) for line in back] == [str(day) for _, _, day in lines]


def spoilt(content: bytes) -> st.SearchStrategy[bytes]:
    """A file with some of its bytes changed, cut off or repeated."""
    places = st.lists(
        st.tuples(st.integers(0, len(content) - 1), st.binary(min_size=0, max_size=8)), min_size=1, max_size=6
    )

    def spoil(changes: list[tuple[int, bytes]]) -> bytes:
        told = bytearray(content)
        for at, new in changes:
            told[at : at + max(1, len(new))] = new
        return bytes(told)

    return places.map(spoil)


def spoilt_parts() -> st.SearchStrategy[bytes]:
    """A sound package whose sheet, shared texts, workbook or relationships are spoilt."""
    sound = a_workbook([*UNIT], [*UNIT.values()])
    with zipfile.ZipFile(io.BytesIO(sound)) as source:
        told = {name: source.read(name) for name in source.namelist()}
    names = st.sampled_from(
        [SHEET, "xl/sharedStrings.xml", "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/styles.xml"]
    )
    return names.flatmap(
        lambda name: spoilt(told[name]).map(
            lambda part: a_workbook([*UNIT], [*UNIT.values()], **{name.replace("/", "__"): part})
        )
    )


SOUND = st.sampled_from([a_csv(PRODUCT), a_csv(UNIT, encoding="gb18030"), a_workbook([*UNIT], [*UNIT.values()])])


@settings(max_examples=300, deadline=None)
@given(SOUND.flatmap(spoilt) | st.binary(max_size=200) | spoilt_parts(), st.sampled_from(ImportKind))
def test_no_file_ends_in_anything_but_rows_faults_or_a_refusal(content: bytes, kind: ImportKind) -> None:
    try:
        rows, faults = told(kind, content)
    except Refused:
        return
    assert rows or faults


def test_an_empty_heading_is_no_fault_of_its_own() -> None:
    content = b"\r\n".join(line + b"," for line in a_csv(UNIT).split(b"\r\n"))
    assert told(ImportKind.STOCK, content)[1] == []
