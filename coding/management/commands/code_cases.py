"""Code sessions that are not in the database: a spreadsheet of cases in, lines and findings out."""

import sys
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError, CommandParser

from coding.case_files import Case, CaseFileError, format_findings, format_lines, read_cases, write_answers
from coding.codebook_in_use import current_codebook
from coding.engine.code_session import code_session
from coding.engine.codebook import Codebook
from coding.engine.ruling import Ruling
from coding.engine.terms import PolicyTerms, in_force
from coding.engine.vocabulary import PayerKind
from payers.models import Payer, PolicyVersion
from portal.management.organizations import add_organization_option, organization_named
from portal.models import Organization


class Command(BaseCommand):
    help = "Code the cases of a CSV file with the code sets and policies in force on each date of service."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE.csv", type=Path, help="one session a row")
        parser.add_argument("--output", metavar="OUT.csv", type=Path, help="default: standard output")
        parser.add_argument("--explain", action="store_true", help="print the traces to standard error")
        add_organization_option(parser)

    def handle(self, *args: object, **options: object) -> None:
        organization = organization_named(options["organization"])
        kinds = dict(Payer.objects.filter(organization=organization).values_list("slug", "kind"))
        cases = self._read(options["file"], {slug: PayerKind(kind) for slug, kind in kinds.items()})
        policies = _published_terms(organization)
        codebook = current_codebook()
        answers = [(case.name, _answer(case, policies.get(case.facts.payer, ()), codebook)) for case in cases]
        if options["explain"]:
            for name, ruling in answers:
                self.stderr.write(explained(name, ruling))
        text = write_answers(answers)
        if options["output"] is None:
            self.stdout.write(text, ending="")
            return
        try:
            options["output"].write_text(text, encoding="utf-8", newline="")
        except OSError as error:
            raise CommandError(f"{options['output']} cannot be written: {error.strerror}", returncode=2) from None

    def _read(self, file: Path, payers: dict[str, PayerKind]) -> list[Case]:
        """The cases of the file; what is wrong with it goes to standard error, word for word, with exit status 2."""
        try:
            return read_cases(file.read_bytes().decode(), payers)
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}", returncode=2) from None
        except UnicodeDecodeError:
            raise CommandError(f"{file} is not text in UTF-8", returncode=2) from None
        except CaseFileError as error:
            self.stderr.write(str(error))
            sys.exit(2)


def _published_terms(organization: Organization) -> dict[str, list[PolicyTerms]]:
    """Every published version of the organization's payers by payer, a correction after what it corrects."""
    versions = (
        PolicyVersion.objects.published()
        .filter(policy__payer__organization=organization)
        .with_terms()
        .order_by("policy__payer__slug", "effective_from", "revision")
    )
    return {
        slug: [version.as_terms() for version in of_payer]
        for slug, of_payer in groupby(versions, key=lambda version: version.policy.payer.slug)
    }


def _answer(case: Case, versions: Sequence[PolicyTerms], codebook: Codebook) -> Ruling:
    policy = in_force(versions, case.facts.date_of_service)
    return code_session(case.facts, case.terms_over(policy), codebook)


def explained(name: str, ruling: Ruling) -> str:
    """The trace of one case as people read it in a terminal: lines, findings, then each step with its citations."""
    out = [f"case {name}", f"  lines: {format_lines(ruling)}", f"  findings: {format_findings(ruling) or 'none'}"]
    for finding in ruling.findings:
        where = f" ({finding.claim_form})" if finding.claim_form else ""
        out.append(f"  {finding.severity} {finding.name}{where}: {finding.sentence} {finding.remedy}")
    for step in ruling.trace:
        place = " ".join(part for part in (step.claim_form, step.role) if part)
        result = f" = {step.result}" if step.result else ""
        sources = "; ".join(
            ", ".join(part for part in (citation.title, citation.section) if part) for citation in step.citations
        )
        out.append(f"  {place or 'session'}: {step.title}{result}. {step.sentence} [{sources}]")
    return "\n".join(out)
