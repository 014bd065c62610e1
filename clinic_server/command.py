"""The command ``clinic``: serve a site, set it up, look after its staff, verify its records."""

import asyncio
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import msgspec
import typer
from pydantic import ValidationError
from pydantic_settings import SettingsError
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from clinic_server import demo
from clinic_server.app import create_app, open_house
from clinic_server.backup import command as backup
from clinic_server.backup.rules import BackupFailed
from clinic_server.cold_chain.upkeep.sealing import broken_seals
from clinic_server.doctor.command import doctor
from clinic_server.kit import journal
from clinic_server.kit.access import system_actor
from clinic_server.kit.call import House
from clinic_server.kit.clock import SystemClock
from clinic_server.kit.crypto import Keyring, UnusableKey, WrongKey, load_or_create_keyring
from clinic_server.kit.db import describe
from clinic_server.kit.engines import UnsafeDatabase, is_sqlite, reader_engine, sqlite_path
from clinic_server.kit.errors import ClinicError
from clinic_server.kit.i18n import current_language
from clinic_server.kit.labels import label
from clinic_server.kit.schema import load_tables
from clinic_server.kit.serving import ClinicServer, NotStarted, log_to
from clinic_server.kit.tx import Tx
from clinic_server.screening.actions import replay_all
from clinic_server.settings import Settings, refused_names
from clinic_server.staff import actions
from clinic_server.staff.rules import NUMBER_PATTERN, Newcomer, Role
from clinic_server.staff.sessions import hash_pin

T = TypeVar("T")
_CONSOLE = system_actor("console")
_EPILOG = """\b
Settings: CLINIC_SECTION__KEY in the environment, or in the file site.env of this folder.
Exit codes: 0 done; 1 refused, or faults found; 2 the command was typed wrongly;
3 the server or the database cannot be used, one line says why; 130 interrupted."""


class Exit(IntEnum):
    """How a command ended, for scripts; the help lists them."""

    REFUSED = 1
    UNUSABLE = 3
    INTERRUPTED = 130


