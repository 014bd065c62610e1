"""A new site's checklist: each step counts as taken once it really is, and no sooner."""

import re
from datetime import timedelta
from pathlib import Path

from clinic_server.backup.rules import name_of
from clinic_server.kit.call import House
from clinic_server.setting_up.lookup import steps_taken
from clinic_server.setting_up.rules import Step
from clinic_server.settings import BackupSettings, Settings, SiteSettings, WallSettings
from clinic_server.staff.actions import add_station, end_staff
from clinic_server.staff.rules import QualificationKind, Role, StationKind
from tests.api.callers import AsRole
from tests.api.visitors import OWNER, SYSTEM, TODAY, a_colleague, a_lot, a_place, a_product, an_open_site
from tests.conftest import ManualClock


def taken(house: House, settings: Settings | None = None) -> set[Step]:
    db, now = house.db, house.db.clock.now()
    known = settings or house.settings
    return set(db.read_now(lambda connection: steps_taken(connection, db.keyring, known, TODAY, now)))


async def test_a_site_grows_step_by_step(house: House) -> None:
    db = house.db
    assert taken(house) == set()
    a_colleague(db, Role.PHYSICIAN)
    a_colleague(db, Role.REGISTRAR, QualificationKind.VACCINATOR)
    assert taken(house) == set(), "a role without its certificate, or a certificate without its role, is not enough"
    physician = a_colleague(db, Role.PHYSICIAN, QualificationKind.PHYSICIAN)
    a_colleague(db, Role.VACCINATOR, QualificationKind.VACCINATOR)
    assert taken(house) == {Step.PHYSICIAN, Step.VACCINATOR}
    assert physician.staff_id
    staff_id = physician.staff_id
    db.write_now(lambda tx: end_staff(tx, staff_id), OWNER)
    assert taken(house) == {Step.VACCINATOR}, "who left counts no more"
    an_open_site(db)
    assert taken(house) >= {Step.LEAD, Step.PHYSICIAN, Step.EMERGENCY, Step.KIT}
    a_product(db)
    a_place(db)
    assert taken(house) >= {Step.PRODUCTS, Step.PLACES}
    assert not taken(house) & {Step.PROBES, Step.STOCK}
    a_lot(db, "81000003000000000001", bench=None)
    assert Step.STOCK in taken(house)


async def test_each_kind_of_station_is_needed(house: House) -> None:
    kinds = (StationKind.REGISTRATION, StationKind.SCREENING, StationKind.INJECTION, StationKind.OBSERVATION)
    for place, kind in enumerate(kinds):
        assert Step.STATIONS not in taken(house)

        def add(tx: object, place: int = place, kind: StationKind = kind) -> None:
            add_station(tx, f"place-{place}", kind)  # type: ignore[arg-type]  # the writer's transaction

        house.db.write_now(add, SYSTEM)
    assert Step.STATIONS in taken(house)


async def test_what_stands_in_the_settings_counts(house: House, clock: ManualClock, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    known = house.settings.model_copy(
        update={
            "site": SiteSettings(name="Sports hall"),
            "wall": WallSettings(token="long"),  # of a test
            "backup": BackupSettings(folder=folder, recipient="age1" + "q" * 58),
        }
    )
    assert taken(house, known) == {Step.NAME, Step.WALL, Step.BACKUP_KEY}
    (folder / name_of(known.site.code, clock.now() - timedelta(minutes=5))).touch()
    assert Step.BACKUP_MADE in taken(house, known)


async def test_the_lead_is_led_through_and_others_are_not(as_role: AsRole) -> None:
    lead = await as_role(Role.SITE_LEAD)
    page = (await lead.get("/setting-up")).text
    told = re.search(r"(\d+) steps are missing before", page)
    assert told is not None
    assert f"{told[1]} steps are missing." in (await lead.get("/setting-up/standing")).text
    assert 'href="/receiving"' in page
    owner = await as_role(Role.OWNER, station="office")
    sheet = (await owner.get("/setting-up")).text.partition("<main")[2]
    assert 'href="/staff"' in sheet
    assert 'href="/receiving"' not in sheet, "a page that would refuse the owner is no way to go"
    assert "/setting-up/standing" in (await lead.get("/")).text
    registrar = await as_role(Role.REGISTRAR)
    assert "/setting-up/standing" not in (await registrar.get("/")).text
