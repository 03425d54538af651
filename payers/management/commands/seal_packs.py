"""Seal a folder of rule packs that were written or changed by hand."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from payers.pack_files import SHIPPED_NAME, folder_files, read_packs
from payers.policy_files import FOLDER, PolicyFileError
from portal import clock


class Command(BaseCommand):
    help = "Write every payer's file of a folder in its canonical form, and a manifest with their checksums."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, nargs="?", default=FOLDER, help="default: the packs that ship")
        parser.add_argument("--name", default=SHIPPED_NAME)

    def handle(self, *args: object, **options: object) -> None:
        folder = options["folder"]
        try:
            packs = read_packs(folder)
        except PolicyFileError as error:
            raise CommandError(str(error), returncode=2) from error
        if not packs:
            raise CommandError(f"{folder}: no TOML file of a payer", returncode=2)
        files = folder_files(packs, name=options["name"], made_on=timezone.localdate(clock.now()))
        for name, content in files.items():
            (folder / name).write_bytes(content)
        self.stdout.write(f"{folder}: {len(packs)} payers sealed")
