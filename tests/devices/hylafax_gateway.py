"""HylaFAX's SNPP server in a spool of its own; what its modem was given goes to standard output, one line a page.

``python tests/devices/hylafax_gateway.py FOLDER SPOOL PORT [STATUS]``, in a network and mounts of its own: it listens
on every address, and looks up whom it runs as in /etc/passwd. FOLDER has hylafax-server and hylafax-client, unpacked.
With STATUS its scheduler runs too, and a program stands for its modem's that ends with STATUS: 2 is sent, 1 is not.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

FOLDERS = "archive bin client config dev docq doneq etc info log pollq recvq sendq status tmp"
ACCOUNTS = "root:x:0:0::/:/bin/sh\nuucp:x:0:0::/:/bin/sh\n"  # in a namespace there is nobody but root
SETTINGS = {
    "etc/hosts.hfaxd": "localhost:0::\n",
    "etc/hfaxd.conf": "LogFacility: daemon\n",
    "etc/config": "LogFacility: daemon\nSendPageCmd: bin/pagesend\nNotifyCmd: bin/notify\n",
    "etc/config.modem": "",
    "etc/setup.cache": "",
    "etc/pagermap": "^(5.*)$ provider/\\1\n",
    "bin/notify": "#!/bin/sh\n",
}
PAGESEND = """#!/bin/sh
pager=$(sed -n 's/^page:0:://p' "$3")
echo "PAGE $pager text=$(cat "$(sed -n 's/^data:0:://p' "$3")")" >> log/pages
exit {status}
"""
READY_WITHIN_S = 120.0


def main(folder: Path, spool: Path, port: int, status: str | None = None) -> None:
    """Serve until terminated."""
    lay_out(spool, status or "")
    environment = os.environ | {"LD_LIBRARY_PATH": str(folder / "hylafax-client/usr/lib/hylafax")}
    server = folder / "hylafax-server/usr"
    programs = []
    if status is not None:
        programs.append(started([server / "sbin/faxq", "-D", "-q", spool], environment))
        wait_until((spool / "FIFO").exists)
        joining = [server / "lib/hylafax/bin/faxmodem", "-q", spool, "-p", "modem"]
        subprocess.run(joining, env=environment, check=True)  # noqa: S603  # our own words
    programs.append(started([server / "sbin/hfaxd", "-d", "-q", spool, "-s", str(port)], environment))
    wait_until(lambda: answers(port))
    say("READY")
    signal.sigwait({signal.SIGTERM})
    for program in programs:
        program.kill()
        program.wait()
    pages = spool / "log/pages"
    say(pages.read_text().rstrip() if pages.exists() else "")


def lay_out(spool: Path, status: str) -> None:
    """Write into an empty folder what faxsetup would ask for."""
    for name in FOLDERS.split():
        (spool / name).mkdir()
    for name, text in {**SETTINGS, "bin/pagesend": PAGESEND.format(status=status), "passwd": ACCOUNTS}.items():
        (spool / name).write_text(text)
        (spool / name).chmod(0o755 if name.startswith("bin/") else 0o600)
    (spool / "passwd").chmod(0o644)
    (spool / "dev/null").touch()
    for source, target in ((spool / "passwd", "/etc/passwd"), ("/dev/null", spool / "dev/null")):
        subprocess.run(["mount", "--bind", source, target], check=True)  # noqa: S603, S607  # in mounts of our own


def started(command: list[str | Path], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL)  # noqa: S603  # our own words


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def wait_until(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + READY_WITHIN_S
    while not is_so():
        if time.monotonic() > until:
            sys.exit("not ready")
        time.sleep(0.02)


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:])