cli = typer.Typer(
    help="The server of one vaccination site.",
    epilog=_EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
user = typer.Typer(
    help="Who may sign in. All but `list` need the server to be stopped; while it runs, use its page Staff.",
    epilog=_EPILOG,
    no_args_is_help=True,
    rich_markup_mode=None,
)
cli.add_typer(user, name="user")
cli.add_typer(backup.cli, name="backup", epilog=_EPILOG)
cli.command("restore", epilog=_EPILOG)(backup.restore_site)
cli.command(epilog=_EPILOG)(doctor)
AsJson = Annotated[bool, typer.Option("--json", help="Print the facts as JSON.")]
Number = Annotated[str, typer.Argument(help="What the person signs in with: 3 to 12 digits.")]


@cli.command(epilog=_EPILOG)
def serve() -> None:
    """Serve this site until it is stopped.

    Example: CLINIC_SERVER__PORT=8470 clinic serve
    """
    settings = Settings()
    log_to(sys.stderr)
    ClinicServer(create_app(settings), settings.server.host, settings.server.port).run()


@cli.command("demo", epilog=_EPILOG)
def play_demo(
    *,
    speed: Annotated[float, typer.Option(min=1, max=600, help="How many times faster than the clock.")] = 20,
    port: Annotated[int, typer.Option(help="Where it listens, on this machine only.")] = 8470,
    visitors: Annotated[int | None, typer.Option(min=1, help="How many people come; otherwise no end of them.")] = None,
    reset: Annotated[bool, typer.Option(help="Forget the rehearsal played before.")] = False,
) -> None:
    """Rehearse: a made-up site with simulated people and devices, in a database of its own.

    Example: clinic demo --speed 60
    """
    demo.run(demo.Wishes(speed, port, visitors, reset))


@cli.command(epilog=_EPILOG)
def init(*, as_json: AsJson = False) -> None:
    """Make the site's key and its database, or bring them up to date; nothing is lost when they exist.

    Example: clinic init
    """
    settings = Settings()
    had_key = settings.security.key_file.exists()
    with _house(settings) as house:
        facts = {
            "database": describe(house.db.url),
            "key_file": str(settings.security.key_file.absolute()),
            "key_is_new": not had_key,
            "has_owner": house.db.read_now(actions.has_owner),
        }
    if as_json:
        _print_json(facts)
        return
    typer.echo(f"Database: {facts['database']}")
    typer.echo(f"Key: {facts['key_file']}{'' if had_key else ' (new; keep a copy off this machine)'}")
    typer.echo("Next: clinic serve" if facts["has_owner"] else "Next: clinic serve, which prints the set-up code")


@cli.command(epilog=_EPILOG)
def verify(*, as_json: AsJson = False) -> None:
    """Check the journal's chain, every record it vouches for and every judgement; also while the server runs.

    Each round of questions is judged again by its own version of its rule set, and must find what it found;
    temperatures are compared with the seals of the hours they were received in.

    Example: clinic verify --json
    """
    settings = Settings()
    keyring = _keyring(settings)
    seen = _ask(settings, lambda connection: journal.verify(connection, keyring.journal_key))
    replay = _ask(settings, lambda connection: replay_all(connection, keyring))
    broken = _ask(settings, broken_seals)
    faults = [
        *seen.faults,
        *(f"screening {one} judged again finds something else" for one in replay.differing),
        *(f"readings {one.span}: {one.sealed} were sealed, what is there now ({one.found}) differs" for one in broken),
    ]
    if as_json:
        head = {"seq": seen.head.seq, "hash": seen.head.hash.hex()}
        _print_json(
            {"lines": seen.lines, "records": seen.records, "rounds": replay.rounds, "head": head, "faults": faults}
        )
    else:
        for fault in faults:
            typer.echo(f"FAULT: {fault}")
        typer.echo(f"{seen.lines} journal lines, {seen.records} records, {len(faults)} faults")
        typer.echo(f"{replay.rounds} rounds of questions judged again")
        typer.echo(f"Head: line {seen.head.seq}, {seen.head.hash.hex()}")
    if faults:
        _stop(Exit.REFUSED)


@user.command("list", epilog=_EPILOG)
def list_users(*, as_json: AsJson = False) -> None:
    """List the staff with their roles.

    Example: clinic user list --json
    """
    settings = Settings()
    keyring = _keyring(settings)
    members = _ask(settings, lambda connection: actions.members(connection, keyring))
    if as_json:
        _print_json(members)
        return
    for member in members:
        typer.echo(f"{member.number}\t{member.name}\t{' '.join(member.roles)}{' (left)' if member.has_ended else ''}")


@user.command("add", epilog=_EPILOG)
def add_user(number: Number, name: str, role: Annotated[list[Role], typer.Option()]) -> None:
    """Add someone; the PIN is asked for, or read from the first line of the input.

    Example: clinic user add 1001 "Li Ming" --role registrar --role observer
    """
    if not re.fullmatch(NUMBER_PATTERN, number):
        raise typer.BadParameter("A number has 3 to 12 digits.")
    pin = _asked_pin()
    with _house(Settings()) as house:
        newcomer = Newcomer(number, name.strip(), asyncio.run(hash_pin(house.db.keyring, pin)))
        _done(house.db.write_now(lambda tx: actions.add_staff(tx, newcomer, role), _CONSOLE))


@user.command("reset-pin", epilog=_EPILOG)
def reset_pin(number: Number) -> None:
    """Give someone a new PIN, asked for or read from the first line of the input; their sessions end.

    Example: clinic user reset-pin 1001
    """
    pin = _asked_pin()
    with _house(Settings()) as house:
        pin_hash = asyncio.run(hash_pin(house.db.keyring, pin))

        def reset(tx: Tx) -> actions.StaffRef:
            return actions.set_pin(tx, actions.staff_id_of(tx.connection, number), pin_hash)

        _done(house.db.write_now(reset, _CONSOLE))


@user.command(epilog=_EPILOG)
def grant(number: Number, role: Role) -> None:
    """Grant someone a role.

    Example: clinic user grant 1001 site_lead
    """
    _decide(actions.grant_role, number, role)


@user.command(epilog=_EPILOG)
def revoke(number: Number, role: Role) -> None:
    """Take a role back from someone.

    Example: clinic user revoke 1001 site_lead
    """
    _decide(actions.revoke_role, number, role)


def main() -> None:
    """Run the command; what a person can set right is told in one line, without a stack."""
    current_language.set("en")
    try:
        cli()
    except ClinicError as refused:
        shown = label("error", refused.code, **refused.facts)
        _stop(Exit.REFUSED, f"{shown.text} {shown.fix}".strip())
    except BackupFailed as failed:
        _stop(Exit.REFUSED, label("backup", failed.code, about=failed.about).text)
    except WrongKey:
        _stop(Exit.UNUSABLE, "The key file is not the one this database was written with.")
    except (UnsafeDatabase, UnusableKey, NotStarted, SettingsError) as refused:
        _stop(Exit.UNUSABLE, str(refused))
    except (ValidationError, SQLAlchemyError, OSError) as refused:
        _stop(Exit.UNUSABLE, _why_unusable(refused))
    except KeyboardInterrupt:
        _stop(Exit.INTERRUPTED)


def _why_unusable(refused: ValidationError | SQLAlchemyError | OSError) -> str:
    """Say it without the values that were refused: they may be secrets."""
    if isinstance(refused, OSError):
        return f"{refused.strerror}: {refused.filename}."
    if isinstance(refused, ValidationError):
        return f"These settings cannot be used: {', '.join(refused_names(refused))}."
    return f"The database cannot be used ({type(refused).__name__}); is it there, and made by `clinic init`?"


@contextmanager
def _house(settings: Settings) -> Iterator[House]:
    house = open_house(settings, SystemClock())
    try:
        yield house
    finally:
        house.db.close()


def _ask(settings: Settings, question: Callable[[Connection], T]) -> T:
    """Ask a database that a server may be writing to; nothing is created or changed."""
    url = settings.database.url
    if is_sqlite(url) and not sqlite_path(url).exists():
        raise NotStarted(f"There is no database at {sqlite_path(url)}; `clinic init` makes one.")
    load_tables()
    engine = reader_engine(url)
    try:
        one_view = engine if is_sqlite(url) else engine.execution_options(isolation_level="REPEATABLE READ")
        with one_view.connect() as connection:
            return question(connection)
    finally:
        engine.dispose()


def _keyring(settings: Settings) -> Keyring:
    path: Path = settings.security.key_file
    if not path.exists():
        raise NotStarted(f"There is no key file at {path}.")
    return load_or_create_keyring(path)


def _decide(decide: Callable[[Tx, Any, Role], actions.StaffRef], number: str, role: Role) -> None:
    with _house(Settings()) as house:
        _done(house.db.write_now(lambda tx: decide(tx, actions.staff_id_of(tx.connection, number), role), _CONSOLE))


def _asked_pin() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("PIN", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().strip()


def _done(whom: actions.StaffRef) -> None:
    typer.echo(f"Recorded for {whom.staff_id}.")


def _print_json(facts: object) -> None:
    typer.echo(msgspec.json.format(msgspec.json.encode(facts)).decode())


def _stop(code: Exit, sentence: str = "") -> NoReturn:
    if sentence:
        typer.echo(sentence, err=True)
    raise SystemExit(code.value)
