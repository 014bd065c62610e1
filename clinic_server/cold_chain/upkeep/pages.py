"""The pages of upkeep: the round with the thermometer, probes and certificates, the register, a place's limits."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import Field, create_model
from sqlalchemy import Connection

from clinic_server.cold_chain import profiles
from clinic_server.cold_chain.judging import Profile
from clinic_server.cold_chain.rules import ProbeEnd
from clinic_server.cold_chain.upkeep import appliances, certificates, hand_readings, limits, probes, site_limits
from clinic_server.cold_chain.upkeep.in_force import profile_at
from clinic_server.cold_chain.upkeep.rules import KEEPERS, READERS, ServiceKind, typed_milli_celsius
from clinic_server.kit.call import EMPTY_IS_NONE, Call, Form, allows, signed_in
from clinic_server.stock.places import places

router = APIRouter(include_in_schema=False)
Reader = Annotated[Call, allows(*READERS)]
Keeper = Annotated[Call, allows(*KEEPERS)]
Proposer = Annotated[Call, allows(*limits.PROPOSERS)]
Confirmer = Annotated[Call, allows(*limits.CONFIRMERS)]
Onlooker = Annotated[Call, signed_in()]
Typed = Annotated[str, Field(min_length=1, max_length=20)]
OptionalDate = Annotated[date | None, EMPTY_IS_NONE]


class HandReadingForm(Form):
    """A temperature as it was typed."""

    place_code: str = Field(max_length=32)
    temperature: Typed
    action_taken: str = Field("", max_length=200)


class ProbeEndForm(Form):
    """Why a probe measures here no more."""

    probe_id: str = Field(min_length=1, max_length=128)
    ended_as: ProbeEnd
    end_reason: str = Field(min_length=1, max_length=200)


class CertificateForm(Form):
    """A probe's certificate; the deviation is typed in degrees."""

    certified_probe: str = Field(min_length=1, max_length=128)
    certificate_number: str = Field(min_length=1, max_length=60)
    laboratory: str = Field(min_length=1, max_length=120)
    calibrated_on: date
    valid_until: OptionalDate = None
    deviation: Typed


class ApplianceForm(Form):
    """What stands as a place, as its plate says."""

    place_code: str = Field(max_length=32)
    maker: str = Field(min_length=1, max_length=80)
    type_name: str = Field(min_length=1, max_length=80)
    serial_number: str = Field(min_length=1, max_length=60)
    capacity_litres: int = Field(ge=1, le=100_000)
    in_use_since_on: date


class ServiceForm(Form):
    """What was done to the appliance of a place."""

    serviced_place: str = Field(max_length=32)
    kind: ServiceKind
    done_on: date
    done_by: str = Field(min_length=1, max_length=120)
    note: str = Field("", max_length=200)
    next_due_on: OptionalDate = None


class LimitsForm(Form):
    """Limits as they are typed: degrees and minutes. ``beyond_N`` and ``minutes_N`` are added for each rule."""

    place_code: str = Field(max_length=32)
    from_on: date
    reason: str = Field(min_length=1, max_length=200)
    low: Typed
    high: Typed
    no_data_minutes: int = Field(ge=5, le=60)


@router.get("/cold-chain/rounds")
async def show_rounds(call: Onlooker) -> Response:
    """Show what is to be read by hand, what was read, and what was missed."""
    may_read = bool(READERS & call.actor.roles)
    return call.page("cold_chain/rounds.html", may_read=may_read, **await _rounds(call))


@router.get("/cold-chain/rounds/now")
async def show_rounds_again(call: Onlooker) -> Response:
    """Show it again."""
    return call.page("cold_chain/_rounds.html", **await _rounds(call))


@router.post("/cold-chain/rounds")
async def take_reading(call: Reader) -> Response:
    """Take down what a thermometer shows."""
    form = await call.form(HandReadingForm)
    new = hand_readings.NewHandReading(form.place_code, form.temperature, form.action_taken or None)
    return await call.record(lambda tx: hand_readings.take_reading(tx, new), then="/cold-chain/rounds")


@router.get("/cold-chain/probes")
async def show_probes(call: Onlooker) -> Response:
    """Show every probe, its life and its calibration, and the certificates that wait for a second person."""
    today = call.local_date(call.house.db.clock.now())

    def read(connection: Connection) -> dict[str, Any]:
        seen = probes.probes(connection, today)
        return {
            "probes": seen,
            "waiting": certificates.waiting_certificates(connection),
            "unwatched": probes.places_without_probe(connection, seen),
        }

    return call.page("cold_chain/probes.html", **_may_keep(call), **await call.read(read))


@router.post("/cold-chain/probes/end")
async def end_probe(call: Keeper) -> Response:
    """Say that a probe was lost or is retired."""
    form = await call.form(ProbeEndForm)
    return await call.record(
        lambda tx: probes.end_probe(tx, form.probe_id, form.ended_as, form.end_reason), then="/cold-chain/probes"
    )


