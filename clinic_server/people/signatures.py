"""What counts as a signature, and who must sign: pure."""

import base64
import binascii
import zlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from clinic_server.kit.errors import Refused

MOST_IMAGE_BYTES = 200_000
MOST_STROKE_POINTS = 10_000
MOST_REASON_CHARACTERS = 500
_MOST_PIXELS_A_SIDE = 4000
_PNG_URL = "data:image/png;base64,"
_PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
_IHDR = slice(8, 33)  # length, type, 13 bytes of content, CRC
_PNG_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"


class Signer(StrEnum):
    """Who signs."""

    RECIPIENT = "recipient"
    GUARDIAN = "guardian"
    DELEGATE = "delegate"


class Relationship(StrEnum):
    """What a signer is to the recipient, as forms ask it."""

    SELF = "self"
    MOTHER = "mother"
    FATHER = "father"
    OTHER = "other"


class SignatureMethod(StrEnum):
    """How a signature came to be."""

    DRAWN = "drawn"
    PAPER = "paper"


class SignerMissing(Refused):
    """Somebody who must sign did not; the findings name who."""

    code = "signer_missing"


class RelationshipWrong(Refused):
    """Recipients sign for themselves, everybody else for somebody else."""

    code = "relationship_wrong"


class SignerNameMissing(Refused):
    """A guardian or delegate signs with a name."""

    code = "signer_name_missing"


class DelegationMissing(Refused):
    """A delegate signs with the guardian's written delegation: whose it is, and where it is kept."""

    code = "delegation_missing"


class NoteTooLong(Refused):
    """A note has at most ``most`` characters."""

    code = "note_too_long"


class SignatureInvalid(Refused):
    """Neither a drawn signature (a PNG image with its strokes) nor a signature on paper with its reason."""

    code = "signature_invalid"


class SignatureTooLarge(Refused):
    """A signature's image or strokes are larger than any pen makes them; ``most`` bytes of image are kept."""

    code = "signature_too_large"


@dataclass(frozen=True, slots=True)
class SigningAges:
    """From which age, in whole years, somebody signs alone, and from which a child signs too."""

    adult: int
    child_signs: int


@dataclass(frozen=True, slots=True)
class Point:
    """Where the pen was; ``time`` in milliseconds of the browser's clock."""

    x: float
    y: float
    time: float = 0
    pressure: float = 0


Strokes = Sequence[Sequence[Point]]


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature as given: drawn (``image`` is a PNG in base64) or on paper, with why.

    ``document_number`` is of the document a guardian or delegate showed; ``delegation`` says who delegated in
    writing, and where the paper is.
    """

    signer: Signer
    relationship: Relationship = field(repr=False)
    name: str = field(default="", repr=False)
    image: str = field(default="", repr=False)
    strokes: Strokes = field(default=(), repr=False)
    paper_reason: str = field(default="", repr=False)
    document_number: str = field(default="", repr=False)
    delegation: str = field(default="", repr=False)

    @property
    def method(self) -> SignatureMethod:
        """How it was given."""
        return SignatureMethod.PAPER if self.paper_reason.strip() else SignatureMethod.DRAWN


def signers_missing(signers: Collection[Signer], age_years: int, ages: SigningAges) -> tuple[Signer, ...]:
    """Return who must sign and has not: a minor's guardian or delegate, and from ``child_signs`` the child too."""
    if age_years >= ages.adult:
        return () if {Signer.RECIPIENT, Signer.GUARDIAN} & set(signers) else (Signer.RECIPIENT,)
    grown_up = () if {Signer.GUARDIAN, Signer.DELEGATE} & set(signers) else (Signer.GUARDIAN,)
    child_owes = age_years >= ages.child_signs and Signer.RECIPIENT not in signers
    return (*grown_up, Signer.RECIPIENT) if child_owes else grown_up


def refuse_unsigned(signatures: Sequence[Signature], age_years: int, ages: SigningAges) -> None:
    """Raise what is wrong with the signatures under something, or who must sign it and has not."""
    missing = signers_missing([signature.signer for signature in signatures], age_years, ages)
    if missing:
        raise SignerMissing(findings=[signer.value for signer in missing])
    for signature in signatures:
        _refuse_misnamed(signature)
        if signature.method is SignatureMethod.DRAWN:
            _refuse_undrawn(signature)
        elif signature.image or signature.strokes or len(signature.paper_reason) > MOST_REASON_CHARACTERS:
            raise SignatureInvalid


def png_base64(image: str) -> str:
    """Return an image in base64, of which a browser makes a data URL."""
    return image.removeprefix(_PNG_URL)


def png_bytes(image: str) -> bytes:
    """Return a signature's image, in base64 or as a data URL, or raise SignatureInvalid or SignatureTooLarge."""
    encoded = png_base64(image)
    if len(encoded) > MOST_IMAGE_BYTES * 4 // 3 + 4:
        raise SignatureTooLarge(most=MOST_IMAGE_BYTES)
    try:
        png = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise SignatureInvalid from None
    if len(png) > MOST_IMAGE_BYTES:
        raise SignatureTooLarge(most=MOST_IMAGE_BYTES)
    if not _is_png(png):
        raise SignatureInvalid
    return png


def _refuse_misnamed(signature: Signature) -> None:
    signs_for_self = signature.signer is Signer.RECIPIENT
    if signs_for_self != (signature.relationship is Relationship.SELF):
        raise RelationshipWrong
    if not signs_for_self and not signature.name.strip():
        raise SignerNameMissing
    if (signature.signer is Signer.DELEGATE) != bool(signature.delegation.strip()):
        raise DelegationMissing
    if max(len(signature.delegation), len(signature.document_number)) > MOST_REASON_CHARACTERS:
        raise NoteTooLong(most=MOST_REASON_CHARACTERS)


def _refuse_undrawn(signature: Signature) -> None:
    png_bytes(signature.image)
    points = sum(len(stroke) for stroke in signature.strokes)
    if points < 2:  # noqa: PLR2004  # a dot is no signature
        raise SignatureInvalid
    if points > MOST_STROKE_POINTS:
        raise SignatureTooLarge(most=MOST_IMAGE_BYTES)


def _is_png(content: bytes) -> bool:
    """Tell whether the bytes begin with a sound PNG header of a usable size and end as a PNG ends (ISO 15948)."""
    header = content[_IHDR]
    if not content.startswith(_PNG_MAGIC) or header[:8] != b"\x00\x00\x00\x0dIHDR" or not content.endswith(_PNG_END):
        return False
    sides = (int.from_bytes(header[8:12], "big"), int.from_bytes(header[12:16], "big"))
    is_sound = zlib.crc32(header[4:21]) == int.from_bytes(header[21:25], "big")
    return is_sound and all(1 <= side <= _MOST_PIXELS_A_SIDE for side in sides)
