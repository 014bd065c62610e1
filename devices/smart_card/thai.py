"""The Thai citizen's card: fields by offset, in TIS-620, its years those of the Buddhist era."""

from typing import Final

from devices.events import DocumentKind, IdCard
from devices.smart_card.apdu import GET_RESPONSE, CardKind, Exchange, Laying, demand
from devices.smart_card.fields import day, number, sex, words

SELECT: Final = bytes.fromhex("00A4040008A000000054480001")
ENCODING: Final = "tis-620"
BUDDHIST_ERA: Final = 543
# Where each field begins, and its length.
NUMBER, NAME, LATIN_NAME, BORN, SEX = (0x0004, 13), (0x0011, 100), (0x0075, 100), (0x00D9, 8), (0x00E1, 1)
ISSUER, ISSUED, EXPIRES, ADDRESS = (0x00F6, 100), (0x0167, 8), (0x016F, 8), (0x1579, 100)
FOR_LIFE: Final = "99999999"


def read(laying: Laying) -> Exchange[IdCard]:
    """Read the card. Raises BadFrame, CardUnusable."""
    expires = words((yield from _field(laying, EXPIRES)), "ascii")
    for_life = expires == FOR_LIFE
    return IdCard(
        document_kind=DocumentKind.FOREIGN_ID_CARD,
        number=number((yield from _field(laying, NUMBER)), r"[0-9]{13}"),
        name=_name((yield from _field(laying, NAME))),
        latin_name=_name((yield from _field(laying, LATIN_NAME))),
        sex=sex(words((yield from _field(laying, SEX)), "ascii"), "1", "2"),
        born_on=day(words((yield from _field(laying, BORN)), "ascii"), years_ahead=BUDDHIST_ERA),
        address=_joined((yield from _field(laying, ADDRESS))),
        issuer=_joined((yield from _field(laying, ISSUER))),
        valid_from=day(words((yield from _field(laying, ISSUED)), "ascii"), years_ahead=BUDDHIST_ERA),
        valid_until=None if for_life else day(expires, years_ahead=BUDDHIST_ERA),
        valid_for_life=for_life,
        nationality="THA",
        issuing_country="THA",
    )


def get_response(atr: bytes) -> bytes:
    """Return how this generation of the card is asked for the rest of an answer."""
    return bytes.fromhex("00C00001") if atr.startswith(b"\x3b\x67") else GET_RESPONSE


def _field(laying: Laying, field: tuple[int, int]) -> Exchange[bytes]:
    offset, length = field
    apdu = b"\x80\xb0" + offset.to_bytes(2, "big") + bytes([0x02, 0x00, length])
    content = yield from demand(apdu, get_response(laying.atr))
    return content[:length]


def _name(raw: bytes) -> str:
    """Return given, middle and family name; the title before them is none of the name."""
    return " ".join(part for part in words(raw, ENCODING).split("#")[1:] if part)


def _joined(raw: bytes) -> str:
    return " ".join(part for part in words(raw, ENCODING).split("#") if part)


CARD: Final = CardKind(
    name="thai",
    select=SELECT,
    read=read,
    atr_patterns=(
        "3B6800005448204E49442036",
        "3B781800005448204E4944203.",
        "3B791800005448204E4944203130",
        "3B799600005448204E494420313.",
    ),
    get_response=get_response,
)
