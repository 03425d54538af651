"""Sum up live lines and acts where they changed; the worker does the same by itself."""

from django.core.management.base import BaseCommand

from coding.act_rollups import refresh_acts
from coding.rollups import refresh_rollups


class Command(BaseCommand):
    help = (
        "Sum up live lines of every department and month in which lines changed, and the acts of every day on which "
        "somebody acted, for the reports."
    )

    def handle(self, *args: object, **options: object) -> None:
        self.stdout.write(f"months: {refresh_rollups()}, days: {refresh_acts()}")
