"""The settings, read by processes of their own: production refuses what only a demo may have."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings as current
from django.core.management import call_command

from portal.settings import database

ROOT = Path(__file__).resolve().parent.parent
SECRET = "a-secret-of-this-test-only-that-is-longer-than-fifty-characters"
PRODUCTION = {"BEAMLEDGER_ENV": "production", "SECRET_KEY": SECRET, "DATABASE_URL": "postgres://nobody@/nowhere"}


def manage(*words: str, without: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    settings = {**os.environ, **PRODUCTION, **environment}
    # conftest.py sets this one for Playwright; a deployment would be refused with it.
    settings.pop("DJANGO_ALLOW_ASYNC_UNSAFE", None)
    settings.pop(without, None)
    return subprocess.run(
        [sys.executable, "manage.py", *words], cwd=ROOT, env=settings, capture_output=True, text=True, check=False
    )


def test_production_without_a_server_is_refused():
    done = manage("check", without="DATABASE_URL")

    assert done.returncode != 0
    assert "DATABASE_URL must name a PostgreSQL server" in done.stderr


@pytest.mark.parametrize("secret", ["demo-only-secret-that-production-refuses", "short"])
def test_production_with_a_poor_secret_is_refused(secret):
    done = manage("check", SECRET_KEY=secret)

    assert done.returncode != 0
    assert "SECRET_KEY: production wants one of its own" in done.stderr


def test_production_without_a_secret_is_refused():
    done = manage("check", without="SECRET_KEY")

    assert done.returncode != 0
    assert "SECRET_KEY: production wants one of its own" in done.stderr


def test_production_refuses_demo_accounts():
    done = manage("seed_demo", "--orgs", "2")

    assert done.returncode == 2
    assert done.stdout == ""
    assert "demo data is refused here" in done.stderr


@pytest.mark.parametrize("word", ["--no-serve", "--reset", "--stop"])
def test_demo_script_in_production_is_refused(word):
    done = subprocess.run(
        [ROOT / "script" / "demo", word], env={**os.environ, **PRODUCTION}, capture_output=True, text=True, check=False
    )

    assert done.returncode != 0
    assert "the demo is refused here" in done.stderr


def test_demo_script_tells_the_password_that_the_accounts_have():
    assert f'PASSWORD = "{current.DEMO_PASSWORD}"' in (ROOT / "script" / "demo").read_text()


def test_deployment_check_of_production_settings_is_clean():
    done = manage("check", "--deploy", "--fail-level", "WARNING", ALLOWED_HOSTS="beamledger.example")

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "postgres://ann:p%40ss@db.example:6432/ledger?sslmode=require",
            {"NAME": "ledger", "USER": "ann", "PASSWORD": "p@ss", "HOST": "db.example", "PORT": "6432"},
        ),
        (
            "postgresql://ann@/ledger?host=%2Frun%2Fpostgresql",
            {"NAME": "ledger", "USER": "ann", "PASSWORD": "", "HOST": "/run/postgresql", "PORT": ""},
        ),
    ],
)
def test_database_url_names_server_or_socket(url, expected):
    told = database(url)

    assert {key: told[key] for key in expected} == expected


def test_database_url_options_reach_the_driver():
    found = database("postgres://a@h/n?sslmode=require")["OPTIONS"]

    assert found == {"options": "-c jit=off", "sslmode": "require"}


def test_database_url_of_another_engine_is_refused():
    with pytest.raises(ValueError, match="allowed: postgres, postgresql"):
        database("sqlite:///ledger.db")


def test_collected_files_name_nothing_that_is_missing(settings, tmp_path):
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}
    }

    call_command("collectstatic", "--noinput", verbosity=0)

    assert (tmp_path / "staticfiles.json").exists()
