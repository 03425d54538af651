"""What a search finds: patients, courses, payers, codes and machines that the person may open."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from coding.codebook_files import load_codebook
from payers.models import Payer
from portal.models import Course, Department, Machine, Patient, User

HITS_A_GROUP = 10


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing that a search found."""

    label: str
    detail: str
    url: str


@dataclass(frozen=True, slots=True)
class HitGroup:
    title: str
    hits: list[Hit]
    has_more: bool


def search_page(user: User, wanted: str) -> list[HitGroup]:
    """The groups in which something was found, each up to a few hits. `wanted` is not empty."""
    groups = [
        _group(_("Patients"), _patients(user, wanted)),
        _group(_("Courses"), _courses(user, wanted)),
        _group(_("Payers"), _payers(user, wanted)),
        _group(_("Codes"), _codes(wanted)),
        _group(_("Machines"), _machines(user, wanted)),
    ]
    return [group for group in groups if group.hits]


def _group(title: str, hits: Iterable[Hit]) -> HitGroup:
    found = list(hits)
    return HitGroup(title, found[:HITS_A_GROUP], has_more=len(found) > HITS_A_GROUP)


def _patients(user: User, wanted: str) -> list[Hit]:
    words = wanted.replace(",", " ").split()
    named = _named(words) if words else Q(pk__in=[])
    patients = Patient.objects.visible_to(user).filter(Q(number__istartswith=wanted) | named)
    return [
        Hit(patient.full_name, patient.number, reverse("patient-detail", args=[patient.pk]))
        for patient in _some(patients.order_by("family_name", "given_name", "number"))
    ]


def _named(words: Sequence[str]) -> Q:
    """Names that begin with the words: of either name, or family and given in either order."""
    whole = " ".join(words)
    named = Q(family_name__istartswith=whole) | Q(given_name__istartswith=whole)
    for place in range(1, len(words)):
        first, rest = " ".join(words[:place]), " ".join(words[place:])
        named |= Q(family_name__istartswith=first, given_name__istartswith=rest)
        named |= Q(given_name__istartswith=first, family_name__istartswith=rest)
    return named


def _courses(user: User, wanted: str) -> list[Hit]:
    courses = Course.objects.visible_to(user).filter(account_number__istartswith=wanted)
    return [
        Hit(
            course.account_number,
            f"{course.patient.full_name}, {course.department.name}, {course.get_status_display()}",
            reverse("course-detail", args=[course.pk]),
        )
        for course in _some(courses.select_related("patient", "department").order_by("account_number"))
    ]


def _payers(user: User, wanted: str) -> list[Hit]:
    payers = Payer.objects.filter(organization=user.organization_id, name__icontains=wanted).order_by("name")
    return [
        Hit(payer.name, payer.get_kind_display(), reverse("guidance-detail", args=[payer.slug]))
        for payer in _some(payers)
    ]


def _codes(wanted: str) -> list[Hit]:
    return [
        Hit(code.code, _("in use %(when)s") % {"when": code.valid.words}, reverse("code-detail", args=[code.code]))
        for code in sorted(load_codebook().codes.values(), key=lambda code: code.code)
        if code.code.startswith(wanted.upper())
    ]


def _machines(user: User, wanted: str) -> list[Hit]:
    machines = Machine.objects.filter(
        department__in=Department.objects.visible_to(user), name__icontains=wanted
    ).select_related("department")
    return [
        Hit(machine.name, machine.department.name, f"{reverse('day-sheet')}?machine={machine.pk}")
        for machine in _some(machines.order_by("department__name", "name"))
    ]


def _some(rows: QuerySet) -> QuerySet:
    """One more than is shown, to know whether there are more."""
    return rows[: HITS_A_GROUP + 1]
