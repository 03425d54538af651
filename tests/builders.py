"""Valid records by default: a test states only what matters to it."""

from datetime import UTC, date, datetime
from itertools import count

from django.contrib.auth.models import Group

from payers.models import Authorization, ClauseTopic, Coverage, Payer, PayerPolicy, PolicyVersion, VersionStatus
from portal.models import (
    Course,
    DeliveredFraction,
    Department,
    DepartmentBiller,
    DepartmentStatus,
    InboxMessage,
    Job,
    Machine,
    Organization,
    Patient,
    Physician,
    Prescription,
    ReportSchedule,
    SavedView,
    ScheduledFraction,
    TreatmentSession,
    User,
)

serial = count(1)
TODAY = date(2026, 11, 24)


def npi(first_nine: int) -> str:
    """The NPI with these first nine digits."""
    digits = f"{first_nine:09d}"
    doubled = [int(d) * 2 for d in digits[::-2]]
    total = 24 + sum(d - 9 if d > 9 else d for d in doubled) + sum(int(d) for d in digits[-2::-2])
    return digits + str(-total % 10)


def make_organization(**changes) -> Organization:
    n = next(serial)
    return Organization.objects.create(
        **{"name": f"Clinic {n}", "slug": f"clinic-{n}", "publishing_needs_second_person": False} | changes
    )


def make_user(organization: Organization, role: str = "", **changes) -> User:
    """A person of the organization; `role` is one of coder, manager, admin, auditor (see portal.roles)."""
    user = User.objects.create(**{"username": f"person-{next(serial)}", "organization": organization} | changes)
    if role:
        user.groups.add(Group.objects.get(name=role))
    return user


BILLERS = {
    "freestanding": [("global", "freestanding_owner")],
    "hospital": [("institutional", "hospital"), ("professional", "physician_group")],
}


def make_department(organization: Organization, setting: str = "hospital_on_campus", **changes) -> Department:
    """A department whose setting began in 2010, and who bills for it as its kind does."""
    n = next(serial)
    department = Department.objects.create(
        **{
            "organization": organization,
            "name": f"Department {n}",
            "npi": npi(100_000_000 + n),
            "taxonomy": "261QX0203X" if setting == "freestanding" else "282N00000X",
            "place_of_service": "11" if setting == "freestanding" else "22",
        }
        | changes
    )
    DepartmentStatus.objects.create(department=department, setting=setting, effective_from=date(2010, 1, 1))
    for claim_form, biller in BILLERS["freestanding" if setting == "freestanding" else "hospital"]:
        DepartmentBiller.objects.create(
            department=department,
            claim_form=claim_form,
            biller=biller,
            name=f"{department.name} {biller}",
            npi=department.npi,
            taxonomy=department.taxonomy,
        )
    return department


def make_machine(department: Department, **changes) -> Machine:
    return Machine.objects.create(**{"department": department, "name": f"LINAC-{next(serial)}"} | changes)


def make_physician(organization: Organization, **changes) -> Physician:
    n = next(serial)
    return Physician.objects.create(
        **{
            "organization": organization,
            "family_name": f"Physician{n}",
            "given_name": "Robin",
            "npi": npi(200_000_000 + n),
        }
        | changes
    )


def make_payer(organization: Organization, **changes) -> Payer:
    """A payer with a policy shelf, and no version on it."""
    n = next(serial)
    payer = Payer.objects.create(
        **{"organization": organization, "slug": f"payer-{n}", "name": f"Payer {n}", "kind": "commercial"} | changes
    )
    PayerPolicy.objects.create(payer=payer, title=f"{payer.name}: radiation treatment delivery")
    return payer


def make_policy_version(payer: Payer, *, terms: dict | None = None, publish: bool = True, **changes) -> PolicyVersion:
    """A version in force from 2015 with these terms, each cited, published unless told otherwise."""
    version = PolicyVersion.objects.create(
        **{"policy": payer.policy, "effective_from": date(2015, 1, 1), "reviewed_on": TODAY, "terms": terms or {}}
        | changes
    )
    for position, term in enumerate(version.terms, start=1):
        version.clauses.create(
            position=position,
            topic=ClauseTopic.MODIFIERS,
            term=term,
            summary=f"Sets {term}",
            citation_title="Test manual",
            citation_section=f"section {position}",
        )
    if publish:
        version.status, version.submitted_at = VersionStatus.IN_REVIEW, datetime(2026, 11, 24, 11, tzinfo=UTC)
        version.save()
        version.status, version.published_at = VersionStatus.PUBLISHED, datetime(2026, 11, 24, 12, tzinfo=UTC)
        version.save()
    return version


def make_job(by: User, **changes) -> Job:
    """A job that waits, or with `state` one that came to its end at once."""
    at = datetime(2026, 11, 24, 15, tzinfo=UTC)
    ended_at = None if changes.get("state", "waiting") in ("waiting", "running") else at
    return Job.objects.create(
        **{
            "organization": by.organization,
            "kind": "preview_policy",
            "arguments": {"is_throughout": False},
            "asked_by": by,
            "asked_at": at,
            "ended_at": ended_at,
        }
        | changes
    )