@router.post("/cold-chain/certificates")
async def enter_certificate(call: Keeper) -> Response:
    """Enter a certificate as the first of two people."""
    form = await call.form(CertificateForm)
    new = certificates.NewCertificate(
        form.certified_probe,
        form.certificate_number,
        form.laboratory,
        form.calibrated_on,
        typed_milli_celsius(form.deviation),
        form.valid_until,
    )
    return await call.record(lambda tx: certificates.enter_certificate(tx, new), then="/cold-chain/probes")


@router.post("/cold-chain/certificates/{certificate_id}/confirmation")
async def confirm_certificate(call: Keeper, certificate_id: UUID) -> Response:
    """Confirm a certificate as the second person."""
    return await call.record(lambda tx: certificates.confirm_certificate(tx, certificate_id), then="/cold-chain/probes")


@router.get("/cold-chain/appliances")
async def show_register(call: Onlooker) -> Response:
    """Show what stands as each place, its service book, and until when its readings are kept."""
    register = await call.read(appliances.register)
    return call.page("cold_chain/appliances.html", register=register, kinds=list(ServiceKind), **_may_keep(call))


@router.post("/cold-chain/appliances")
async def enter_appliance(call: Keeper) -> Response:
    """Enter what stands as a place."""
    form = await call.form(ApplianceForm)
    new = appliances.NewAppliance(**form.model_dump())
    return await call.record(lambda tx: appliances.enter_appliance(tx, new), then="/cold-chain/appliances")


@router.post("/cold-chain/appliances/services")
async def enter_service(call: Keeper) -> Response:
    """Enter what was done to an appliance."""
    form = await call.form(ServiceForm)
    told = (form.serviced_place, form.kind, form.done_on, form.done_by, form.note or None, form.next_due_on)
    new = appliances.NewService(*told)
    return await call.record(lambda tx: appliances.enter_service(tx, new), then="/cold-chain/appliances")


@router.get("/cold-chain/limits")
async def show_limits(
    call: Onlooker,
    place: Annotated[str, Query(max_length=32)] = "",
    base: Annotated[str, Query(max_length=40)] = "",
) -> Response:
    """Show what each place is judged by, what was proposed, and the form that proposes other limits."""
    now = call.house.db.clock.now()

    def read(connection: Connection) -> dict[str, Any]:
        every = places(connection)
        return {
            "places": [(one, profile_at(connection, one.place_id, now)) for one in every],
            "proposals": site_limits.limits_seen(connection),
        }

    shipped = sorted({one.profile for one in profiles.shipped()})
    roles = call.actor.roles
    may = {"may_propose": bool(limits.PROPOSERS & roles), "may_confirm": bool(limits.CONFIRMERS & roles)}
    asked: dict[str, Any] = {"place": place, "base": profiles.profile_of(base or shipped[0]), "shipped": shipped}
    today = call.local_date(now)
    return call.page("cold_chain/limits.html", today=today, **asked, **may, **await call.read(read))


@router.post("/cold-chain/limits/from/{base_code}")
async def propose_limits(call: Proposer, base_code: str) -> Response:
    """Propose limits for a place as the first of two people: a shipped profile, or a copy of it."""
    base = profiles.profile_of(base_code)
    form = await call.form(_limits_form(base))
    new = site_limits.NewLimits(form.place_code, base.profile, form.from_on, form.reason, _changes_of(form, base))
    return await call.record(lambda tx: site_limits.propose_limits(tx, new), then="/cold-chain/limits")


@router.post("/cold-chain/limits/{proposal_id}/confirmation")
async def confirm_limits(call: Confirmer, proposal_id: UUID) -> Response:
    """Agree to limits as the second person."""
    return await call.record(lambda tx: site_limits.confirm_limits(tx, proposal_id), then="/cold-chain/limits")


async def _rounds(call: Call) -> dict[str, Any]:
    now, zone = call.house.db.clock.now(), call.house.settings.site.zone
    return {"rounds": await call.read(lambda connection: hand_readings.hand_rounds(connection, now, zone))}


def _may_keep(call: Call) -> dict[str, bool]:
    return {"may_keep": bool(KEEPERS & call.actor.roles)}


def _limits_form(base: Profile) -> type[LimitsForm]:
    """Return the form for a profile: two more fields for each of its rules."""
    fields: dict[str, Any] = {}
    for number, _ in enumerate(base.rules):
        fields[f"beyond_{number}"] = (Typed, ...)
        fields[f"minutes_{number}"] = (Annotated[int, Field(ge=1, le=limits.LONGEST_DELAY_S // 60)], ...)
    return create_model("LimitsForm", __base__=LimitsForm, **fields)


def _changes_of(form: LimitsForm, base: Profile) -> limits.LimitChanges | None:
    """Return what was typed that is not as the profile has it, None where all of it is."""
    typed = form.model_dump()
    rules = tuple(
        limits.RuleChange(typed_milli_celsius(typed[f"beyond_{number}"]), typed[f"minutes_{number}"] * 60)
        for number, _ in enumerate(base.rules)
    )
    changes = limits.LimitChanges(
        typed_milli_celsius(form.low), typed_milli_celsius(form.high), form.no_data_minutes * 60, rules
    )
    return None if changes == limits.unchanged(base) else changes
