"""Fictitious clinics for the demo: every name and number is invented."""

from datetime import datetime

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import transaction

from coding.demo_clinic import Clinic
from coding.demo_day import add_days_to_enter, add_example_courses, work_on_holds
from coding.demo_gaps import add_gaps
from portal.models import Organization
from portal.services.imports import import_treatment_log
from portal.treatment_log_files import read_folder


@transaction.atomic
def make_clinic(
    *, name: str, slug: str, suffix: str, courses: int, recent: int, now: datetime, password: str
) -> Organization:
    """Make one fictitious organization with people, payers, courses and captured charges.

    `suffix` ends its user names; `courses` cross the seam of 2026, `recent` ones are under way today. The one
    without a suffix also has the traps of coding, days that wait to be entered, holds that somebody works on, and gaps
    of every kind that can be known.
    """
    clinic = Clinic(
        name=name,
        slug=slug,
        suffix=suffix,
        courses=courses,
        recent=recent,
        now=now,
        password=make_password(password),
    )
    if not suffix:
        clinic.add_traps()
        add_example_courses(clinic)
        add_days_to_enter(clinic)
    clinic.capture()
    clinic.work_a_little()
    if not suffix:
        work_on_holds(clinic)
        add_gaps(clinic)
    import_treatment_log(
        organization=clinic.organization, log=read_folder(settings.TREATMENT_LOG_SAMPLE), by=clinic.users["coder"]
    )
    return clinic.organization