def make_message(user: User, **changes) -> InboxMessage:
    """A report that lies unread in the person's inbox."""
    return InboxMessage.objects.create(
        **{
            "user": user,
            "subject": "Levels by month",
            "text": "Level mix, with the filters as saved.",
            "filters": [["Group by", "Month"]],
            "link": "/reports/levels/?by=month",
            "file_name": "levels-2026-11-24.csv",
            "file": b"Month,77402",
            "sent_at": datetime(2026, 11, 24, 11, tzinfo=UTC),
        }
        | changes
    )


def make_report_schedule(view: SavedView, owner: User, **changes) -> ReportSchedule:
    """A saved report that comes to its owner's inbox every day, today first."""
    return ReportSchedule.objects.create(
        **{
            "organization": view.organization,
            "owner": owner,
            "view": view,
            "rhythm": "daily",
            "first_on": TODAY,
            "next_on": TODAY,
            "file_format": "csv",
        }
        | changes
    )


def make_patient(organization: Organization, **changes) -> Patient:
    n = next(serial)
    return Patient.objects.create(
        **{
            "organization": organization,
            "number": f"FX-{n:06d}",
            "family_name": f"Sample{n}",
            "given_name": "Alex",
            "born_on": date(1960, 5, 17),
        }
        | changes
    )


def make_course(patient: Patient, department: Department, **changes) -> Course:
    return Course.objects.create(
        **{
            "organization": patient.organization,
            "patient": patient,
            "department": department,
            "number": patient.courses.count() + 1,
            "account_number": f"A-{next(serial):06d}",
            "diagnoses": ["C02.1"],
        }
        | changes
    )


def make_prescription(course: Course, **changes) -> Prescription:
    """Complex IMRT to one isocenter, 33 fractions, signed and its plan approved in 2015."""
    signer = course.physician or make_physician(course.organization)
    then = datetime(2015, 1, 1, 12, tzinfo=UTC)
    return Prescription.objects.create(
        **{
            "course": course,
            "number": course.prescriptions.count() + 1,
            "anatomical_site": "Tongue",
            "technique": "imrt_complex",
            "dose_per_fraction_cgy": 200,
            "fractions": 33,
            "signed_at": then,
            "signed_by": signer,
            "plan_approved_at": then,
            "plan_approved_by": signer,
        }
        | changes
    )


def make_scheduled_fraction(prescription: Prescription, **changes) -> ScheduledFraction:
    """The first fraction, planned for 2025-12-01 on a machine of the course's department."""
    return ScheduledFraction.objects.create(
        **{
            "prescription": prescription,
            "fraction_number": 1,
            "planned_on": date(2025, 12, 1),
            "machine": changes.get("machine") or make_machine(prescription.course.department),
        }
        | changes
    )


def make_coverage(patient: Patient, payer: Payer, **changes) -> Coverage:
    return Coverage.objects.create(
        **{
            "organization": patient.organization,
            "patient": patient,
            "payer": payer,
            "rank": 1,
            "starts_on": date(2010, 1, 1),
        }
        | changes
    )


def make_authorization(course: Course, payer: Payer, **changes) -> Authorization:
    return Authorization.objects.create(
        **{
            "organization": course.organization,
            "course": course,
            "payer": payer,
            "number": f"AUTH-{next(serial)}",
            "starts_on": date(2015, 1, 1),
        }
        | changes
    )


def make_session(course: Course, *, fraction: int | None = None, **changes) -> TreatmentSession:
    """A complete session with signed cone-beam guidance at 15:00 UTC on 2025-12-03, of the course's prescriptions."""
    started_at = changes.pop("started_at", datetime(2025, 12, 3, 15, tzinfo=UTC))
    department = changes.pop("department", course.department)
    day = started_at.astimezone(department.zone).date()
    session = TreatmentSession.objects.create(
        **{
            "organization": course.organization,
            "course": course,
            "department": department,
            "physician": course.physician or make_physician(course.organization),
            "started_at": started_at,
            "date_of_service": day,
            "coded_on": day,
            "guidance": "cbct",
            "image_review_signed_at": started_at,
            "recorded_by": course.organization.users.first() or make_user(course.organization),
        }
        | changes
    )
    for prescription in course.prescriptions.all():
        DeliveredFraction.objects.create(session=session, prescription=prescription, fraction_number=fraction)
    return session


def make_treated_course(
    organization: Organization, *, setting: str = "hospital_on_campus", kind: str = "medicare", **changes
) -> Course:
    """A patient's course with physician, machine, prescription and a covering payer whose policy is silent on all."""
    department = changes.pop("department", None) or make_department(organization, setting)
    payer = changes.pop("payer", None)
    if payer is None:
        payer = make_payer(organization, kind=kind)
        make_policy_version(payer)
    patient = make_patient(organization)
    make_coverage(patient, payer)
    make_machine(department)
    course = make_course(patient, department, physician=make_physician(organization), **changes)
    make_prescription(course)
    return course
