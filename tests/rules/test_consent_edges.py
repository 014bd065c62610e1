"""Signatures and reasons at their limits."""

from dataclasses import replace

import pytest

from clinic_server.consent.rules import RefusalReasonMissing, refuse_unexplained
from clinic_server.people.signatures import (
    MOST_IMAGE_BYTES,
    MOST_REASON_CHARACTERS,
    MOST_STROKE_POINTS,
    Point,
    Relationship,
    Signature,
    SignatureInvalid,
    SignatureTooLarge,
    Signer,
    png_bytes,
    refuse_unsigned,
)
from tests.rules.test_consent import AGES, OWN, PNG, a_png, encoded

ON_PAPER = Signature(Signer.RECIPIENT, Relationship.SELF, paper_reason="pad broken")


def test_a_reason_for_paper_may_be_as_long_as_a_reason_may_be() -> None:
    refuse_unsigned([replace(ON_PAPER, paper_reason="x" * MOST_REASON_CHARACTERS)], 30, AGES)
    with pytest.raises(SignatureInvalid):
        refuse_unsigned([replace(ON_PAPER, paper_reason="x" * (MOST_REASON_CHARACTERS + 1))], 30, AGES)


def test_a_refusal_without_a_reason_is_told_how_long_one_may_be() -> None:
    with pytest.raises(RefusalReasonMissing) as refused:
        refuse_unexplained(" ")
    assert refused.value.facts == {"most": MOST_REASON_CHARACTERS}


@pytest.mark.parametrize("image", [encoded(bytes(MOST_IMAGE_BYTES + 1)), "A" * (2 * MOST_IMAGE_BYTES)])
def test_an_image_too_large_is_told_how_large_one_may_be(image: str) -> None:
    with pytest.raises(SignatureTooLarge) as refused:
        png_bytes(image)
    assert refused.value.facts == {"most": MOST_IMAGE_BYTES}


def test_strokes_too_many_are_told_how_large_a_signature_may_be() -> None:
    with pytest.raises(SignatureTooLarge) as refused:
        refuse_unsigned([replace(OWN, strokes=[[Point(1, 1)] * (MOST_STROKE_POINTS + 1)])], 30, AGES)
    assert refused.value.facts == {"most": MOST_IMAGE_BYTES}


def test_a_letter_that_base64_does_not_know_is_not_passed_over() -> None:
    with pytest.raises(SignatureInvalid):
        png_bytes(f"{PNG[:8]}!{PNG[8:]}")


def test_a_header_under_another_magic_is_no_png() -> None:
    with pytest.raises(SignatureInvalid):
        png_bytes(encoded(b"\x89PNX" + a_png()[4:]))


@pytest.mark.parametrize("sides", [(2**24 + 1, 1), (1, 2**24 + 1), (0, 1), (1, 0)])
def test_a_size_no_pad_has_is_no_signature(sides: tuple[int, int]) -> None:
    with pytest.raises(SignatureInvalid):
        png_bytes(encoded(a_png(*sides)))


def test_one_pixel_is_an_image() -> None:
    assert png_bytes(encoded(a_png(1, 1))) == a_png(1, 1)
