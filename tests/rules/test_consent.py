"""Who must sign, what must have been told, and what counts as a signature."""

import base64
import re
import struct
import zlib
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic_server.consent import texts
from clinic_server.consent.rules import (
    AdviceNoteMissing,
    InformedItem,
    InformingIncomplete,
    RefusalReasonMissing,
    RefusedBy,
    VoidingReasonMissing,
    refuse_unexplained,
    refuse_unfounded_voiding,
    refuse_uninformed,
    refuse_unnoted,
)
from clinic_server.consent.texts import ConsentTextFaulty
from clinic_server.kit.editions import NothingInForce
from clinic_server.kit.i18n import LANGUAGES
from clinic_server.kit.labels import labels
from clinic_server.people.signatures import (
    MOST_IMAGE_BYTES,
    MOST_REASON_CHARACTERS,
    MOST_STROKE_POINTS,
    DelegationMissing,
    NoteTooLong,
    Point,
    Relationship,
    RelationshipWrong,
    Signature,
    SignatureInvalid,
    SignatureMethod,
    SignatureTooLarge,
    Signer,
    SignerMissing,
    SignerNameMissing,
    SigningAges,
    png_bytes,
    refuse_unsigned,
    signers_missing,
)

AGES = SigningAges(adult=18, child_signs=8)
STROKES = [[Point(1, 1), Point(9, 9)]]
ENGLISH = (Path(texts.__file__).parent / "any.en.toml").read_text(encoding="utf-8")


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def a_png(width: int = 2, height: int = 2, padding: int = 0) -> bytes:
    """ISO 15948: header, one grey scanline block, and as much private padding as asked for."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(b"\x00\xff\xff" * 2))
    filler = chunk(b"paDd", bytes(padding)) if padding else b""
    return b"\x89PNG\r\n\x1a\n" + header + filler + body + chunk(b"IEND", b"")


def encoded(png: bytes) -> str:
    return base64.b64encode(png).decode()


PNG = encoded(a_png())
OWN = Signature(Signer.RECIPIENT, Relationship.SELF, image=PNG, strokes=STROKES)
MOTHERS = Signature(Signer.GUARDIAN, Relationship.MOTHER, "Li Hua", PNG, STROKES)
DELEGATES = Signature(
    Signer.DELEGATE, Relationship.OTHER, "Zhao Lei", PNG, STROKES, delegation="the mother, paper in folder 3"
)


@pytest.mark.parametrize(
    ("age", "signers", "missing"),
    [
        (18, [], [Signer.RECIPIENT]),
        (18, [Signer.RECIPIENT], []),
        (18, [Signer.GUARDIAN], []),
        (18, [Signer.DELEGATE], [Signer.RECIPIENT]),
        (17, [Signer.RECIPIENT], [Signer.GUARDIAN]),
        (17, [Signer.GUARDIAN], [Signer.RECIPIENT]),
        (17, [Signer.GUARDIAN, Signer.RECIPIENT], []),
        (17, [Signer.DELEGATE, Signer.RECIPIENT], []),
        (8, [Signer.GUARDIAN], [Signer.RECIPIENT]),
        (8, [], [Signer.GUARDIAN, Signer.RECIPIENT]),
        (7, [Signer.GUARDIAN], []),
        (7, [Signer.DELEGATE], []),
        (7, [Signer.RECIPIENT], [Signer.GUARDIAN]),
        (0, [], [Signer.GUARDIAN]),
    ],
)
def test_who_signs_depends_on_age(age: int, signers: list[Signer], missing: list[Signer]) -> None:
    """A minor's guardian or delegate signs; from eight years on the child signs too (provincial consent rules)."""
    assert list(signers_missing(signers, age, AGES)) == missing


def test_the_age_from_which_a_child_signs_is_given_not_known() -> None:
    older = SigningAges(adult=18, child_signs=9)
    assert signers_missing([Signer.GUARDIAN], 8, older) == ()
    assert signers_missing([Signer.GUARDIAN], 9, older) == (Signer.RECIPIENT,)


@given(st.integers(0, 17), st.sets(st.sampled_from(Signer)))
def test_no_minor_is_ever_consented_for_by_nobody_grown_up(age: int, signers: set[Signer]) -> None:
    if not signers & {Signer.GUARDIAN, Signer.DELEGATE}:
        assert Signer.GUARDIAN in signers_missing(signers, age, AGES)


def test_complete_signatures_are_accepted() -> None:
    refuse_unsigned([OWN], 30, AGES)
    refuse_unsigned([MOTHERS, OWN], 12, AGES)
    refuse_unsigned([DELEGATES], 5, AGES)


