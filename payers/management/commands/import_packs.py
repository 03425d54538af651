"""Hold rule packs against an organization's policies, and bring their versions in as drafts."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError, CommandParser

from payers.draft_services import DraftExists
from payers.pack_comparison import PackPair, VersionPair, paired
from payers.pack_files import PackFolder, read_pack_folder, read_upload
from payers.pack_services import import_versions, packs_of
from payers.policy_files import PolicyFileError
from payers.presenters.packs import version_differences
from portal.management.organizations import add_organization_option, organization_named
from portal.models import User


class Command(BaseCommand):
    help = (
        "Show what rule packs would change; with --as, bring the first new version of each payer in as that "
        "person's draft. Nothing is ever published by it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", type=Path, help="a folder with pack.toml, a zip, or the TOML file of one payer")
        parser.add_argument("--payer", metavar="SLUG", action="append", help="may be given again; all where absent")
        parser.add_argument("--as", metavar="USERNAME", dest="username", help="whose drafts they become")
        add_organization_option(parser)

    def handle(self, *args: object, **options: object) -> None:
        organization = organization_named(options["organization"])
        folder = _read(options["source"])
        wanted = options["payer"]
        if missing := set(wanted or ()) - {pack.slug for pack in folder.packs}:
            raise CommandError(f"{', '.join(sorted(missing))}: not in {options['source']}", returncode=2)
        packs = [pack for pack in folder.packs if not wanted or pack.slug in wanted]
        pairs = [pair for pair in paired(packs_of(organization.pk), packs) if pair.after is not None]
        for pair in pairs:
            self.stdout.write("\n".join(_told(pair)))
        if options["username"]:
            self._bring_in(organization, pairs, options["username"])

    def _bring_in(self, organization: object, pairs: list[PackPair], username: str) -> None:
        person = User.objects.filter(organization=organization, username=username, is_active=True).first()
        if person is None or not person.has_perm("payers.add_policyversion"):
            raise CommandError(f"{username}: nobody of the organization who may draft policies", returncode=2)
        firsts = [(pair, next((found for found in pair.versions if found.before is None), None)) for pair in pairs]
        chosen = [(pair.after, found.after) for pair, found in firsts if found is not None]
        try:
            drafts = import_versions(organization=organization, chosen=chosen, by=person)
        except DraftExists as error:
            raise CommandError(f"{error}: publish or discard its draft first. Nothing was brought in") from error
        for draft in drafts:
            self.stdout.write(f"draft of {draft.label}")
        self.stdout.write(f"{len(drafts)} drafts brought in")


def _read(source: Path) -> PackFolder:
    try:
        return read_pack_folder(source) if source.is_dir() else read_upload(source.name, source.read_bytes())
    except OSError as error:
        raise CommandError(f"{source}: {error.strerror}", returncode=2) from error
    except PolicyFileError as error:
        raise CommandError(str(error), returncode=2) from error


def _told(pair: PackPair) -> list[str]:
    lines = [f"{pair.shown.name} ({pair.slug}){'' if pair.before else ': new payer'}"]
    for found in pair.versions:
        lines.append(f"  from {found.effective_from.isoformat()}: {_standing(found)}")
        if found.before and found.after and not found.is_same:
            lines += [f"    {change.sentence}" for change in version_differences(found.before, found.after)]
    return lines


def _standing(found: VersionPair) -> str:
    if found.after is None:
        return "only here"
    if found.before is None:
        return "new"
    return "same" if found.is_same else "differs"
