"""One worker of the concurrency tests: waits at the gate with the others, then captures every patient.

usage: capture_worker.py ORGANIZATION with-lock|without-lock
"""

import os
import sys

import django

GATE = 20260101


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from coding import services

    organization, lock = sys.argv[1:]
    if lock == "without-lock":
        services.lock_patients = lambda patient_ids: None
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock_shared(%s)", [GATE])
        cursor.execute("SELECT pg_advisory_unlock_shared(%s)", [GATE])
    call_command("capture_charges", organization=organization)


if __name__ == "__main__":
    main()