@pytest.mark.parametrize("wrong", [replace(DELEGATES, delegation=" "), replace(MOTHERS, delegation="a paper")])
def test_a_delegate_and_nobody_else_signs_with_a_written_delegation(wrong: Signature) -> None:
    with pytest.raises(DelegationMissing):
        refuse_unsigned([wrong], 5, AGES)


@pytest.mark.parametrize("field", ["delegation", "document_number"])
def test_what_a_signer_showed_is_noted_briefly(field: str) -> None:
    refuse_unsigned([replace(DELEGATES, **{field: "x" * 500})], 5, AGES)
    with pytest.raises(NoteTooLong):
        refuse_unsigned([replace(DELEGATES, **{field: "x" * 501})], 5, AGES)


def test_only_a_dose_against_advice_needs_its_note_and_notes_are_brief() -> None:
    refuse_unnoted("", "", is_against_advice=False)
    refuse_unnoted("x" * 500, "y" * 500, is_against_advice=True)
    with pytest.raises(AdviceNoteMissing):
        refuse_unnoted("asked", " ", is_against_advice=True)
    for asked, note in (("x" * 501, ""), ("", "x" * 501)):
        with pytest.raises(NoteTooLong):
            refuse_unnoted(asked, note, is_against_advice=False)


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501])
def test_a_consent_falls_with_a_reason_of_a_sensible_length(reason: str) -> None:
    refuse_unfounded_voiding("x" * 500)
    with pytest.raises(VoidingReasonMissing):
        refuse_unfounded_voiding(reason)


def test_a_missing_signer_is_named() -> None:
    with pytest.raises(SignerMissing) as refused:
        refuse_unsigned([OWN], 12, AGES)
    assert refused.value.findings == ("guardian",)


@pytest.mark.parametrize(
    "signature",
    [
        Signature(Signer.RECIPIENT, Relationship.MOTHER, image=PNG, strokes=STROKES),
        Signature(Signer.GUARDIAN, Relationship.SELF, "Li Hua", PNG, STROKES),
    ],
)
def test_only_recipients_sign_for_themselves(signature: Signature) -> None:
    with pytest.raises(RelationshipWrong):
        refuse_unsigned([signature, OWN, MOTHERS], 30, AGES)


def test_who_signs_for_somebody_else_is_named() -> None:
    with pytest.raises(SignerNameMissing):
        refuse_unsigned([Signature(Signer.GUARDIAN, Relationship.MOTHER, "  ", PNG, STROKES)], 5, AGES)


def test_a_signature_on_paper_says_why_and_holds_no_image() -> None:
    on_paper = Signature(Signer.RECIPIENT, Relationship.SELF, paper_reason="hand in plaster")
    refuse_unsigned([on_paper], 30, AGES)
    assert on_paper.method is SignatureMethod.PAPER
    for wrong in (
        Signature(Signer.RECIPIENT, Relationship.SELF, image=PNG, paper_reason="why"),
        Signature(Signer.RECIPIENT, Relationship.SELF, strokes=STROKES, paper_reason="why"),
        Signature(Signer.RECIPIENT, Relationship.SELF, paper_reason="x" * (MOST_REASON_CHARACTERS + 1)),
        Signature(Signer.RECIPIENT, Relationship.SELF, paper_reason="  "),
        Signature(Signer.RECIPIENT, Relationship.SELF),
    ):
        with pytest.raises(SignatureInvalid):
            refuse_unsigned([wrong], 30, AGES)


def test_every_signature_is_looked_at_not_the_first_alone() -> None:
    with pytest.raises(SignatureInvalid):
        refuse_unsigned([MOTHERS, Signature(Signer.RECIPIENT, Relationship.SELF, image=PNG)], 12, AGES)


@pytest.mark.parametrize("strokes", [[], [[]], [[Point(1, 1)]]])
def test_an_image_nobody_drew_is_no_signature(strokes: list[list[Point]]) -> None:
    with pytest.raises(SignatureInvalid):
        refuse_unsigned([Signature(Signer.RECIPIENT, Relationship.SELF, image=PNG, strokes=strokes)], 30, AGES)


def test_more_points_than_a_pen_makes_are_refused() -> None:
    def with_points(count: int) -> list[Signature]:
        return [Signature(Signer.RECIPIENT, Relationship.SELF, image=PNG, strokes=[[Point(0, 0)] * count])]

    refuse_unsigned(with_points(MOST_STROKE_POINTS), 30, AGES)
    with pytest.raises(SignatureTooLarge):
        refuse_unsigned(with_points(MOST_STROKE_POINTS + 1), 30, AGES)


def test_a_data_url_is_the_same_image() -> None:
    assert png_bytes("data:image/png;base64," + PNG) == png_bytes(PNG) == a_png()


SOUND = a_png()


