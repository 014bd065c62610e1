"""The composition root: everything a site's server is made of, put together once."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache

import structlog
from fastapi import FastAPI
from fastapi.routing import APIRoute

from clinic_server import __version__, navigation
from clinic_server.adverse_events import deadlines, kinds
from clinic_server.adverse_events.care import api as care_api
from clinic_server.adverse_events.care import drug_tables, protocols, symptoms
from clinic_server.adverse_events.care import pages as care_pages
from clinic_server.adverse_events.due import api as due_api
from clinic_server.adverse_events.due import pages as due_pages
from clinic_server.adverse_events.due.watching import ClocksDue
from clinic_server.adverse_events.report import api as report_api
from clinic_server.adverse_events.report import card_pages as report_card_pages
from clinic_server.adverse_events.report import pages as report_pages
from clinic_server.adverse_events.similar import api as similar_api
from clinic_server.adverse_events.similar import limits
from clinic_server.adverse_events.similar import pages as similar_pages
from clinic_server.alerts import api as alerts_api
from clinic_server.alerts import ladders
from clinic_server.alerts import pages as alerts_pages
from clinic_server.alerts.links import Tries
from clinic_server.alerts.missing import tell_missing
from clinic_server.alerts.settling import AnsweredWatch
from clinic_server.audit import api as audit_api
from clinic_server.audit import pages as audit_pages
from clinic_server.audit.looking import LookBook, LooksNoted
from clinic_server.backup.watching import Backups
from clinic_server.certificates import pages as certificates_pages
from clinic_server.check_in import admissions
from clinic_server.check_in import api as check_in_api
from clinic_server.check_in import pages as check_in_pages
from clinic_server.check_in.group import api as group_api
from clinic_server.check_in.group import pages as group_pages
from clinic_server.check_in.newborn import api as newborn_api
from clinic_server.check_in.newborn import pages as newborn_pages
from clinic_server.closing import api as closing_api
from clinic_server.closing import pages as closing_pages
from clinic_server.cold_chain import api as cold_chain_api
from clinic_server.cold_chain import pages as cold_chain_pages
from clinic_server.cold_chain.course import api as course_api
from clinic_server.cold_chain.course import pages as course_pages
from clinic_server.cold_chain.course.tables import lacks_hours, rebuild_hours
from clinic_server.cold_chain.excursions import api as excursions_api
from clinic_server.cold_chain.excursions import pages as excursions_pages
from clinic_server.cold_chain.excursions.doubts import ProbeDoubts
from clinic_server.cold_chain.excursions.silence import Silence
from clinic_server.cold_chain.logger_files import api as logger_files_api
from clinic_server.cold_chain.logger_files import pages as logger_files_pages
from clinic_server.cold_chain.upkeep import api as upkeep_api
from clinic_server.cold_chain.upkeep import pages as upkeep_pages
from clinic_server.cold_chain.upkeep.watching import ReadingSeals, UpkeepDue
from clinic_server.consent import api as consent_api
from clinic_server.consent import pages as consent_pages
from clinic_server.consent import texts
from clinic_server.corrections import api as corrections_api
from clinic_server.corrections import pages as corrections_pages
from clinic_server.counting import api as counting_api
from clinic_server.counting import pages as counting_pages
from clinic_server.demand import api as demand_api
from clinic_server.demand import pages as demand_pages
from clinic_server.demand.following import DosesDue
from clinic_server.device_hub import agent_api, desk_pages
from clinic_server.device_hub import api as device_hub_api
from clinic_server.device_hub import pages as device_hub_pages
from clinic_server.device_hub.desks import Desks
from clinic_server.device_hub.hub import DeviceHub
from clinic_server.device_hub.scanned import typed_content
from clinic_server.device_hub.slips import api as slips_api
from clinic_server.device_hub.slips import pages as slips_pages
from clinic_server.device_hub.slips.office import SlipOffice
from clinic_server.doctor import pages as doctor_pages
from clinic_server.exchange import api as exchange_api
from clinic_server.exchange import pages as exchange_pages
from clinic_server.exchange.dry_runs import DryRuns
from clinic_server.floor import api as floor_api
from clinic_server.floor import pages as floor_pages
from clinic_server.immunisations import api as immunisations_api
from clinic_server.immunisations import pages as immunisations_pages
from clinic_server.immunisations import schedules
from clinic_server.injection import api as injection_api
from clinic_server.injection import box_pages, check_lists, who_came_pages
from clinic_server.injection import pages as injection_pages
from clinic_server.kit import live, patterns, web
from clinic_server.kit.access import system_actor
from clinic_server.kit.call import House
from clinic_server.kit.clock import Clock, FastClock, SystemClock
from clinic_server.kit.clock_watch import ClockWatch, keep_time
from clinic_server.kit.codes import WrongCodes
from clinic_server.kit.crypto import Keyring, WrongKey, load_or_create_keyring
from clinic_server.kit.db import Database
from clinic_server.kit.engines import is_sqlite, sqlite_path
from clinic_server.kit.ids import Ids
from clinic_server.kit.inbox import Inbox
from clinic_server.kit.journal import is_head_ours, last_line_at
from clinic_server.kit.pages import STATIC, Pages
from clinic_server.kit.routing import RouteTable
from clinic_server.kit.schema import upgrade
from clinic_server.kit.shedding import Shedding
from clinic_server.kit.tx import Site
from clinic_server.kit.witness import Witness
from clinic_server.observation import routers as observation_routers
from clinic_server.observation.checks import plans as check_plans
from clinic_server.opening import api as opening_api
from clinic_server.opening import checklists, kit_lists
from clinic_server.opening import pages as opening_pages
from clinic_server.opening.ambulance import api as ambulance_api
from clinic_server.opening.ambulance import pages as ambulance_pages
from clinic_server.opening.emergency_kit import api as kit_api
from clinic_server.opening.emergency_kit import pages as kit_pages
from clinic_server.opening.hospitals import api as hospitals_api
from clinic_server.opening.hospitals import pages as hospitals_pages
from clinic_server.opening.watching import ReadinessWatch
from clinic_server.paging import api as paging_api
from clinic_server.paging import pages as paging_pages
from clinic_server.paging.heartbeat import Part
from clinic_server.paging.path import AlarmPath
from clinic_server.people.actions import index_phones
from clinic_server.people.lookup import lacks_phone_index
from clinic_server.queue import api as queue_api
from clinic_server.queue import pages as queue_pages
from clinic_server.recall import api as recall_api
from clinic_server.recall import pages as recall_pages
from clinic_server.receiving import api as receiving_api
from clinic_server.receiving import pages as receiving_pages
from clinic_server.reports import api as reports_api
from clinic_server.reports import pages as reports_pages
from clinic_server.screening import api as screening_api
from clinic_server.screening import own_pages as own_answers_pages
from clinic_server.screening import pages as screening_pages
from clinic_server.screening import rule_set_api, rule_set_pages, rule_sets
from clinic_server.screening.adoption import admission_adopted, changed_sets
from clinic_server.seeking import api as seeking_api
from clinic_server.seeking import pages as seeking_pages
from clinic_server.setting_up import pages as setting_up_pages
from clinic_server.settings import Settings
from clinic_server.staff import api as staff_api
from clinic_server.staff import pages as staff_pages
from clinic_server.staff.sessions import Sessions, SetUpCode, set_up_code_for
from clinic_server.stock import api as stock_api
from clinic_server.stock import ledger_pages
from clinic_server.stock import pages as stock_pages
from clinic_server.stock.overdue import OverdueVials
from clinic_server.stock.places import place_names
from clinic_server.wall import cold_room
from clinic_server.wall import pages as wall_pages
from clinic_server.wall.shared import SharedBoards
from clinic_server.wall.voice import pages as voice_pages
from clinic_server.wall.voice import words as voice_words

_log = structlog.get_logger(__name__)
ROUTERS = (
    live.router,
    staff_api.router,
    staff_pages.router,
    check_in_api.router,
    check_in_pages.router,
    group_api.router,
    group_pages.router,
    newborn_api.router,
    newborn_pages.router,
    seeking_api.router,
    seeking_pages.router,
    screening_api.router,
    screening_pages.router,
    rule_set_api.router,
    rule_set_pages.router,
    own_answers_pages.router,
    consent_api.router,
    consent_pages.router,
    immunisations_api.router,
    immunisations_pages.router,
    injection_api.router,
    injection_pages.router,
    who_came_pages.router,
    box_pages.router,
    *observation_routers.ROUTERS,
    care_api.router,
    care_pages.router,
    report_api.router,
    report_pages.router,
    report_card_pages.router,
    due_api.router,
    due_pages.router,
    similar_api.router,
    similar_pages.router,
    opening_api.router,
    opening_pages.router,
    kit_api.router,
    kit_pages.router,
    ambulance_api.router,
    ambulance_pages.router,
    hospitals_api.router,
    hospitals_pages.router,
    queue_api.router,
    queue_pages.router,
    corrections_api.router,
    corrections_pages.router,
    recall_api.router,
    recall_pages.router,
    receiving_api.router,
    receiving_pages.router,
    certificates_pages.router,
    closing_api.router,
    closing_pages.router,
    exchange_api.router,
    exchange_pages.router,
    stock_api.router,
    stock_pages.router,
    demand_api.router,
    demand_pages.router,
    ledger_pages.router,
    counting_api.router,
    counting_pages.router,
    reports_api.router,
    reports_pages.router,
    floor_api.router,
    audit_api.router,
    audit_pages.router,
    doctor_pages.router,
    setting_up_pages.router,
    floor_pages.router,
    alerts_api.router,
    alerts_pages.router,
    cold_chain_api.router,
    cold_chain_pages.router,
    course_api.router,
    course_pages.router,
    excursions_api.router,
    excursions_pages.router,
    upkeep_api.router,
    upkeep_pages.router,
    logger_files_api.router,
    logger_files_pages.router,
    device_hub_api.router,
    device_hub_pages.router,
    agent_api.router,
    desk_pages.router,
    slips_api.router,
    slips_pages.router,
    paging_api.router,
    paging_pages.router,
    wall_pages.router,
    cold_room.router,
    voice_pages.router,
    patterns.router,
)
_CLINIC_DATA = (admissions, rule_sets, schedules, texts, checklists, kit_lists, check_plans, ladders, voice_words)
_EVENT_DATA = (symptoms, drug_tables, protocols, deadlines, kinds, limits)


def create_app(settings: Settings, clock: Clock | None = None) -> FastAPI:
    """Return the server of one site; nothing is opened before it starts."""
    clock = clock or _clock_for(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        house = open_house(settings, clock)
        app.state.house = house
        house.db.attach(asyncio.get_running_loop())
        app.state.wrong_codes = WrongCodes(clock)
        app.state.dry_runs = DryRuns(clock)
        app.state.boards = SharedBoards(house.db)
        app.state.alert_link_tries = Tries(clock)
        app.state.place_names, app.state.admission_adopted = place_names, admission_adopted
        app.state.set_up_code = _shown(await set_up_code_for(house.db))
        try:
            async with _looked_after(app, house):
                yield
        finally:
            house.db.broadcaster.close()
            await asyncio.to_thread(house.db.close)

    app = FastAPI(
        title="clinic-server", version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None
    )
    app.add_middleware(Shedding)  # inside of what every answer gets
    web.install(app, settings.server.most_body_bytes)
    app.add_middleware(LooksNoted)
    app.router.routes.append(_routes())
    app.mount("/static", web.static_files(STATIC), name="static")
    return app


@asynccontextmanager
async def _looked_after(app: FastAPI, house: House) -> AsyncIterator[None]:
    """Do everything a server does by itself: watch, attend devices, print, call people."""
    async with (
        ClockWatch(house.db),
        OverdueVials(house),
        Silence(house) as silence,
        ProbeDoubts(house) as probe_doubts,
        DosesDue(house),
        Backups(house),
        AnsweredWatch(house),
        UpkeepDue(house) as upkeep_due,
        ReadingSeals(house) as reading_seals,
        ReadinessWatch(house) as readiness,
        ClocksDue(house) as clocks_due,
        LookBook(house) as look_book,
        Desks(house) as desks,
        DeviceHub(house, desks=desks) as hub,
        SlipOffice(house, hub) as office,
        AlarmPath(
            house,
            Part("device intake", hub.is_alive),
            *(
                Part(one.name, one.is_alive)
                for one in (silence, probe_doubts, upkeep_due, reading_seals, readiness, clocks_due)
            ),
        ) as alarm_path,
    ):
        desks.bring_to(hub.receive)
        app.state.desks, app.state.device_hub, app.state.slip_office = desks, hub, office
        app.state.alarm_path, app.state.look_book = alarm_path, look_book
        yield


@cache
def _routes() -> RouteTable:
    """Return every route of the house, in a table made once for all servers of a process."""
    return RouteTable([route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)])


def open_house(settings: Settings, clock: Clock) -> House:
    """Open the database, brought to this server's schema, and what every call stands on."""
    for data in (*_CLINIC_DATA, *_EVENT_DATA):
        data.shipped()  # a faulty file stops the start, not the first visit
    check_lists.active(
        check_lists.shipped(), settings.site.check_list, clock.now().astimezone(settings.site.zone).date()
    )
    upgrade(settings.database.url)
    ids = Ids(clock)
    db = Database(
        settings.database.url,
        site=Site(settings.site.code, settings.site.zone),
        keyring=load_or_create_keyring(settings.security.key_file),
        clock=clock,
        ids=ids,
    )
    if not db.read_now(lambda connection: is_head_ours(connection, db.keyring.journal_key)):
        db.close()
        raise WrongKey
    if isinstance(clock, FastClock):
        clock.resume_after(max(db.now().at, db.read_now(last_line_at) or db.now().at))
    missing = db.be_witnessed(_witness(settings, db.keyring))
    if missing is not None:
        _log.error("records_missing", waiting=missing.lines)
        db.write_now(lambda tx: tell_missing(tx, missing), system_actor("witness"))
    db.write_now(keep_time, system_actor("clock"))  # nobody is served before a turn of the clock is recorded
    if db.read_now(lacks_hours):
        db.write_now(lambda tx: rebuild_hours(tx.connection), system_actor("cold_chain"))
    if db.read_now(lacks_phone_index):
        db.write_now(index_phones, system_actor("people"))
    for one in db.read_now(changed_sets):
        _log.error("rule_set_changed", reason=f"{one.code} version {one.version}")
    sessions = Sessions(db, clock, idle_minutes=settings.security.idle_minutes)
    pages = Pages(settings.site, clock, ids, demo=settings.demo_speed > 0)
    pages.environment.globals.update(bar=navigation.bar, link_to=navigation.link_to)
    return House(settings, db, Inbox(clock, ids), pages, sessions.actor_for, typed_content)


def _witness(settings: Settings, keyring: Keyring) -> Witness:
    url = settings.database.url
    return Witness(settings.witness_file, keyring.journal_key, sqlite_path(url) if is_sqlite(url) else None)


def _clock_for(settings: Settings) -> Clock:
    return FastClock(settings.demo_speed, settings.demo_since) if settings.demo_speed else SystemClock()


def _shown(code: SetUpCode | None) -> SetUpCode | None:
    """Put the code where only someone at the server's console reads it."""
    if code is not None:
        sys.stdout.write(f"Set-up code: {code.shown}\n")
        sys.stdout.flush()
    return code
