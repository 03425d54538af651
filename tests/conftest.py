"""What every test may rely on: a tidy database, a fixed clock, roles, the shared inputs, a browser."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.db import connection

from portal.roles import install_roles

ROOT = Path(__file__).resolve().parent.parent
# Playwright keeps an event loop in the test's thread, and Django would refuse its own database there.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo):
    """Where BEAMLEDGER_CI is set nothing may be missing, so a skip is a failure."""
    outcome = yield
    report = outcome.get_result()
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("BEAMLEDGER_CI"):
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may be: {report.longrepr[2] if report.longrepr else ''}"


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """Let the suite empty its own tables between tests that commit, which the guards would refuse.

    At the end nothing else may hold the database that is dropped then, a request of a closed browser no more than
    a killed worker.
    """
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT format('ALTER TABLE %s DISABLE TRIGGER %I', tgrelid::regclass, tgname) FROM pg_trigger "
            "WHERE tgname LIKE '%not_truncated'"
        )
        for (statement,) in cursor.fetchall():
            cursor.execute(statement)
    yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.fixture(autouse=True)
def quick_and_certain(settings):
    """The day on which every coder of the suite works, and passwords that are hashed at once."""
    settings.NOW = datetime(2026, 11, 24, 15, tzinfo=UTC)
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def roles(db):
    """The four groups with their permissions."""
    return install_roles()


@pytest.fixture(scope="session")
def shared_folder() -> Path:
    """Inputs and cases that live outside the repository."""
    folder = Path(os.environ.get("BEAMLEDGER_SHARED", ROOT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip(f"The shared inputs are not at {folder}; BEAMLEDGER_SHARED names another folder.")
    return folder


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    """Debian's Chromium, quiet and without reaching for the network."""
    path = os.environ.get("BEAMLEDGER_CHROMIUM")
    if not path:
        pytest.skip("There is no Chromium on this machine; as root ./script/test installs it.")
    quiet = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
    quiet += ["--disable-component-update", "--disable-sync", "--no-sandbox"]
    return browser_type_launch_args | {"executable_path": path, "args": quiet}
