"""Compare what was prescribed, delivered, charged and authorized, and print where they part ways."""

import json

from django.core.management.base import BaseCommand, CommandError, CommandParser

from coding.management.commands.capture_charges import iso_date
from coding.reconciliation import Gap, GapKind, Reconciliation, reconcile
from portal import clock
from portal.management.organizations import add_organization_option, organization_named


class Command(BaseCommand):
    help = "Find the gaps between what was delivered and what is billed, by kind; what is not known yet is null."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--from", metavar="DATE", dest="first", type=iso_date, required=True)
        parser.add_argument("--until", metavar="DATE", dest="last", type=iso_date, required=True, help="inclusive")
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        add_organization_option(parser)

    def handle(self, *args: object, **options: object) -> None:
        organization = organization_named(options["organization"])
        if options["last"] < options["first"]:
            raise CommandError("--until lies before --from", returncode=2)
        found = reconcile(organization=organization, first=options["first"], last=options["last"], now=clock.now())
        if options["json"]:
            self.stdout.write(json.dumps(gaps_as_json(found), indent=2))
        else:
            self.stdout.write("\n".join(_in_words(found)))


def gaps_as_json(found: Reconciliation) -> dict[str, object]:
    """The gaps of every kind; null for a kind that cannot be known yet."""
    return {
        "gaps": {kind.value: None if gaps is None else [_row(gap) for gap in gaps] for kind, gaps in found.gaps.items()}
    }


def _row(gap: Gap) -> dict[str, object]:
    return {
        "session": gap.session_id,
        "course": gap.course_id,
        "date_of_service": gap.day.isoformat(),
        "detail": gap.detail,
    }


def _in_words(found: Reconciliation) -> list[str]:
    total = found.total
    told = [f"{found.first:%m/%d/%Y} through {found.last:%m/%d/%Y}: {len(found.visits)} visits."]
    for name, number in [*total.columns.items(), *total.gaps.items()]:
        told.append(f"  {name.value.replace('_', ' '):28}{'not known yet' if number is None else number:>6}")
    for kind in GapKind:
        for gap in found.gaps[kind] or ():
            session = f"session {gap.session_id}" if gap.session_id else "no session"
            told.append(f"{gap.day:%m/%d/%Y}  {kind.value}  course {gap.course_id}, {session}: {gap.detail}")
    return told
