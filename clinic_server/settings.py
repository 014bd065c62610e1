"""Configuration of a site: ``CLINIC_SECTION__KEY`` in the environment or in ``site.env``."""

from datetime import time
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

_EMPTY_IS_NONE = BeforeValidator(lambda told: told or None)


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SiteSettings(_Section):
    """Who and where this site is."""

    code: str = Field(
        "SITE1",
        max_length=32,
        pattern=r"^[A-Za-z0-9-]+$",
        description="Short name in every journal line; never change it.",
    )
    name: str = Field("Vaccination site", max_length=80, description="Name on screens and slips.")
    hotline: str = Field("", max_length=40, description="Telephone for the public, on slips; empty: none.")
    time_zone: str = Field("Asia/Shanghai", description="Zone of printed times and of the clinic day.")
    day_starts_at: time = Field(time(4, 0), description="Local time at which a new clinic day begins.")
    observation_minutes: int = Field(
        30, ge=30, le=240, description="Least minutes under observation after the last injection."
    )
    separate_physician: bool = Field(
        default=True, description="true: nobody gives the dose they decided about themselves."
    )
    check_list: str = Field(
        "cn-national", max_length=30, description="Confirmations at the bench: cn-national or cn-with-advice."
    )
    minimum_physicians: int = Field(
        1, ge=1, le=50, description="Physicians who must be signed in; with fewer, injections pause."
    )
    ambulance_within_minutes: int = Field(
        0, ge=0, le=60, description="Minutes an ambulance on call may be away; 0: it must stand on site."
    )
    limit_tickets: bool = Field(
        default=False, description="true: no more tickets than usable doses in stock; needs every unit scanned in."
    )
    overbook_doses: int = Field(
        0, ge=0, le=1000, description="Tickets beyond the usable doses, for those found unsuitable or going away."
    )
    priority_minutes: int = Field(
        30, ge=0, le=240, description="Minutes by which people with priority count as waiting longer than they do."
    )
    elderly_from_years: int = Field(
        60, ge=0, le=120, description="Age in years from which a ticket has priority by itself; 0: at no age."
    )
    infants_below_years: int = Field(
        1, ge=0, le=6, description="Age in years below which a ticket has priority by itself; 0: at no age."
    )
    passed_behind: int = Field(
        3, ge=1, le=50, description="People who are called before one who was called and did not come."
    )
    batch_size: int = Field(
        0, ge=0, le=500, description="Tickets of a lane let in together for the questions; 0: everybody at once."
    )
    near_expiry_days: int = Field(30, ge=1, le=180, description="Days ahead of its expiry at which a lot is listed.")

    @property
    def zone(self) -> ZoneInfo:
        """The site's time zone."""
        return ZoneInfo(self.time_zone)


class DatabaseSettings(_Section):
    """Where records live."""

    url: str = Field("sqlite:///var/clinic.db", description="sqlite:///PATH or postgresql://USER@HOST/NAME.")
    witness: Annotated[Path | None, _EMPTY_IS_NONE] = Field(
        None,
        description="File that remembers the last record, best on another disk, so that a loss is told; empty:"
        " beside the key file.",
    )


class ServerSettings(_Section):
    """How desks reach the server."""

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8470, ge=1, le=65535, description="Port to listen on.")
    secure_cookies: bool = Field(default=False, description="true behind TLS: cookies travel encrypted only.")
    most_body_bytes: int = Field(1_000_000, ge=10_000, description="Largest request body accepted.")


class SecuritySettings(_Section):
    """Keys and sessions."""

    key_file: Path = Field(Path("var/site.key"), description="32 secret bytes; keep a copy off this machine.")
    idle_minutes: int = Field(30, ge=1, le=720, description="A session without activity ends after this long.")
    most_searches: int = Field(
        120,
        ge=60,
        le=1000,
        description="Times one person may look for somebody by name, telephone or number within the minutes below;"
        " more are refused and an alarm is raised.",
    )
    searches_minutes: int = Field(60, ge=10, le=1440, description="Minutes within which such searches are counted.")


