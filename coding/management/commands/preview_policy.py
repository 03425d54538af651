"""Show what other terms of a payer would do to its sessions: a what-if on what is stored, and nothing is kept."""

import json
from dataclasses import replace
from datetime import date, timedelta

from django.core.management.base import BaseCommand, CommandError, CommandParser

from coding.case_files import term_overrides
from coding.engine.terms import PolicyTerms, TermError, in_force, parse_term
from coding.management.commands.capture_charges import iso_date
from coding.policy_preview import PolicyPreview, PreviewedSession, preview_policy
from payers.models import PayerPolicy
from portal import clock
from portal.management.organizations import add_organization_option, organization_named

DAYS_BACK = 90


class Command(BaseCommand):
    help = "Rule again on a payer's sessions under other terms, and show the lines and holds that would change."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--payer", metavar="SLUG", required=True)
        parser.add_argument(
            "--set", metavar="KEY=VALUE", action="extend", nargs="+", default=[], help="terms over those in force"
        )
        parser.add_argument("--effective-from", metavar="DATE", type=iso_date, required=True)
        parser.add_argument("--from", metavar="DATE", dest="first", type=iso_date, help="default: 90 days back")
        parser.add_argument("--until", metavar="DATE", dest="last", type=iso_date, help="default: today")
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        add_organization_option(parser)

    def handle(self, *args: object, **options: object) -> None:
        organization = organization_named(options["organization"])
        policies = PayerPolicy.objects.filter(payer__organization=organization).select_related("payer")
        policy = policies.filter(payer__slug=options["payer"]).first()
        if policy is None:
            known = ", ".join(policies.order_by("payer__slug").values_list("payer__slug", flat=True))
            raise CommandError(f"payer {options['payer']!r} has no policy; known: {known}", returncode=2)
        last = options["last"] or clock.now().date()
        first = options["first"] or last - timedelta(days=DAYS_BACK)
        if last < first:
            raise CommandError("--until lies before --from", returncode=2)
        draft = _draft(policy, options["effective_from"], options["set"])
        preview = preview_policy(policy=policy, draft=draft, first=first, last=last)
        if options["json"]:
            self.stdout.write(json.dumps(preview_as_json(preview), indent=2))
        else:
            self.stdout.write("\n".join(_in_words(preview)))


def preview_as_json(preview: PolicyPreview) -> dict[str, object]:
    """The counts, and each changed session with its lines and findings in the words of the case files."""
    amount = preview.amount_difference
    return {
        "sessions": preview.sessions,
        "changed": len(preview.rows),
        "holds_added": preview.holds_added,
        "holds_removed": preview.holds_removed,
        "exported_affected": preview.exported_affected,
        "amount_difference": None if amount is None else str(amount),
        "rows": [_row(row) for row in preview.rows],
    }


def _row(row: PreviewedSession) -> dict[str, object]:
    return {
        "session": row.session.pk,
        "date_of_service": row.session.date_of_service.isoformat(),
        "lines_before": row.lines[0],
        "lines_after": row.lines[1],
        "findings_before": row.findings[0],
        "findings_after": row.findings[1],
    }


def _draft(policy: PayerPolicy, effective_from: date, assignments: list[str]) -> PolicyTerms:
    """The terms in force on the day, with those that were given laid over them. Raises CommandError for a bad one."""
    versions = policy.versions.published().with_terms().order_by("effective_from", "revision")
    version = in_force(versions, effective_from)
    before = version.as_terms() if version else PolicyTerms(policy.payer.slug, "", effective_from)
    terms = {}
    for assignment in assignments:
        key, sign, value = assignment.partition("=")
        if not sign:
            raise CommandError(f"--set {assignment!r}: write KEY=VALUE", returncode=2)
        try:
            terms[key.strip()] = parse_term(key.strip(), value)
        except TermError as error:
            raise CommandError(f"--set {assignment!r}: {error}", returncode=2) from None
    return replace(term_overrides(before, terms), effective_from=effective_from, version="a draft")


def _in_words(preview: PolicyPreview) -> list[str]:
    amount = preview.amount_difference
    told = [
        f"{preview.sessions} sessions ruled on again, {len(preview.rows)} change.",
        f"Holds: {preview.holds_added} appear, {preview.holds_removed} vanish.",
        f"Lines sent already that would need a correction: {preview.exported_affected}.",
        f"Expected at national rates: {'not known' if amount is None else f'{amount:+,.2f} dollars'}.",
    ]
    for row in preview.rows:
        told.append(f"{row.session.date_of_service:%m/%d/%Y}, session {row.session.pk}")
        told += [f"  {before or 'nothing'}  ->  {after or 'nothing'}" for before, after in (row.lines, row.findings)]
    return told
