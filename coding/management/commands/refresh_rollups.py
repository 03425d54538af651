"""Sum up live lines, acts and units used where they changed; the worker does the same by itself."""

from django.core.management.base import BaseCommand

from coding.act_rollups import refresh_acts
from coding.rollups import refresh_rollups
from coding.units_used import refresh_units_used


class Command(BaseCommand):
    help = (
        "Sum up live lines of every department and month in which lines changed, the acts of every day on which "
        "somebody acted, and the units used of authorizations of every patient whose visits changed, for the reports."
    )

    def handle(self, *args: object, **options: object) -> None:
        self.stdout.write(f"months: {refresh_rollups()}, days: {refresh_acts()}, patients: {refresh_units_used()}")
