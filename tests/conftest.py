"""What every test may rely on: roles, a tidy database, a fixed clock."""

from datetime import UTC, datetime

import pytest
from django.db import connection

from portal.roles import install_roles


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """Let the suite empty its own tables between tests that commit, which the guards would refuse."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT format('ALTER TABLE %s DISABLE TRIGGER %I', tgrelid::regclass, tgname) FROM pg_trigger "
            "WHERE tgname LIKE '%%not_truncated'"
        )
        for (statement,) in cursor.fetchall():
            cursor.execute(statement)


@pytest.fixture(autouse=True)
def fixed_clock(settings):
    """The day on which every coder of the suite works."""
    settings.NOW = datetime(2026, 11, 24, 15, tzinfo=UTC)


@pytest.fixture
def roles(db):
    """The four groups with their permissions."""
    return install_roles()
