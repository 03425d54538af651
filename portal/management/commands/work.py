"""Do the long work that people ask for on pages; runs beside the portal."""

import os
import signal
import threading

from django.core.management.base import BaseCommand, CommandParser

from coding.jobs import KINDS
from portal.services.jobs import work_off

SECONDS_BETWEEN_LOOKS = 0.5


class Command(BaseCommand):
    help = (
        "Do waiting jobs one after another until told to end; a job that is cut short then waits for the next worker."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="end when nothing waits any more")
        parser.add_argument("--beside-parent", action="store_true", help="end with the process that started this one")

    def handle(self, *args: object, **options: object) -> None:
        if options["once"]:
            self.stdout.write(f"jobs: {work_off(kinds=KINDS)}")
            return
        told_to_end = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: told_to_end.set())
        parent = os.getppid()

        def is_stopping() -> bool:
            return told_to_end.is_set() or (bool(options["beside_parent"]) and os.getppid() != parent)

        while not is_stopping():
            work_off(kinds=KINDS, is_stopping=is_stopping)
            told_to_end.wait(SECONDS_BETWEEN_LOOKS)
