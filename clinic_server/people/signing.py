"""Keeping a signature: sealed, in the columns every table of signatures has."""

from typing import Any
from uuid import UUID

import msgspec

from clinic_server.kit.crypto import Keyring
from clinic_server.people.rules import PersonFacts
from clinic_server.people.signatures import Signature, SignatureMethod, Signer, png_base64


def signed_columns(
    keyring: Keyring, row: tuple[str, UUID], signature: Signature, person: PersonFacts
) -> dict[str, Any]:
    """Return what a row of this table and id keeps of a signature under something that is about a person."""
    table_name, row_id = row

    def sealed(column: str, content: str) -> bytes:
        return keyring.seal(content, f"{table_name}:{column}:{row_id}")

    def sealed_if_said(column: str, content: str) -> bytes | None:
        return sealed(column, content.strip()) if content.strip() else None

    is_drawn = signature.method is SignatureMethod.DRAWN
    name = person.name if signature.signer is Signer.RECIPIENT else signature.name.strip()
    return {
        "signer": signature.signer,
        "relationship": signature.relationship,
        "method": signature.method,
        "name_sealed": sealed("name", name),
        "image_sealed": sealed("image", png_base64(signature.image)) if is_drawn else None,
        "strokes_sealed": sealed("strokes", msgspec.json.encode(signature.strokes).decode()) if is_drawn else None,
        "paper_reason_sealed": None if is_drawn else sealed("paper_reason", signature.paper_reason.strip()),
        "document_number_sealed": sealed_if_said("document_number", signature.document_number),
        "delegation_sealed": sealed_if_said("delegation", signature.delegation),
    }
