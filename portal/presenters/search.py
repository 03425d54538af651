"""What a search finds, in the command bar and on the search page: records, pages and acts that the person may open."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from django.db.models import Case, IntegerField, OuterRef, Q, QuerySet, Subquery, Value, When
from django.urls import reverse
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from coding.codebook_files import load_codebook
from payers.guidance_search import find_in_guidance
from payers.models import Payer
from portal import clock
from portal.context import NAVIGATION
from portal.models import Course, Department, Machine, Patient, RecentCourse, User

HITS_A_GROUP = 10
# The bar shows few enough to read at a glance: this many in all, and so many of one group among others.
HITS_IN_BAR = 12
HITS_A_GROUP_IN_BAR = 4
RECENT_COURSES = 10
SHORTEST_IN_GUIDANCE = 4
SHOWN_OF_A_STATEMENT = 60
RECENT_COURSES_IN_BAR = 5
# How well a hit answers: the number or name itself, its beginning, a part of it.
EXACT, BEGINNING, PART = range(3)


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing that a search found. `act` names what a script does instead of opening an address."""

    label: str
    detail: str
    url: str
    icon: str
    rank: int = PART
    act: str = ""


@dataclass(frozen=True, slots=True)
class HitGroup:
    title: str
    hits: list[Hit]
    has_more: bool = False

    @property
    def rank(self) -> int:
        return self.hits[0].rank


def search_page(user: User, wanted: str) -> list[HitGroup]:
    """The groups in which something was found, each up to a few hits. `wanted` is not empty."""
    return [_cut(group, HITS_A_GROUP) for group in _found(user, wanted)]


def command_bar(user: User, wanted: str) -> list[HitGroup]:
    """What the bar offers: the best hits of each group, or with nothing typed the recent courses and the pages."""
    if wanted:
        groups = [*_found(user, wanted), _acts(user, wanted)]
    else:
        groups = [
            HitGroup(_("Recent courses"), recent_courses(user)[:RECENT_COURSES_IN_BAR]),
            _pages(user),
            _acts(user),
        ]
    groups = [group for group in groups if group.hits]
    room = HITS_IN_BAR
    shown = []
    for group in sorted(groups, key=lambda group: group.rank):
        group = _cut(group, room if len(groups) == 1 else min(room, HITS_A_GROUP_IN_BAR))
        room -= len(group.hits)
        shown.append(group)
    return [group for group in shown if group.hits]


def recent_courses(user: User) -> list[Hit]:
    """The courses that the person opened last and may still see, the last one first."""
    return [_course_hit(course) for course in _opened_last(user)[:RECENT_COURSES]]


def _opened_last(user: User) -> QuerySet:
    opened = RecentCourse.objects.filter(user=user)
    courses = Course.objects.visible_to(user).filter(pk__in=opened.values("course"))
    courses = courses.annotate(opened_at=Subquery(opened.filter(course=OuterRef("pk")).values("opened_at")))
    return courses.select_related("patient", "department").order_by("-opened_at")


def _found(user: User, wanted: str) -> list[HitGroup]:
    """Every group with a hit; those that hold the number or name itself come first."""
    groups = [
        HitGroup(_("Patients"), _patients(user, wanted)),
        HitGroup(_("Courses"), _courses(user, wanted)),
        HitGroup(_("Payers"), _payers(user, wanted)),
        HitGroup(_("Codes"), _codes(wanted)),
        HitGroup(_("Guidance"), _guidance(user, wanted)),
        HitGroup(_("Day sheets"), _machines(user, wanted)),
        _pages(user, wanted),
    ]
    return sorted((group for group in groups if group.hits), key=lambda group: group.rank)


def _cut(group: HitGroup, most: int) -> HitGroup:
    return replace(group, hits=group.hits[:most], has_more=len(group.hits) > most)


