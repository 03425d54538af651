"""The preview of an unpublished version over every session of the demo, payer by payer, beside ruling on each once.

A preview rules on each session twice, under what is in force and under the draft, and keeps the rows that change.
"""

import os
import time
from datetime import date

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django.setup()

from coding.impact_services import ask_preview  # noqa: E402
from coding.jobs import KINDS  # noqa: E402
from coding.policy_preview import PATIENTS_AT_ONCE  # noqa: E402
from coding.services import rule_on_day, terms_of  # noqa: E402
from coding.shaping import ClinicRows, PatientRecord  # noqa: E402
from payers.draft_services import draft_version  # noqa: E402
from payers.models import PayerPolicy, PolicyVersion  # noqa: E402
from portal.models import Patient, TreatmentSession, User  # noqa: E402
from portal.services.jobs import work_off  # noqa: E402

FIRST, LAST = date(2015, 1, 1), date(2030, 12, 31)


def main() -> None:
    """Print the numbers of all payers together."""
    by = User.objects.get(username="admin")
    drafts = [changed_draft(policy, by) for policy in PayerPolicy.objects.filter(payer__organization=by.organization)]
    began = time.perf_counter()
    sessions = changed = 0
    for draft in drafts:
        preview = ask_preview(version=draft, first=FIRST, last=LAST, is_throughout=True, by=by)
        work_off(kinds=KINDS)
        preview.refresh_from_db()
        sessions, changed = sessions + preview.sessions, changed + preview.changed
    took = time.perf_counter() - began
    alone = seconds_of_ruling_once()
    print(f"{sessions:,} sessions previewed in {took:.1f} s, {changed:,} rows kept")
    print(f"ruling on each once, keeping nothing: {alone:.1f} s; the preview takes {took / alone:.2f} x as long")


def changed_draft(policy: PayerPolicy, by: User) -> PolicyVersion:
    """A draft that changes every second session of a day."""
    draft = draft_version(policy=policy, effective_from=date(2026, 1, 1), by=by)
    draft.terms |= {"bid": "76" if draft.terms.get("bid") == "59" else "59", "min_gap": 480}
    draft.save()
    return draft


def seconds_of_ruling_once() -> float:
    began = time.perf_counter()
    patients = list(Patient.objects.filter(courses__sessions__in=TreatmentSession.objects.standing()).distinct())
    for start in range(0, len(patients), PATIENTS_AT_ONCE):
        chunk = patients[start : start + PATIENTS_AT_ONCE]
        rows = ClinicRows(chunk)
        for record in (PatientRecord(patient, rows) for patient in chunk):
            for day in record.days:
                version = record.version_on(day)
                list(rule_on_day(record, day, lambda coded_on, version=version: terms_of(version, coded_on)))
    return time.perf_counter() - began


main()
