"""A signature as a page's form or an API's body brings it."""

from typing import Final

import msgspec
from pydantic import Field

from clinic_server.kit.call import Body
from clinic_server.people.rules import MOST_NAME_CHARACTERS
from clinic_server.people.signatures import (
    MOST_IMAGE_BYTES,
    Point,
    Relationship,
    Signature,
    SignatureInvalid,
    Signer,
    Strokes,
)

MOST_FIELD_CHARACTERS: Final = 600_000


class PointBody(Body):
    """Where the pen was."""

    x: float
    y: float
    time: float = 0
    pressure: float = 0


class SignatureBody(Body):
    """One signature: a PNG in base64 with its strokes, or the reason why it stands on paper; see ``Signature``."""

    signer: Signer
    relationship: Relationship
    name: str = Field("", max_length=MOST_NAME_CHARACTERS, repr=False)
    image: str = Field("", max_length=2 * MOST_IMAGE_BYTES, repr=False)
    strokes: list[list[PointBody]] = Field(default_factory=list, max_length=1000, repr=False)
    paper_reason: str = Field("", max_length=1000, repr=False)
    document_number: str = Field("", max_length=1000, repr=False)
    delegation: str = Field("", max_length=1000, repr=False)

    def signature(self) -> Signature:
        """Return it as the rules know it."""
        strokes = [[Point(at.x, at.y, at.time, at.pressure) for at in stroke] for stroke in self.strokes]
        return Signature(
            self.signer,
            self.relationship,
            self.name,
            self.image,
            strokes,
            self.paper_reason,
            self.document_number,
            self.delegation,
        )


def strokes_drawn(drawn: str) -> Strokes:
    """Return the strokes of a form's hidden field, or raise SignatureInvalid."""
    if not drawn:
        return ()
    try:
        return msgspec.json.decode(drawn, type=list[list[Point]])
    except msgspec.DecodeError:
        raise SignatureInvalid from None