class WallSettings(_Section):
    """The public display."""

    token: str = Field(
        "", max_length=64, description="Secret part of the wall's address, /wall?token=...; empty: there is no wall."
    )
    voice: tuple[Literal["zh-CN", "zh-TW", "en"], ...] = Field(
        ("zh-CN", "en"),
        description="JSON list of the languages of spoken calls, one after the other; see /wall/voice.",
    )
    voice_clips: bool = Field(
        default=True, description="true: espeak-ng, if installed here, speaks for displays that have no voice."
    )
    languages: tuple[Literal["zh-CN", "zh-TW", "en"], ...] = Field(
        ("zh-CN", "en"), min_length=1, description="JSON list of the languages that take turns on it."
    )
    language_turns_after_s: int = Field(15, ge=5, le=600, description="Seconds each language is shown.")
    theme: Literal["light", "dark"] = Field("light", description="light, or dark for a dim hall and OLED screens.")


class PagingSettings(_Section):
    """Waking somebody."""

    public_url: str = Field(
        "",
        max_length=200,
        pattern=r"^(https?://[^\s/]+)?$",
        description="Address of this server as pagers' holders reach it, for links that answer; empty: no links.",
    )
    may_reach: tuple[str, ...] = Field(
        (),
        description='JSON list of networks beside the internet that channels may reach, such as ["192.168.1.20/32"].',
    )
    test_weekday: Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] = Field(
        "tuesday", description="Day of the weekly test page to everybody."
    )
    test_at: time = Field(time(10, 0), description="Local time of the weekly test page.")
    heartbeat_url: str = Field(
        "",
        max_length=400,
        pattern=r"^(https?://\S+)?$",
        description="Address of a watcher outside, told every minute that the alarm path lives; empty: nobody is told.",
    )


class BackupSettings(_Section):
    """Copies of the site on another disk."""

    folder: Annotated[Path | None, _EMPTY_IS_NONE] = Field(
        None, description="Where backups go, best on another disk; empty: none are made."
    )
    recipient: str = Field(
        "",
        max_length=100,
        pattern=r"^(age1[a-z0-9]{58})?$",
        description="Public half of the backup key (clinic backup new-key); its secret half is kept off this machine.",
    )
    every_minutes: int = Field(60, ge=5, le=1440, description="Minutes between two backups.")


class ReportingSettings(_Section):
    """Numbers of report cards."""

    county_code: str = Field(
        "",
        pattern=r"^([0-9]{6})?$",
        description="Six digits of the county that report cards' numbers begin with; empty: cards go without a number.",
    )
    first_report_serial: int = Field(
        1, ge=1, le=9999, description="Least serial of a report card in a year; raise it after a restore."
    )


class PrintSettings(_Section):
    """Slips on paper."""

    language: Literal["zh-CN", "zh-TW", "en"] = Field("zh-CN", description="Language of queue tickets and slips.")
    font: str = Field(
        "", description="Font file that draws characters a printer lacks; empty: the system's usual Chinese fonts."
    )


class DeviceSettings(_Section):
    """One device of the site."""

    device_id: str = Field(max_length=40)
    kind: str
    url: str
    station: str | None = Field(default=None, max_length=32)
    simulated: bool = False
    options: dict[str, str] = Field(default_factory=dict)


class Settings(BaseSettings):
    """Everything a site may set; see ``site.env.example``."""

    model_config = SettingsConfigDict(
        env_prefix="CLINIC_", env_nested_delimiter="__", env_file="site.env", extra="forbid", frozen=True
    )

    site: SiteSettings = SiteSettings()
    database: DatabaseSettings = DatabaseSettings()
    server: ServerSettings = ServerSettings()
    security: SecuritySettings = SecuritySettings()
    wall: WallSettings = WallSettings()
    paging: PagingSettings = PagingSettings()
    reporting: ReportingSettings = ReportingSettings()
    print: PrintSettings = PrintSettings()
    backup: BackupSettings = BackupSettings()
    devices: tuple[DeviceSettings, ...] = Field((), description="JSON list of devices: device_id, kind, url, station.")
    demo_speed: float = Field(0, ge=0, le=600, description="0 for a real site; more than 0 only in a rehearsal.")
    demo_since: Annotated[AwareDatetime | None, _EMPTY_IS_NONE] = Field(
        None, description="Instant since which a rehearsal's clock runs fast; empty: since its start."
    )

    @property
    def witness_file(self) -> Path:
        """Where the last record is remembered outside the database."""
        return self.database.witness or self.security.key_file.with_suffix(".witness")


def refused_names(refused: ValidationError) -> list[str]:
    """Return the names of settings that were refused, without their values: they may be secrets."""
    return sorted({"CLINIC_" + "__".join(str(part) for part in error["loc"]).upper() for error in refused.errors()})
