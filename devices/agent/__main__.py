"""The command ``clinic-agent``: pair a desk PC with its server, carry its devices, tell how it stands."""

import asyncio
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Coroutine
from contextlib import suppress
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn

import msgspec
import typer

from devices.agent import __version__
from devices.agent.carrier import Carrier
from devices.agent.folder import Credential, Folder, FolderUnusable, default_folder
from devices.agent.pairing import (
    CertificateNotTrusted,
    Pairing,
    PairingRefused,
    ServerNotReached,
    Trust,
    server_address,
)
from devices.agent.screen import Screen, lines_of
from devices.agent.spool import SpoolFailed, SpoolTaken
from devices.agent.trust import CertificateUnreadable, certificate_shown_by, fingerprint_of, is_fingerprint
from devices.agent.uplink import AgentEnded
from devices.agent.watch import Watch
from devices.agent.watch_orders import OrdersUnusable, read_orders

STALE_AFTER_S = 15.0
_EPILOG = """\b
Exit codes: 0 done; 1 refused: the code was not typed in time, or the server took this PC off;
2 the command was typed wrongly; 3 it cannot work: one line says why; 130 interrupted."""


class Exit(IntEnum):
    """How a command ended, for scripts; the help lists them."""

    REFUSED = 1
    UNUSABLE = 3
    INTERRUPTED = 130


