"""What a device says, in the clinic's own words; and what the site adds to what is told of a device."""

from collections.abc import Mapping

from clinic_server.cold_chain.actions import Letter
from clinic_server.cold_chain.rules import Fault, Sample
from clinic_server.kit.errors import ClinicError
from clinic_server.people.rules import CardFacts, CardFault, card_from
from devices.events import IdCard, PayloadRejected, TemperatureMeasured


def site_options(kind: str, options: Mapping[str, str], zone: str) -> Mapping[str, str]:
    """Return a device's options with what the site adds: probes without a time zone of their own keep the site's."""
    return {"zone": zone, **options} if kind == "fridge_probe" else options


def card_content(card: IdCard) -> CardFacts | CardFault:
    """Return what a desk gets of a card: who it names, or why it cannot be used."""
    try:
        return card_from(
            number=card.number,
            name=card.name,
            latin_name=card.latin_name,
            gbt_2261_sex=card.sex,
            born_on=card.born_on,
            nationality=card.nationality,
            valid_until=card.valid_until,
        )
    except ClinicError as refused:
        return CardFault(refused.code)


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


def letter_of(event: PayloadRejected) -> Letter:
    """Return a payload nobody can decode as the cold chain keeps it."""
    return Letter(event.device_id, event.origin, event.reason, event.payload)
