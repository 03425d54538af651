"""Fill an empty database with fictitious clinics; on one that has them, do nothing."""

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from coding.demo_data import make_clinic
from portal import clock
from portal.models import Organization, TreatmentSession

# Holds open when charges are captured, and all of a demo is captured today; a worklist without ages shows nothing.
AGE_HOLDS = """
ALTER TABLE coding_sessionhold DISABLE TRIGGER hold_is_history;
UPDATE coding_sessionhold hold SET opened_at = least(session.coded_on + interval '15 hours', hold.opened_at)
    FROM portal_treatmentsession session
    WHERE session.id = hold.session_id AND session.organization_id = %s;
ALTER TABLE coding_sessionhold ENABLE TRIGGER hold_is_history;
"""
CLINICS = (
    {"name": "Riverbend Cancer Care", "slug": "riverbend", "suffix": "", "courses": 135, "recent": 45},
    {"name": "Lakeshore Oncology", "slug": "lakeshore", "suffix": "-b", "courses": 6, "recent": 4},
)


class Command(BaseCommand):
    help = "Demo data: people, payers, courses and about 5,000 sessions, all of them fictitious."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--orgs", type=int, choices=(1, 2), default=2, help="how many organizations (default 2)")

    def handle(self, *args: object, **options: object) -> None:
        if not settings.DEMO_DATA_ALLOWED:
            raise CommandError("demo data is refused here: BEAMLEDGER_ENV is production", returncode=2)
        for clinic in CLINICS[: options["orgs"]]:
            if Organization.objects.filter(slug=clinic["slug"]).exists():
                self.stdout.write(f"{clinic['name']}: there already")
                continue
            organization = make_clinic(**clinic, now=clock.now(), password=settings.DEMO_PASSWORD)
            sessions = TreatmentSession.objects.filter(organization=organization).count()
            self.stdout.write(f"{organization.name}: {sessions} sessions")
            with connection.cursor() as cursor:
                cursor.execute(AGE_HOLDS, [organization.pk])
            # The planner knows nothing of rows that came in one go until its statistics are gathered.
            with connection.cursor() as cursor:
                cursor.execute("ANALYZE")