cli = typer.Typer(
    help="Carries the devices of a desk PC to the server of the site.",
    epilog=_EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
_SENTENCES: Final = (
    (PairingRefused, Exit.REFUSED, ""),
    (AgentEnded, Exit.REFUSED, "The server knows this PC no more. `clinic-agent forget`, then pair it again."),
    ((FolderUnusable, ServerNotReached, OrdersUnusable), Exit.UNUSABLE, ""),
    (SpoolTaken, Exit.UNUSABLE, "Another clinic-agent runs on this folder."),
    (SpoolFailed, Exit.UNUSABLE, "The spool cannot be opened: is the disk full, or the folder somebody else's?"),
    (CertificateUnreadable, Exit.UNUSABLE, "The certificate given is not one in PEM form."),
)
Where = Annotated[Path | None, typer.Option("--folder", help="Where to keep what must outlive the program.")]


@cli.command(epilog=_EPILOG)
def pair(
    server: Annotated[str, typer.Argument(help="The server's address, such as https://server:8470.")],
    *,
    folder: Where = None,
    ca: Annotated[Path | None, typer.Option("--ca", help="The site's certificate authority (PEM).")] = None,
    fingerprint: Annotated[str, typer.Option(help="SHA-256 of the server's own certificate, to pin it.")] = "",
) -> None:
    """Join a site: shows a code that a person types on the server's page Devices.

    Example: clinic-agent pair https://server:8470 --ca site-ca.pem
    """
    place = _folder(folder)
    if place.credential() is not None:
        _stop(Exit.REFUSED, "This PC is paired already. `clinic-agent forget` undoes that.")
    address = server_address(server)
    try:
        credential = _pair(address, _trust(address, ca, fingerprint))
    except CertificateNotTrusted:
        credential = _pair(address, _trust_by_eye(address))
    place.keep_credential(credential)
    typer.echo(f"Paired: this is {credential.name} at {credential.station}. Next: clinic-agent run")


@cli.command(epilog=_EPILOG)
def run(*, folder: Where = None) -> None:
    """Carry the devices of this PC until stopped.

    Example: clinic-agent run
    """
    place = _folder(folder)
    credential = place.credential()
    if credential is None:
        _stop(Exit.UNUSABLE, "This PC is not paired. Begin with: clinic-agent pair https://SERVER:8470")
    carrier = Carrier(credential, place)
    screen = Screen(carrier.standing, sys.stdout, carrier.clock.utc_now)

    def show() -> None:
        screen.show()
        with suppress(FolderUnusable):  # a full disk stops no card
            place.keep_status(_status_of(carrier))

    asyncio.run(_until_told_to_stop(carrier.carry(show)))  # then the ports are closed and what came is on the disk


@cli.command(epilog=_EPILOG)
def watch(
    orders: Annotated[Path, typer.Argument(help="What to watch and whom to wake; deploy/agent/watch.toml shows one.")],
) -> None:
    """Wake people when the site's server is silent. Runs on another PC than the server, paired or not.

    Example: clinic-agent watch /etc/clinic-agent/watch.toml
    """
    standing = Watch(
        read_orders(orders), lambda line: typer.echo(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {line}"), time.monotonic
    )
    asyncio.run(_until_told_to_stop(standing.stand()))


@cli.command(epilog=_EPILOG)
def status(*, folder: Where = None, as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """Tell how the running program stands.

    Example: clinic-agent status --json
    """
    place = _folder(folder)
    credential, written = place.credential(), place.status()
    said = msgspec.json.decode(written) if written else {}
    age_s = (datetime.now(UTC) - datetime.fromisoformat(said["written_at"])).total_seconds() if said else None
    facts = {
        "is_paired": credential is not None,
        "is_running": age_s is not None and -STALE_AFTER_S < age_s < STALE_AFTER_S,
        **said,
    }
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(facts)).decode())
        return
    typer.echo(f"Paired: {'yes' if facts['is_paired'] else 'no'}. Running: {'yes' if facts['is_running'] else 'no'}.")
    for line in said.get("lines", ()):
        typer.echo(line)


@cli.command(epilog=_EPILOG)
def forget(*, folder: Where = None) -> None:
    """Forget the server; what the spool holds stays, for the next pairing. Take this PC off on the server's page too.

    Example: clinic-agent forget
    """
    known = _folder(folder).forget()
    typer.echo("Forgotten. Take this PC off on the server's page Devices as well." if known else "It was not paired.")


@cli.command(epilog=_EPILOG)
def version() -> None:
    """Tell the version."""
    typer.echo(__version__)


def main() -> None:
    """Run the command; what a person can set right is told in one line, without a stack."""
    try:
        cli()
    except (KeyboardInterrupt, asyncio.CancelledError):
        _stop(Exit.INTERRUPTED)
    except Exception as error:  # noqa: BLE001 - whatever it was, it is told in one line
        for kinds, code, sentence in _SENTENCES:
            if isinstance(error, kinds):
                _stop(code, sentence or str(error))
        if isinstance(error, OSError):
            _stop(Exit.UNUSABLE, f"{error.strerror or 'It cannot work'}: {error.filename or 'the system refused'}.")
        _stop(Exit.UNUSABLE, f"A fault of the program: {type(error).__name__} in {_place_of(error)}.")


def _place_of(error: Exception) -> str:
    """Name the line that failed, not what it worked on."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(last.filename).name}:{last.lineno}"


async def _until_told_to_stop(work: Coroutine[Any, Any, None]) -> None:
    """Work until a signal asks to stop."""
    working = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    with suppress(NotImplementedError):  # Windows: Ctrl+C comes as KeyboardInterrupt
        for one in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(one, working.cancel)
    with suppress(asyncio.CancelledError):
        await working


def _status_of(carrier: Carrier) -> bytes:
    written_at = datetime.now(UTC)
    return msgspec.json.encode(
        {"written_at": written_at, "pid": os.getpid(), **carrier.standing.shown(), "lines": lines_of(carrier.standing)}
    )


def _pair(address: str, trust: Trust) -> Credential:
    with Pairing(address, trust) as pairing:
        begun = pairing.begin()
        if address.startswith("http:"):
            typer.echo("The line to this server is not encrypted: only for a network nobody else is on.")
        typer.echo(_invitation(begun.site, begun.code, begun.lives_s // 60))
        return pairing.wait(begun, threading.Event().wait)


def _invitation(site: str, code: str, minutes: int) -> str:
    large = "   ".join(code[:4]) + "     " + "   ".join(code[4:])
    edge = "+" + "-" * (len(large) + 8) + "+"
    empty = "|" + " " * (len(large) + 8) + "|"
    return (
        f"\n{edge}\n{empty}\n|    {large}    |\n{empty}\n{edge}\n\n"
        f"On {site}, an owner or site lead opens the page Devices, Desk PCs, Add a desk PC,\n"
        f"types this code, and says what this PC is called and at which station it stands.\n"
        f"The code holds for {minutes} minutes. Waiting ..."
    )


def _trust(address: str, ca: Path | None, fingerprint: str) -> Trust:
    if ca is not None:
        return Trust(ca.read_text(encoding="ascii", errors="ignore"))
    if not fingerprint:
        return Trust()
    certificate = _shown_by(address)
    if not is_fingerprint(fingerprint, certificate):
        raise PairingRefused(f"The server shows another certificate: {fingerprint_of(certificate)}")
    return Trust(certificate, is_pinned=True)


def _trust_by_eye(address: str) -> Trust:
    """Ask a person to compare the certificate's fingerprint with the server's own."""
    certificate = _shown_by(address)
    typer.echo("This PC does not know who signed the server's certificate. Its SHA-256 fingerprint is\n")
    typer.echo(f"  {fingerprint_of(certificate)}\n")
    if not sys.stdin.isatty():
        raise PairingRefused("Give the site's authority with --ca, or this fingerprint with --fingerprint.")
    if not typer.confirm("Is it the same on the server?"):
        raise PairingRefused("Not paired.")
    return Trust(certificate, is_pinned=True)


def _shown_by(address: str) -> str:
    try:
        return certificate_shown_by(address)
    except OSError:
        raise ServerNotReached(f"{address} does not answer with a certificate.") from None


def _folder(given: Path | None) -> Folder:
    return Folder(given or default_folder())


def _stop(code: Exit, sentence: str = "") -> NoReturn:
    if sentence:
        typer.echo(sentence, err=True)
    raise SystemExit(code.value)


if __name__ == "__main__":
    main()
