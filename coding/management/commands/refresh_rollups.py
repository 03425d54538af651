"""Sum up live lines of the months in which lines changed; the worker does the same by itself."""

from django.core.management.base import BaseCommand

from coding.rollups import refresh_rollups


class Command(BaseCommand):
    help = "Sum up live lines of every department and month in which lines changed, for the reports."

    def handle(self, *args: object, **options: object) -> None:
        self.stdout.write(f"months: {refresh_rollups()}")
