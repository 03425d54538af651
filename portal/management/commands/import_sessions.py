"""Import a treatment log from a folder; its sessions wait as candidates until a person confirms them."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.management.organizations import add_organization_option, organization_named
from portal.models import User
from portal.services.imports import import_treatment_log, plan_import
from portal.treatment_log_files import UnreadableLog, read_folder


class Command(BaseCommand):
    help = "Import TrackTreatment.csv, Site.csv, TxField.csv and Ident.csv of a folder. Doing it again adds nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, metavar="FOLDER")
        parser.add_argument("--dry-run", action="store_true", help="count and report, and write nothing")
        parser.add_argument("--by", metavar="USERNAME", help="the person in whose name the log is imported")
        add_organization_option(parser)

    def handle(self, *args: object, **options: object) -> None:
        organization = organization_named(options["organization"])
        by = None
        if options["by"]:
            by = User.objects.filter(organization=organization, username=options["by"], is_active=True).first()
            if by is None:
                raise CommandError(f"no active user {options['by']!r} in {organization.slug}", returncode=2)
            if not by.has_perm("portal.import_sessions"):
                raise CommandError(f"{by.username} may not import treatment logs", returncode=2)
        try:
            log = read_folder(options["folder"])
        except (UnreadableLog, OSError) as error:
            raise CommandError(str(error), returncode=2) from error
        plan = plan_import(organization=organization, log=log)
        counts = plan.counts
        if not options["dry_run"]:
            found = import_treatment_log(organization=organization, log=log, by=by)
            counts = {name: getattr(found, name) for name in counts}
        for row in plan.broken:
            self.stdout.write(f"{row.file} line {row.line}: {row.reason}")
        self.stdout.write(f"new: {counts['new']}, known: {counts['known']}, broken: {counts['broken']}")
        self.stdout.write(
            f"candidates: {counts['candidates']}, deliveries: {counts['deliveries']}, partial: {counts['partial']}, "
            f"rows ignored: {counts['rows_ignored']}"
        )
