"""Readings by hand, certificates, the end of a probe, the register of appliances, and a site's own limits."""

from datetime import date
from typing import Annotated
from uuid import UUID

import msgspec
from fastapi import APIRouter, Response
from pydantic import Field

from clinic_server.cold_chain.rules import ProbeEnd
from clinic_server.cold_chain.upkeep import appliances, certificates, hand_readings, limits, probes, site_limits
from clinic_server.cold_chain.upkeep.rules import KEEPERS, READERS, ServiceKind
from clinic_server.kit.call import Body, Call, allows, signed_in

router = APIRouter(prefix="/api/v1/cold-chain", tags=["cold chain upkeep"])
Reader = Annotated[Call, allows(*READERS)]
Keeper = Annotated[Call, allows(*KEEPERS)]
Proposer = Annotated[Call, allows(*limits.PROPOSERS)]
Confirmer = Annotated[Call, allows(*limits.CONFIRMERS)]
Onlooker = Annotated[Call, signed_in()]
MilliCelsius = Annotated[int, Field(ge=-100_000, le=60_000)]


class HandReadingBody(Body):
    """A temperature as it was typed; ``action_taken`` is asked for where it is out of range."""

    place_code: str = Field(max_length=32)
    temperature: str = Field(min_length=1, max_length=20)
    action_taken: str | None = Field(None, min_length=1, max_length=200)


class CertificateBody(Body):
    """A probe's certificate as it reads; without ``valid_until`` it counts a year."""

    probe_id: str = Field(min_length=1, max_length=128)
    certificate_number: str = Field(min_length=1, max_length=60)
    laboratory: str = Field(min_length=1, max_length=120)
    calibrated_on: date
    deviation_milli_celsius: int = Field(ge=-5_000, le=5_000)
    valid_until: date | None = None


class ProbeEndBody(Body):
    """Why a probe measures here no more."""

    probe_id: str = Field(min_length=1, max_length=128)
    ended_as: ProbeEnd
    reason: str = Field(min_length=1, max_length=200)


class ApplianceBody(Body):
    """What stands as a place, as its plate says."""

    place_code: str = Field(max_length=32)
    maker: str = Field(min_length=1, max_length=80)
    type_name: str = Field(min_length=1, max_length=80)
    serial_number: str = Field(min_length=1, max_length=60)
    capacity_litres: int = Field(ge=1, le=100_000)
    in_use_since_on: date


class ServiceBody(Body):
    """What was done to the appliance of a place."""

    place_code: str = Field(max_length=32)
    kind: ServiceKind
    done_on: date
    done_by: str = Field(min_length=1, max_length=120)
    note: str | None = Field(None, min_length=1, max_length=200)
    next_due_on: date | None = None


class RuleChangeBody(Body):
    """What one rule of a profile becomes."""

    beyond_milli_celsius: MilliCelsius
    for_s: int = Field(ge=60, le=limits.LONGEST_DELAY_S)


class LimitChangesBody(Body):
    """What the site sets itself; ``rules`` in the order of the profile's own."""

    low_milli_celsius: MilliCelsius
    high_milli_celsius: MilliCelsius
    no_data_after_s: int = Field(ge=300, le=3600)
    rules: list[RuleChangeBody] = Field(max_length=20)

    def as_changes(self) -> limits.LimitChanges:
        """Return them as the rules know them."""
        rules = tuple(limits.RuleChange(**one.model_dump()) for one in self.rules)
        return limits.LimitChanges(self.low_milli_celsius, self.high_milli_celsius, self.no_data_after_s, rules)


class LimitsBody(Body):
    """By what a place shall be judged from a day on; without ``changes`` a shipped profile as it is."""

    place_code: str = Field(max_length=32)
    base: str = Field(max_length=40)
    from_on: date
    reason: str = Field(min_length=1, max_length=200)
    changes: LimitChangesBody | None = None


@router.get("/hand-readings")
async def rounds(call: Onlooker) -> list[hand_readings.PlaceRounds]:
    """Return what each place asks to be read today, what was read there of late, and what was missed."""
    now, zone = call.house.db.clock.now(), call.house.settings.site.zone
    return list(await call.read(lambda connection: hand_readings.hand_rounds(connection, now, zone)))


@router.post("/hand-readings", status_code=201)
async def take_reading(call: Reader, body: HandReadingBody) -> Response:
    """Take down what a thermometer shows."""
    new = hand_readings.NewHandReading(body.place_code, body.temperature, body.action_taken)
    return await call.record(lambda tx: hand_readings.take_reading(tx, new))


@router.get("/probes")
async def list_probes(call: Onlooker) -> list[probes.ProbeSeen]:
    """Return every probe with its life and its calibration."""
    today = call.local_date(call.house.db.clock.now())
    return list(await call.read(lambda connection: probes.probes(connection, today)))


@router.post("/probes/end", status_code=201)
async def end_probe(call: Keeper, body: ProbeEndBody) -> Response:
    """Say that a probe was lost or is retired."""
    return await call.record(lambda tx: probes.end_probe(tx, body.probe_id, body.ended_as, body.reason))


@router.post("/certificates", status_code=201)
async def enter_certificate(call: Keeper, body: CertificateBody) -> Response:
    """Enter a certificate as the first of two people."""
    new = certificates.NewCertificate(**body.model_dump())
    return await call.record(lambda tx: certificates.enter_certificate(tx, new))


@router.post("/certificates/{certificate_id}/confirmation", status_code=201)
async def confirm_certificate(call: Keeper, certificate_id: UUID) -> Response:
    """Confirm a certificate as the second person."""
    return await call.record(lambda tx: certificates.confirm_certificate(tx, certificate_id))


@router.get("/appliances")
async def list_appliances(call: Onlooker) -> list[appliances.PlaceKept]:
    """Return every place with what stands there, its service book, and until when its readings are kept."""
    return list(await call.read(appliances.register))


@router.post("/appliances", status_code=201)
async def enter_appliance(call: Keeper, body: ApplianceBody) -> Response:
    """Enter what stands as a place."""
    new = appliances.NewAppliance(**body.model_dump())
    return await call.record(lambda tx: appliances.enter_appliance(tx, new))


@router.post("/appliances/services", status_code=201)
async def enter_service(call: Keeper, body: ServiceBody) -> Response:
    """Enter what was done to an appliance."""
    new = appliances.NewService(**body.model_dump())
    return await call.record(lambda tx: appliances.enter_service(tx, new))


@router.get("/limits")
async def list_limits(call: Onlooker) -> Response:
    """Return all limits ever proposed for a place, the latest first."""
    seen = await call.read(site_limits.limits_seen)
    return Response(msgspec.json.encode(seen), media_type="application/json")


@router.post("/limits", status_code=201)
async def propose_limits(call: Proposer, body: LimitsBody) -> Response:
    """Propose limits for a place as the first of two people."""
    changes = body.changes.as_changes() if body.changes else None
    new = site_limits.NewLimits(body.place_code, body.base, body.from_on, body.reason, changes)
    return await call.record(lambda tx: site_limits.propose_limits(tx, new))


@router.post("/limits/{proposal_id}/confirmation", status_code=201)
async def confirm_limits(call: Confirmer, proposal_id: UUID) -> Response:
    """Agree to limits as the second person."""
    return await call.record(lambda tx: site_limits.confirm_limits(tx, proposal_id))
