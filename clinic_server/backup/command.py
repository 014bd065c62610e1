"""``clinic backup`` and ``clinic restore``: on the console, also where no server can run any more."""

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from clinic_server.backup.envelope import is_intact, new_key
from clinic_server.backup.making import folder_of, kept_in, make_backup
from clinic_server.backup.moving import move
from clinic_server.backup.restoring import Preview, looked_into, restore
from clinic_server.backup.rules import Kept
from clinic_server.kit.clock import SystemClock
from clinic_server.kit.crypto import load_or_create_keyring
from clinic_server.kit.db import describe
from clinic_server.settings import Settings

_COUNTED = ("person", "visit", "dose", "unit_move", "adverse_event")
AsJson = Annotated[bool, typer.Option("--json", help="Print the facts as JSON.")]
cli = typer.Typer(help="Copies of the site on another disk.", no_args_is_help=True, rich_markup_mode=None)


@dataclass(frozen=True, slots=True)
class Told:
    """A backup that lies there, and whether it is still what was written."""

    kept: Kept
    is_intact: bool


@cli.command("new-key")
def make_key(to: Annotated[Path, typer.Argument(help="New file for the secret half.")]) -> None:
    """Make a backup key: its secret half into a file that you carry away from this machine, the other to the settings.

    Without the secret half no backup can ever be read: keep two copies of it in two places.

    Example: clinic backup new-key /media/usb/backup-key.txt
    """
    secret, recipient = new_key()
    descriptor = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(f"{secret}\n")
        file.flush()
        os.fsync(file.fileno())
    typer.echo(f"The secret half is in {to}: carry it away from this machine, and keep a second copy.")
    typer.echo(f"For the settings: CLINIC_BACKUP__RECIPIENT={recipient}")


@cli.command("make")
def make(*, as_json: AsJson = False) -> None:
    """Make a backup now; also while the server runs.

    Example: clinic backup make
    """
    made = make_backup(Settings(), SystemClock().now())
    if as_json:
        typer.echo(msgspec.json.encode(made).decode())
        return
    typer.echo(f"{made.name}: {made.size_bytes:,} bytes, up to journal line {made.journal_seq}, looked through whole.")
    for name in made.pruned:
        typer.echo(f"No longer kept: {name}")


@cli.command("list")
def list_kept(*, as_json: AsJson = False) -> None:
    """List the backups that are there, and whether each is still what was written; ends with 1 if one is not.

    Example: clinic backup list
    """
    settings = Settings()
    folder = folder_of(settings)
    told = [Told(one, is_intact(folder / one.name)) for one in kept_in(folder, settings.site.code)]
    if as_json:
        typer.echo(msgspec.json.encode(told).decode())
    for one in () if as_json else told:
        typer.echo(f"{one.kept.name}\t{one.kept.size_bytes:,} bytes\t{'intact' if one.is_intact else 'DAMAGED'}")
    if not all(one.is_intact for one in told):
        raise typer.Exit(1)


def move_site(
    to_url: Annotated[str, typer.Argument(metavar="URL", help="An empty database, as CLINIC_DATABASE__URL names one.")],
) -> None:
    """Copy this site into an empty database, as from SQLite to PostgreSQL; what is here stays as it is.

    The server must not be running. Every row is copied, every table compared and the whole journal verified there;
    all of it, or nothing. Then set CLINIC_DATABASE__URL and start the server.

    Example: clinic move postgresql:///clinic
    """
    settings = Settings()
    key = load_or_create_keyring(settings.security.key_file).journal_key
    moved = move(settings.database.url, to_url, key)
    typer.echo(f"Copied and compared: {sum(moved.rows.values()):,} rows of {len(moved.rows)} tables.")
    for name in _COUNTED:
        typer.echo(f"  {moved.rows[name]:>10,} {name}")
    typer.echo(
        f"The journal is verified up to line {moved.head.seq}. The server still uses {describe(settings.database.url)}."
    )


def restore_site(
    backup: Annotated[Path, typer.Argument(help="A file that `clinic backup` made.", exists=True, dir_okay=False)],
    key: Annotated[Path, typer.Option(help="The file with the secret half of the backup key.", exists=True)],
    *,
    replace: Annotated[bool, typer.Option(help="Do it; otherwise it is only told what would happen.")] = False,
) -> None:
    """Tell what a backup holds and what would be lost, or put it in the place of what is there.

    The server must not be running. What is replaced is kept aside. The site begins a new epoch, so that whoever
    holds later records, as the county does, sees that they were lost here.

    Example: clinic restore clinic-SITE1-20260302T010000Z.age --key backup-key.txt --replace
    """
    settings, clock = Settings(), SystemClock()
    with looked_into(settings, backup, key.read_text()) as (preview, inside):
        _tell(preview, clock.now())
        if not replace:
            typer.echo("Nothing was changed. With --replace it takes the place of what is there.")
            return
        epoch = restore(settings, clock, inside)
    typer.echo(
        f"Restored; the site is in epoch {epoch}. Everything after {preview.manifest.made_at:%F %T} UTC is missing."
    )


def _tell(preview: Preview, now: datetime) -> None:
    held, lost = preview.manifest, preview.lost
    age_min = int((now - held.made_at).total_seconds() // 60)
    typer.echo(f"Site {held.site}, made {held.made_at:%F %T} UTC ({age_min} minutes ago), epoch {held.epoch}.")
    typer.echo(f"Up to journal line {held.journal_seq}, schema {held.schema}, {held.engine}.")
    for name in [name for name in _COUNTED if name in held.rows]:
        typer.echo(f"  {held.rows[name]:>10,} {name}")
    if preview.is_unreadable:
        typer.echo("WHAT IS THERE CANNOT BE READ, so nobody can tell what would be lost. It is kept aside.")
    elif lost is None:
        typer.echo("There is no database to be compared with.")
    elif lost.is_another_history:
        typer.echo(f"What is there ({lost.lines} lines) is ANOTHER history than the backup's.")
    else:
        typer.echo(f"What is there has {lost.lines} journal lines more, which would be lost.")