def _patients(user: User, wanted: str) -> list[Hit]:
    words = wanted.replace(",", " ").split()
    named = _named(words) if words else Q(pk__in=[])
    patients = Patient.objects.visible_to(user).filter(Q(number__istartswith=wanted) | named)
    ranked = _ranked(patients, Q(number__iexact=wanted)).order_by("rank", "family_name", "given_name", "number")
    return [
        Hit(
            patient.full_name,
            patient.number,
            reverse("patient-detail", args=[patient.pk]),
            icon="person-circle",
            rank=patient.rank,
        )
        for patient in _some(ranked)
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
    ranked = _ranked(courses, Q(account_number__iexact=wanted)).order_by("rank", "account_number")
    return [_course_hit(course, course.rank) for course in _some(ranked.select_related("patient", "department"))]


def _course_hit(course: Course, rank: int = BEGINNING) -> Hit:
    return Hit(
        course.account_number,
        f"{course.patient.full_name}, {course.department.name}, {course.get_status_display()}",
        reverse("course-detail", args=[course.pk]),
        icon="calendar3",
        rank=rank,
    )


def _payers(user: User, wanted: str) -> list[Hit]:
    """Of each payer its guidance page and its policy."""
    payers = Payer.objects.filter(organization=user.organization_id, name__icontains=wanted)
    hits = []
    for payer in _some(payers.order_by("name")):
        rank = _rank(payer.name, wanted)
        guidance, policy = (reverse(name, args=[payer.slug]) for name in ("guidance-detail", "policy-detail"))
        hits.append(Hit(payer.name, _("Guidance page"), guidance, icon="journal-text", rank=rank))
        hits.append(Hit(payer.name, _("Policy and its versions"), policy, icon="sliders", rank=rank))
    return _by_rank(hits)


def _guidance(user: User, wanted: str) -> list[Hit]:
    """Statements of the guidance in force today. No address carries what was typed: it may be a patient's name."""
    if len(wanted) < SHORTEST_IN_GUIDANCE:
        return []
    today = clock.today(user.zone)
    found = find_in_guidance(organization=user.organization_id, words=wanted, on=today, at_most=HITS_IN_BAR + 1)
    return [
        Hit(
            statement.version.policy.payer.name,
            Truncator(statement.plain).chars(SHOWN_OF_A_STATEMENT),
            f"{reverse('guidance-detail', args=[statement.version.policy.payer.slug])}#{statement.anchor}",
            icon="journal-text",
        )
        for statement in found
    ]


def _codes(wanted: str) -> list[Hit]:
    return _by_rank(
        Hit(
            code.code,
            _("in use %(when)s") % {"when": code.valid.words},
            reverse("code-detail", args=[code.code]),
            icon="hash",
            rank=_rank(code.code, wanted),
        )
        for code in sorted(load_codebook().codes.values(), key=lambda code: code.code)
        if code.code.startswith(wanted.upper())
    )


def _machines(user: User, wanted: str) -> list[Hit]:
    machines = Machine.objects.filter(
        department__in=Department.objects.visible_to(user), name__icontains=wanted
    ).select_related("department")
    return _by_rank(
        Hit(
            _("Day sheet of %(machine)s") % {"machine": machine.name},
            machine.department.name,
            f"{reverse('day-sheet')}?machine={machine.pk}",
            icon="grid-3x3-gap",
            rank=_rank(machine.name, wanted),
        )
        for machine in _some(machines.order_by("department__name", "name"))
    )


def _pages(user: User, wanted: str = "") -> HitGroup:
    hits = [
        Hit(str(place.label), "", reverse(place.url_name), icon=place.icon, rank=_rank(str(place.label), wanted))
        for _title, places in NAVIGATION
        for place in places
        if not place.permission or user.has_perm(place.permission)
    ]
    return HitGroup(_("Pages"), _by_rank(hit for hit in hits if _is_named(hit.label, wanted)))


def _acts(user: User, wanted: str = "") -> HitGroup:
    """What can be done from anywhere. A session belongs to a course, so the one opened last is offered."""
    hits = []
    if user.has_perm("portal.add_treatmentsession"):
        for course in _opened_last(user)[:1]:
            label = _("New session of %(course)s") % {"course": course.account_number}
            url = f"{reverse('session-create')}?course={course.pk}"
            hits.append(Hit(label, course.patient.full_name, url, "plus-lg"))
    for permission, label, url_name, icon in (
        ("portal.import_sessions", _("Import a treatment log"), "import-upload", "upload"),
        ("payers.view_payer", _("Search the guidance of all payers"), "guidance-search", "search"),
        ("portal.add_patient", _("New patient"), "patient-create", "plus-lg"),
    ):
        if user.has_perm(permission):
            hits.append(Hit(label, "", reverse(url_name), icon))
    hits += [
        Hit(_("Switch theme"), _("light or dark"), "", "circle-half", act="theme"),
        Hit(_("Help on keys"), "", "", "question-circle", act="keys"),
    ]
    named = (replace(hit, rank=_rank(hit.label, wanted)) for hit in hits if _is_named(hit.label, wanted))
    return HitGroup(_("Actions"), list(named))


def _ranked(rows: QuerySet, exact: Q) -> QuerySet:
    return rows.annotate(
        rank=Case(When(exact, then=Value(EXACT)), default=Value(BEGINNING), output_field=IntegerField())
    )


def _rank(name: str, wanted: str) -> int:
    name, wanted = name.lower(), wanted.lower()
    if name == wanted:
        return EXACT
    return BEGINNING if name.startswith(wanted) else PART


def _is_named(label: str, wanted: str) -> bool:
    """Whether every word typed begins a word of the label."""
    words = label.lower().split()
    return all(any(word.startswith(typed) for word in words) for typed in wanted.lower().split())


def _by_rank(hits: Iterable[Hit]) -> list[Hit]:
    return sorted(hits, key=lambda hit: hit.rank)


def _some(rows: QuerySet) -> QuerySet:
    """One more than is shown, to know whether there are more."""
    return rows[: HITS_IN_BAR + 1]
