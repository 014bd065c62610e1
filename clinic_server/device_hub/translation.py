"""What a device says, in the clinic's own words; and what the site adds to what is told of a device."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from clinic_server.cold_chain.actions import Letter
from clinic_server.cold_chain.rules import Fault, Sample
from clinic_server.cold_chain.supply.rules import SupplyWord
from clinic_server.kit.errors import ClinicError
from clinic_server.kit.labels import labels
from clinic_server.people.documents import DocumentKind
from clinic_server.people.rules import CardFacts, CardFault, CardHolder, card_from, holder_from
from devices.events import DocumentKind as ReadKind
from devices.events import IdCard, PayloadRejected, SupplyTold, TemperatureMeasured

# The other kinds have a number that tells what it is; a social security card's is that of its holder's identity card.
TRAVEL_DOCUMENTS: Final[Mapping[ReadKind, DocumentKind]] = MappingProxyType(
    {
        ReadKind.PASSPORT: DocumentKind.PASSPORT,
        ReadKind.HK_MACAU_TRAVEL_PERMIT: DocumentKind.TRAVEL_PERMIT_HK_MACAU,
        ReadKind.TAIWAN_TRAVEL_PERMIT: DocumentKind.TRAVEL_PERMIT_TAIWAN,
    }
)
# Good cards of countries and offices whose numbers no register here knows: they name their holder and no more.
WANTED_INSTEAD: Final[Mapping[ReadKind, DocumentKind]] = MappingProxyType(
    {
        ReadKind.TAIWAN_NHI_CARD: DocumentKind.TRAVEL_PERMIT_TAIWAN,
        ReadKind.FOREIGN_ID_CARD: DocumentKind.PASSPORT,
        ReadKind.OTHER_TRAVEL_DOCUMENT: DocumentKind.PASSPORT,
    }
)


def site_options(kind: str, options: Mapping[str, str], zone: str) -> Mapping[str, str]:
    """Return a device's options with what the site adds: probes without a time zone of their own keep the site's."""
    return {"zone": zone, **options} if kind == "fridge_probe" else options


def card_content(card: IdCard) -> CardFacts | CardHolder | CardFault:
    """Return what a desk gets of a card: who it names, or why it cannot be used. The photo stays behind."""
    try:
        wanted = WANTED_INSTEAD.get(card.document_kind)
        return _facts(card) if wanted is None else _holder(card, wanted)
    except ClinicError as refused:
        return CardFault(refused.code)


def _facts(card: IdCard) -> CardFacts:
    return card_from(
        number=card.number,
        name=card.name,
        latin_name=card.latin_name,
        gbt_2261_sex=card.sex,
        born_on=card.born_on,
        nationality=card.nationality,
        valid_until=card.valid_until,
        kind=TRAVEL_DOCUMENTS.get(card.document_kind),
        issuing_country=card.issuing_country,
    )


def _holder(card: IdCard, wanted: DocumentKind) -> CardHolder:
    return holder_from(
        wanted=wanted,
        name=card.name,
        latin_name=card.latin_name,
        gbt_2261_sex=card.sex,
        born_on=card.born_on,
        nationality=card.nationality,
    )


def card_fault(reason: str) -> CardFault:
    """Return why a card cannot be read: the reader's reason where people have words for it."""
    return CardFault(reason if reason in labels()["card_fault"] else "card_unreadable")


def sample_of(event: TemperatureMeasured) -> Sample:
    """Return a sample as the cold chain stores it."""
    sample = event.sample
    return Sample(
        probe_id=sample.probe_id,
        boot=sample.boot,
        seq=sample.seq,
        measured_at=sample.measured_at,
        milli_celsius=sample.milli_celsius,
        fault=Fault(sample.fault.value) if sample.fault else None,
        uptime_s=sample.uptime_s,
        is_retained=sample.retained,
        device_id=event.device_id,
    )


def supply_of(event: SupplyTold) -> SupplyWord:
    """Return what a sender lives on as the cold chain stores it."""
    return SupplyWord(event.part, event.told_at, event.battery_percent, event.is_on_mains)


def letter_of(event: PayloadRejected) -> Letter:
    """Return a payload nobody can decode as the cold chain keeps it."""
    return Letter(event.device_id, event.origin, event.reason, event.payload)
