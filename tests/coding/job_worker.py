"""A worker that is caught in the middle of a job: says so when the job is part of the way, then waits at the gate.

usage: job_worker.py
"""

import os

import django

GATE = 20260102


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from portal.services.jobs import Progress

    tell = Progress.__call__

    def tell_and_wait(self, done: int, total: int) -> None:
        tell(self, done, total)
        if done:
            print("part of the way", flush=True)
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_lock_shared(%s)", [GATE])
                cursor.execute("SELECT pg_advisory_unlock_shared(%s)", [GATE])
            tell(self, done, total)

    Progress.__call__ = tell_and_wait
    call_command("work")


if __name__ == "__main__":
    main()
