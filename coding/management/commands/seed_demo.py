"""Fill an empty database with fictitious clinics; on one that has them, do nothing."""

from datetime import datetime, time, timedelta

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from coding.demo_data import make_clinic
from coding.presenters.report_files import scheduled_report
from portal import clock
from portal.models import Organization, ReportFormat, ReportPeriod, Rhythm, TreatmentSession, User, ViewPlace
from portal.services.inbox import deliver_due, mark_read, schedule_report
from portal.services.views import save_view

# Holds open when charges are captured, and all of a demo is captured today; a worklist without ages shows nothing.
AGE_HOLDS = """
ALTER TABLE coding_sessionhold DISABLE TRIGGER hold_is_history;
UPDATE coding_sessionhold hold SET opened_at = least(session.coded_on + interval '15 hours', hold.opened_at)
    FROM portal_treatmentsession session
    WHERE session.id = hold.session_id AND session.organization_id = %s;
ALTER TABLE coding_sessionhold ENABLE TRIGGER hold_is_history;
"""
# The same of lines: most of them come within three days of the session, and some are late.
AGE_LINES = """
ALTER TABLE coding_chargeline DISABLE TRIGGER charge_line_keeps_to_its_way;
UPDATE coding_chargeline line SET created_at = least(line.created_at, session.date_of_service + interval '15 hours'
        + interval '1 day' * CASE WHEN session.id %% 29 = 0 THEN 9 ELSE session.id %% 4 END)
    FROM portal_treatmentsession session
    WHERE session.id = line.session_id AND session.organization_id = %s;
ALTER TABLE coding_chargeline ENABLE TRIGGER charge_line_keeps_to_its_way;
"""
# A line was captured on another day now, which is to be summed anew for the reports on people.
MARK_DAYS_OF_LINES = """
INSERT INTO coding_actmark (organization_id, day)
    SELECT DISTINCT organization_id, (created_at AT TIME ZONE 'UTC')::date FROM coding_chargeline
    WHERE organization_id = %s;
"""
# And of sessions: each was entered on its day.
AGE_SESSIONS = """
UPDATE portal_treatmentsession SET recorded_at = least(recorded_at, date_of_service + interval '15 hours')
    WHERE organization_id = %s;
"""
EARLY = time(0, 5)
CLINICS = (
    {"name": "Riverbend Cancer Care", "slug": "riverbend", "suffix": "", "courses": 135, "recent": 45},
    {"name": "Lakeshore Oncology", "slug": "lakeshore", "suffix": "-b", "courses": 6, "recent": 4},
)


def deliver_reports(manager: User, now: datetime) -> None:
    """A saved report that comes every month, with the messages of the last two: the older one is read."""
    this_month = now.astimezone(manager.zone).date().replace(day=1)
    last_month = (this_month - timedelta(days=1)).replace(day=1)
    view = save_view(
        place=ViewPlace.REPORTS,
        name="Levels by physician",
        query="report=levels&by=physician",
        is_shared=True,
        by=manager,
    )
    schedule_report(
        view=view,
        rhythm=Rhythm.MONTHLY,
        first_on=last_month,
        period=ReportPeriod.LAST_MONTH,
        file_format=ReportFormat.XLSX,
        by=manager,
    )
    for day in (last_month, this_month):
        mark_read(at=now, by=manager)
        deliver_due(at=min(datetime.combine(day, EARLY, manager.zone), now), make=scheduled_report)


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
            now = clock.now()
            organization = make_clinic(**clinic, now=now, password=settings.DEMO_PASSWORD)
            if not clinic["suffix"]:
                deliver_reports(organization.users.get(username="manager"), now)
            sessions = TreatmentSession.objects.filter(organization=organization).count()
            self.stdout.write(f"{organization.name}: {sessions} sessions")
            with connection.cursor() as cursor:
                cursor.execute(AGE_HOLDS, [organization.pk])
                cursor.execute(AGE_LINES, [organization.pk])
                cursor.execute(MARK_DAYS_OF_LINES, [organization.pk])
                cursor.execute(AGE_SESSIONS, [organization.pk])
            # The planner knows nothing of rows that came in one go until its statistics are gathered.
            with connection.cursor() as cursor:
                cursor.execute("ANALYZE")
