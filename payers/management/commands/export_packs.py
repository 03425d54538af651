"""Take an organization's published policies out as sealed rule packs."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from payers.pack_files import folder_files, zipped
from payers.pack_services import packs_of
from portal import clock
from portal.management.organizations import add_organization_option, organization_named


class Command(BaseCommand):
    help = "Write the published policies of payers as a folder of TOML files with a manifest, or as one zip."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("target", type=Path, help="a new folder, or a name that ends in .zip")
        parser.add_argument("--payer", metavar="SLUG", action="append", help="may be given again; all where absent")
        add_organization_option(parser)

    def handle(self, *args: object, **options: object) -> None:
        organization, target = organization_named(options["organization"]), options["target"]
        packs = packs_of(organization.pk, slugs=options["payer"])
        if missing := set(options["payer"] or ()) - {pack.slug for pack in packs}:
            raise CommandError(f"{', '.join(sorted(missing))}: no such payer with a published version", returncode=2)
        if not packs:
            raise CommandError("nothing is published yet", returncode=2)
        made_on = timezone.localdate(clock.now())
        files = folder_files(packs, name=organization.name, made_on=made_on)
        try:
            if target.suffix == ".zip":
                target.write_bytes(zipped(files))
            else:
                target.mkdir()
                for name, content in files.items():
                    (target / name).write_bytes(content)
        except OSError as error:
            raise CommandError(f"{target}: {error.strerror}", returncode=2) from error
        versions = sum(len(pack.versions) for pack in packs)
        self.stdout.write(f"{target}: {len(packs)} payers, {versions} published versions")
