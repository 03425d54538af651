"""Capture charges again for every patient of an organization; doing it again is safe."""

from argparse import ArgumentTypeError
from datetime import date

from django.core.management.base import BaseCommand, CommandParser

from coding.services import capture_from
from portal.management.organizations import add_organization_option, organization_named
from portal.models import FIRST_DAY, Patient


def iso_date(text: str) -> date:
    """A date as YYYY-MM-DD, or the message that argparse shows."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is not a date; write YYYY-MM-DD") from error


class Command(BaseCommand):
    help = "Rule on every remembered session again. Equal answers write nothing; unsent lines are replaced."

    def add_arguments(self, parser: CommandParser) -> None:
        add_organization_option(parser)
        parser.add_argument("--since", type=iso_date, default=FIRST_DAY, help="first date of service (YYYY-MM-DD)")

    def handle(self, *args: object, **options: object) -> None:
        organization = organization_named(options["organization"])
        rulings = 0
        for place, patient in enumerate(Patient.objects.filter(organization=organization).order_by("pk"), start=1):
            rulings += len(capture_from(patient=patient, day=options["since"], by=None))
            self.stdout.write(f"patients captured: {place}")
            self.stdout.flush()
        self.stdout.write(f"new rulings: {rulings}")