@pytest.mark.parametrize(
    "image",
    [
        "",
        "not base64!",
        PNG[:-1],
        "data:image/jpeg;base64," + PNG,
        encoded(b"GIF89a" + SOUND),
        encoded(SOUND[:8]),
        encoded(SOUND[:-1]),
        encoded(SOUND[:8] + b"\x00\x00\x00\x0dIDAT" + SOUND[16:]),
        encoded(SOUND[:16] + b"\x00\x00\x00\x03" + SOUND[20:]),
        encoded(a_png(0, 2)),
        encoded(a_png(2, 0)),
        encoded(a_png(4001, 2)),
        encoded(a_png(2, 4001)),
    ],
)
def test_what_is_no_png_is_refused(image: str) -> None:
    with pytest.raises(SignatureInvalid):
        png_bytes(image)


def test_four_thousand_pixels_a_side_are_kept() -> None:
    assert png_bytes(encoded(a_png(4000, 4000)))


def test_an_image_has_two_hundred_thousand_bytes_at_most() -> None:
    frame = len(a_png(padding=1)) - 1
    fits = a_png(padding=MOST_IMAGE_BYTES - frame)
    assert len(png_bytes(encoded(fits))) == MOST_IMAGE_BYTES
    for larger in (MOST_IMAGE_BYTES - frame + 1, 3 * MOST_IMAGE_BYTES):
        with pytest.raises(SignatureTooLarge):
            png_bytes(encoded(a_png(padding=larger)))


@given(st.binary(max_size=400))
def test_no_bytes_crash_the_reading_of_an_image(content: bytes) -> None:
    with pytest.raises(SignatureInvalid):
        png_bytes(encoded(content))


@given(st.text(max_size=100))
def test_no_text_crashes_the_reading_of_an_image(image: str) -> None:
    with pytest.raises(SignatureInvalid):
        png_bytes(image)


def test_all_five_items_are_told_or_the_missing_are_named() -> None:
    refuse_uninformed(set(InformedItem))
    with pytest.raises(InformingIncomplete) as refused:
        refuse_uninformed(set(InformedItem) - {InformedItem.EFFECT, InformedItem.OBSERVATION})
    assert refused.value.findings == ("effect", "observation")


@pytest.mark.parametrize("reason", ["", "  ", "x" * (MOST_REASON_CHARACTERS + 1)])
def test_a_refusal_says_why(reason: str) -> None:
    with pytest.raises(RefusalReasonMissing):
        refuse_unexplained(reason)
    refuse_unexplained("x" * MOST_REASON_CHARACTERS)


def test_a_signature_shows_nothing_of_itself_in_its_repr() -> None:
    seen = repr(replace(MOTHERS, paper_reason="hand in plaster"))
    assert not re.search("Li Hua|mother|plaster|Point|iVBOR", seen)


def test_a_consent_text_stands_in_every_language_of_the_screens() -> None:
    for language in LANGUAGES:
        text = texts.active(texts.shipped(), "vaccine-a", language, date(2026, 3, 2))
        assert [section.item for section in text.section] == list(InformedItem)
        assert (text.adult_from_age, text.child_signs_from_age) == (18, 8)
        assert text.sign_off


def test_a_products_own_text_goes_before_the_one_for_any() -> None:
    general = texts.parse(ENGLISH, "any")
    own = texts.parse(ENGLISH.replace('vaccine = "any"', 'vaccine = "vaccine-a"'), "own")
    newer = texts.parse(ENGLISH.replace("version = 1", "version = 2"), "newer")
    assert texts.active([own, general, newer], "vaccine-a", "en", date(2026, 3, 2)) is own
    assert texts.active([own, general, newer], "vaccine-b", "en", date(2026, 3, 2)) is newer
    with pytest.raises(NothingInForce):
        texts.active([own, general], "vaccine-a", "en", date(2021, 3, 28))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('language = "en"', 'language = "fr"', "no language fr"),
        ("version = 1", "version = 0", "$.version"),
        ('item = "effect"', 'item = "kind"', "in this order"),
        ("title", "titel", "`titel`"),
        ('vaccine = "any"', "vaccine = ", "line 3"),
        ("adult_from_age = 18\n", "", "`adult_from_age`"),
    ],
)
def test_a_faulty_text_is_refused_with_its_place(old: str, new: str, said: str) -> None:
    with pytest.raises(ConsentTextFaulty, match=re.escape(said)) as refused:
        texts.parse(ENGLISH.replace(old, new, 1), "text.toml")
    assert str(refused.value).startswith("text.toml: ")


def test_every_code_of_the_consent_desk_has_its_words() -> None:
    known = labels()
    groups = (
        ("informed_item", InformedItem),
        ("signer", Signer),
        ("relationship", Relationship),
        ("refused_by", RefusedBy),
        ("signature_method", SignatureMethod),
    )
    for group, codes in groups:
        assert set(codes) <= known[group].keys()
