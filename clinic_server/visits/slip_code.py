"""The code on a visit's slips: names the visit to a scanner, says nothing of the person, and only this site makes it.

``V1-260302-047-`` and eight letters: the clinic day, the ticket, and what the site's key makes of the visit. The key,
not the number of letters, is what keeps it from being made; the letters are too many to be tried at a desk.
"""

import base64
import hmac
import re
from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, select

from clinic_server.kit.crypto import Keyring
from clinic_server.kit.errors import NotFound
from clinic_server.visits.lookup import Standing, standing
from clinic_server.visits.tables import visit

_FORM: Final = re.compile("V1-([0-9]{6})-([0-9]{3,6})-[A-Z2-7]{8}")
_KEYED_BYTES: Final = 5  # eight letters of base32, with no bit left over that could be written otherwise
_CENTURY: Final = "20"


class SlipUnknown(NotFound):
    """No visit of this site has this slip: misread, made up, or another site's."""

    code = "slip_unknown"


def slip_code(keyring: Keyring, visit_id: UUID, business_on: date, ticket_number: int) -> str:
    """Return the code that stands on a visit's slips."""
    keyed = keyring.blind_index("visit slip", f"{visit_id.hex} {business_on.isoformat()}")[:_KEYED_BYTES]
    return f"V1-{business_on:%y%m%d}-{ticket_number:03d}-{base64.b32encode(keyed).decode()}"


def visit_of_slip(connection: Connection, keyring: Keyring, code: str) -> Standing:
    """Return the visit whose slip this is, or raise SlipUnknown; a code is good in the one spelling we print."""
    if (form := _FORM.fullmatch(code)) is None:
        raise SlipUnknown
    try:
        business_on, ticket_number = date.fromisoformat(_CENTURY + form[1]), int(form[2])
    except ValueError:
        raise SlipUnknown from None
    day = (visit.c.business_on == business_on, visit.c.ticket_number == ticket_number)
    visit_id = connection.execute(select(visit.c.id).where(*day)).scalar()
    if visit_id is None:
        raise SlipUnknown
    ours = slip_code(keyring, visit_id, business_on, ticket_number)
    if not hmac.compare_digest(ours.encode(), code.encode()):
        raise SlipUnknown
    return standing(connection, visit_id)
