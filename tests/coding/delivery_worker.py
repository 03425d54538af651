"""A worker that is caught in the middle of a delivery: says so when the report is made, then waits for a line of input.

usage: delivery_worker.py
"""

import os
import sys

import django


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    from django.core.management import call_command

    from coding.management.commands import work

    make = work.scheduled_report

    def make_and_wait(schedule, delivery_on):
        report = make(schedule, delivery_on)
        print("made", flush=True)
        sys.stdin.readline()
        return report

    work.scheduled_report = make_and_wait
    call_command("work", "--once")


if __name__ == "__main__":
    main()
