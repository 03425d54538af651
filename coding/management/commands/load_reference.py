"""Load an official reference file from disk."""

from pathlib import Path
from time import perf_counter

from django.core.management.base import BaseCommand, CommandError, CommandParser

from coding.management.commands.capture_charges import iso_date
from coding.models import ReferenceKind
from coding.reference_files import ReferenceFileError, file_at
from coding.reference_services import AlreadyLoaded, load_before, load_reference
from portal import clock


class Command(BaseCommand):
    help = "Load an official file for dates of service from a day on, and tell what it adds, deletes and changes."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("kind", choices=ReferenceKind.values)
        parser.add_argument("file", type=Path, nargs="+", help=".csv, .txt or .zip; several are the parts of one table")
        parser.add_argument("--effective-from", metavar="DATE", type=iso_date, required=True)
        parser.add_argument("--release", metavar="NAME", required=True, help="such as '2026 Q4'")
        parser.add_argument("--replace", action="store_true", help="in place of the load with that first day")

    def handle(self, *args: object, **options: object) -> None:
        begun = perf_counter()
        if missing := [path for path in options["file"] if not path.is_file()]:
            raise CommandError(f"{missing[0]}: no such file", returncode=2)
        try:
            load = load_reference(
                kind=options["kind"],
                effective_from=options["effective_from"],
                release=options["release"],
                files=[file_at(path) for path in options["file"]],
                by=None,
                at=clock.now(),
                replace=options["replace"],
            )
        except ReferenceFileError as error:
            raise CommandError(f"{error} Nothing was loaded.", returncode=2) from error
        except AlreadyLoaded as error:
            raise CommandError(
                f"{error} is loaded for that first day; --replace loads it anew", returncode=2
            ) from error
        before = load_before(load)
        against = f"against {before.release} from {before.effective_from}" if before else "the first of its kind"
        self.stdout.write(f"{load}: {load.rows_loaded} rows from {load.effective_from} on, {against}")
        self.stdout.write(f"additions {load.added}, deletions {load.removed}, changes {load.changed}")
        self.stdout.write(f"loaded in {perf_counter() - begun:.1f} s")
