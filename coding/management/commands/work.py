"""Do the long work that people ask for on pages, and deliver reports on their days; runs beside the portal."""

import os
import signal
import threading
import time

from django.core.management.base import BaseCommand, CommandParser

from coding.act_rollups import refresh_acts
from coding.jobs import KINDS
from coding.presenters.report_files import scheduled_report
from coding.rollups import refresh_rollups
from coding.units_used import refresh_units_used
from portal import clock
from portal.services.inbox import deliver_due, forget_old_messages
from portal.services.jobs import work_off

SECONDS_BETWEEN_LOOKS = 0.5
# Months that people work on change all day, and until they are summed anew reports count their lines. Reports that are
# due are made right after that.
SECONDS_BETWEEN_SUMS = 30


class Command(BaseCommand):
    help = (
        "Do waiting jobs one after another and deliver the reports that are due, until told to end; a job that is cut "
        "short then waits for the next worker."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="end when nothing waits any more")
        parser.add_argument("--beside-parent", action="store_true", help="end with the process that started this one")

    def handle(self, *args: object, **options: object) -> None:
        if options["once"]:
            jobs = work_off(kinds=KINDS)
            refresh_rollups()
            refresh_acts()
            refresh_units_used()
            self.stdout.write(f"jobs: {jobs}, reports: {deliver_due(at=clock.now(), make=scheduled_report)}")
            forget_old_messages(at=clock.now())
            return
        told_to_end = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: told_to_end.set())
        parent = os.getppid()

        def is_stopping() -> bool:
            return told_to_end.is_set() or (bool(options["beside_parent"]) and os.getppid() != parent)

        summed_at = float("-inf")
        while not is_stopping():
            work_off(kinds=KINDS, is_stopping=is_stopping)
            if time.monotonic() - summed_at >= SECONDS_BETWEEN_SUMS and not is_stopping():
                refresh_rollups()
                refresh_acts()
                refresh_units_used()
                deliver_due(at=clock.now(), make=scheduled_report, is_stopping=is_stopping)
                forget_old_messages(at=clock.now())
                summed_at = time.monotonic()
            told_to_end.wait(SECONDS_BETWEEN_LOOKS)
