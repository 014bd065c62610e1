"""What goes wrong on a simulated day: each mishap by its name, at a moment and with details that the seed chooses."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

from sqlalchemy import select

from clinic_server.alerts.answering import acknowledge
from clinic_server.alerts.rules import AlertState
from clinic_server.alerts.tables import alert_now
from clinic_server.kit.errors import ClinicError
from clinic_server.opening.rules import Safeguard
from clinic_server.screening.rules import DecisionOutcome, Measurements, Proposal
from clinic_server.stock.rules import StopScope
from clinic_server.stock.stops import NewStop
from tests.faults.simulation.people import MINUTE_S, NOTHING_WRONG, made_up
from tests.faults.simulation.site import ServerAway, SimulatedSite
from tests.faults.simulation.store import Trouble, TroubledDatabase
from tests.faults.simulation.terminal import Mood
from tests.proof.steps_of_visits import ALL_TOLD, ALONE, signed

Mishap = Callable[[SimulatedSite], Awaitable[None]]
MISHAPS: dict[str, Mishap] = {}
A_WHILE_MIN = (2.0, 9.0)


def mishap(happens: Mishap) -> Mishap:
    """Register something that goes wrong under its name."""
    MISHAPS[happens.__name__] = happens
    return happens


async def _a_while(site: SimulatedSite) -> None:
    await asyncio.sleep(site.random.uniform(*A_WHILE_MIN) * MINUTE_S)


# ---- the server and its disk ----


@mishap
async def the_process_is_killed(site: SimulatedSite) -> None:
    await site.restart()


@mishap
async def the_server_is_away(site: SimulatedSite) -> None:
    await site.restart(away_s=site.random.uniform(60, 600))


@mishap
async def the_machine_is_switched_off(site: SimulatedSite) -> None:
    site.clock.start_machine_again()
    await site.restart(away_s=site.random.uniform(60, 300))


async def _commit_fails(site: SimulatedSite, trouble: Trouble) -> None:
    if site.is_up and isinstance(site.db, TroubledDatabase):
        site.db.trouble = trouble


@mishap
async def the_disk_is_full(site: SimulatedSite) -> None:
    await _commit_fails(site, Trouble.FULL)


@mishap
async def a_commit_fails_and_nothing_is_kept(site: SimulatedSite) -> None:
    await _commit_fails(site, Trouble.NOTHING_KEPT)


@mishap
async def a_commit_fails_and_all_is_kept(site: SimulatedSite) -> None:
    await _commit_fails(site, Trouble.ALL_KEPT)


# ---- the clock ----


@mishap
async def the_clock_is_set(site: SimulatedSite) -> None:
    minutes = site.random.choice([-90, -31, -6, 6, 31])
    site.clock.step(minutes=minutes)
    if site.random.random() < 0.5:
        await _a_while(site)
        site.clock.step(minutes=-minutes)


@mishap
async def the_clock_shows_another_year(site: SimulatedSite) -> None:
    days = site.random.choice([-20_000, 29_000])
    site.clock.step(days=days)
    await asyncio.sleep(90)
    site.clock.step(days=-days)


# ---- desks and benches ----


@mishap
async def a_request_is_sent_again(site: SimulatedSite) -> None:
    if site.is_up and not site.db.failure and site.sent:
        assert isinstance(site.db, TroubledDatabase)
        site.db.trouble = None  # it waits for somebody who would ask once more
        site.send_again(site.random.choice(site.sent[-6:]))


@mishap
async def two_desks_check_in_one_person(site: SimulatedSite) -> None:
    somebody = made_up(100 + site.random.randrange(20))
    desks = [site.insist(lambda: site.check_in(somebody)) for _ in range(2)]
    visits = [told for told in await asyncio.gather(*desks) if not isinstance(told, ClinicError)]
    for visit_id in {visit.visit_id for visit in visits}:
        await site.insist(partial(site.abandon, visit_id))


@mishap
async def the_back_button_gives_a_dose_again(site: SimulatedSite) -> None:
    if site.held:
        held = site.random.choice(site.held)
        await site.insist(lambda: site.give(held.vaccinator, held.permit_id))


@mishap
async def another_vaccinator_uses_a_permit(site: SimulatedSite) -> None:
    def use_it() -> None:
        holder = site.held[-1].vaccinator
        site.carry(site.random.choice([one for one in site.at_benches if one != holder]))

    site.between_permit_and_dose.append(_quietly(use_it))


@mishap
async def a_vaccinator_carries_a_permit_to_another_bench(site: SimulatedSite) -> None:
    def change_benches() -> None:
        holder = site.held[-1].vaccinator
        bench = site.random.choice([one.station for one in site.at_benches if one.station != holder.station])
        site.carry(replace(holder, station=bench))

    site.between_permit_and_dose.append(_quietly(change_benches))


@mishap
async def it_is_decided_again_between_permit_and_dose(site: SimulatedSite) -> None:
    def decide_again() -> None:
        held = site.held[-1]
        proposal = Proposal(DecisionOutcome.RECOMMENDED, site.product_of[held.code], None, None)
        site.answer(held.visit_id, {}, NOTHING_WRONG)
        site.decide(held.visit_id, site.cast.physicians[0], proposal)
        site.sign(held.visit_id, signed(*ALONE), ALL_TOLD)

    site.between_permit_and_dose.append(_quietly(decide_again))


@mishap
async def it_is_signed_again_between_permit_and_dose(site: SimulatedSite) -> None:
    def sign_again() -> None:
        site.consent_falls(site.held[-1].visit_id, "invalidate")
        site.sign(site.held[-1].visit_id, signed(*ALONE), ALL_TOLD)

    site.between_permit_and_dose.append(_quietly(sign_again))


@mishap
async def a_stop_comes_between_permit_and_dose(site: SimulatedSite) -> None:
    new = NewStop(site.random.choice([StopScope.SITE, StopScope.PRODUCT]), "", "asked for by the county")
    if new.scope is StopScope.PRODUCT:
        new = NewStop(StopScope.PRODUCT, "single", new.reason)
    site.between_permit_and_dose.append(_quietly(lambda: site.stop(new)))
    await _a_while(site)
    await _a_while(site)
    for stop_id in tuple(site.stops):
        await site.insist(lambda stop_id=stop_id: site.lift(stop_id, None, site.cast.lead))  # alone: refused
        await site.insist(lambda stop_id=stop_id: site.propose_lift(stop_id))
        await site.insist(lambda stop_id=stop_id: site.lift(stop_id, None, site.cast.lead))


@mishap
async def a_unit_is_set_apart_between_permit_and_dose(site: SimulatedSite) -> None:
    site.between_permit_and_dose.append(_quietly(lambda: site.hold(site.held[-1].code)))


@mishap
async def a_consent_falls_between_permit_and_dose(site: SimulatedSite) -> None:
    how = site.random.choice(["withdraw", "invalidate", "dispute"])
    site.between_permit_and_dose.append(_quietly(lambda: site.consent_falls(site.held[-1].visit_id, how)))


@mishap
async def an_answer_changes_between_permit_and_dose(site: SimulatedSite) -> None:
    measured = Measurements(36_600, 150, 95)
    site.between_permit_and_dose.append(_quietly(lambda: site.answer(site.held[-1].visit_id, {}, measured)))


@mishap
async def somebody_goes_away(site: SimulatedSite) -> None:
    def go() -> object:
        visits = site.visits()
        return site.abandon(site.random.choice(visits)) if visits else None

    await site.insist(go)


@mishap
async def a_safeguard_is_gone(site: SimulatedSite) -> None:
    safeguard = site.random.choice(list(Safeguard))
    await site.insist(lambda: site.safeguard(safeguard, stands=False))
    await _a_while(site)
    await site.insist(lambda: site.safeguard(safeguard, stands=True))


@mishap
async def somebody_wants_to_leave_at_once(site: SimulatedSite) -> None:
    def leave() -> object:
        sitting = site.sitting()
        return site.leave(site.random.choice(sitting)) if sitting else None

    await site.insist(leave)


def _quietly(act: Callable[[], object]) -> Callable[[], None]:
    """Return an act of somebody who gives up when nothing can be recorded."""

    def do() -> None:
        with suppress(ServerAway):
            act()

    return do


# ---- fridge, probe and broker ----


def _stretch(site: SimulatedSite, degrees: tuple[int, int]) -> Sequence[int]:
    return [site.random.randint(*degrees) for _ in range(site.random.randint(12, 18))]


@mishap
async def the_fridge_is_warm(site: SimulatedSite) -> None:
    site.fridge.go_through(_stretch(site, (8_100, 11_500)))


@mishap
async def the_fridge_freezes(site: SimulatedSite) -> None:
    site.fridge.go_through(_stretch(site, (-3_500, -700)))


@mishap
async def the_probe_is_silent(site: SimulatedSite) -> None:
    site.fridge.is_silent = True
    await asyncio.sleep(site.random.uniform(4, 14) * MINUTE_S)
    site.fridge.is_silent = False


@mishap
async def the_probe_starts_again(site: SimulatedSite) -> None:
    await site.fridge.start_again()


@mishap
async def readings_come_late_and_out_of_order(site: SimulatedSite) -> None:
    site.fridge.post.keeps_back += site.random.randint(3, 12)


@mishap
async def readings_come_twice(site: SimulatedSite) -> None:
    site.fridge.post.doubles += site.random.randint(2, 8)


@mishap
async def a_payload_is_no_reading(site: SimulatedSite) -> None:
    site.fridge.babble()


@mishap
async def the_broker_remembers_an_old_reading(site: SimulatedSite) -> None:
    site.fridge.say_again_what_was_kept()


@mishap
async def the_broker_is_killed(site: SimulatedSite) -> None:
    site.kill_broker()


# ---- pagers ----


@mishap
async def the_terminal_is_unplugged(site: SimulatedSite) -> None:
    site.terminal.unplug()
    await _a_while(site)
    site.terminal.plug_in()


@mishap
async def the_terminal_is_in_a_mood(site: SimulatedSite) -> None:
    site.terminal.mood = site.random.choice([Mood.SILENT, Mood.GARBLED, Mood.REJECTING])
    await _a_while(site)
    site.terminal.mood = Mood.GOOD


@mishap
async def an_alert_is_acknowledged(site: SimulatedSite) -> None:
    wanted = select(alert_now.c.number).where(alert_now.c.state != AlertState.CLOSED).order_by(alert_now.c.number)

    def answer() -> object:
        numbers = site.db.read_now(lambda connection: list(connection.execute(wanted).scalars()))
        if not numbers:
            return None
        number = site.random.choice(numbers)
        return site.act(site.cast.lead, lambda tx: acknowledge(tx, number, "looked after"))

    await site.insist(answer)
