"""The first page: what waits for this person, each number with the list behind it."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.db.models import Count, Exists, F, OuterRef, Q
from django.urls import reverse
from django.utils.translation import gettext as _

from coding.filing import Left, ServiceFilters, sunset, sunset_services, unfiled_lines
from coding.models import ChargeLine, LineState, RecaptureItem, SessionHold, SessionRuling
from coding.reports import ChargeFilters
from coding.shaping import is_review_overdue, last_reviewed_on
from payers.models import UNPUBLISHED, Payer, PolicyVersion, VersionStatus
from payers.reading_services import to_read
from portal.models import (
    AuditEvent,
    CandidateState,
    Department,
    Machine,
    SessionCandidate,
    User,
)
from portal.presenters.ageing import AGES
from portal.presenters.day_sheet import machine_counts, sheet_url
from portal.presenters.rulings import finding_title
from portal.presenters.search import recent_courses

REASONS_SHOWN = 6
DAYS_OF_ACTS = 7
FILING_SHOWN = (Left.OVERDUE, Left.WEEK, Left.MONTH)


@dataclass(frozen=True, slots=True)
class Number:
    """One number and the list behind it; without an address there is no list."""

    label: str
    count: int
    url: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class MachineToday:
    name: str
    department: str
    entered: int
    rows: int
    url: str

    @property
    def is_over(self) -> bool:
        return self.rows > 0 and self.entered == self.rows


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """A policy or payer that waits for an administrator."""

    label: str
    detail: str
    url: str


def home_page(user: User, *, zone: ZoneInfo, now: datetime) -> dict[str, Any]:
    """The panels that the person's permissions open, in a number of queries that does not grow with the rows."""
    today = now.astimezone(zone).date()
    page: dict[str, Any] = {"today": today}
    if user.has_perm("portal.add_treatmentsession"):
        page |= {
            "machines": _machines(user, now),
            "needs": _needs(user, today),
            "recent": recent_courses(user),
        }
    if user.has_perm("coding.view_reports"):
        page |= {
            "states": _lines_by_state(user, today),
            "ages": _holds_by_age(user, now),
            "filing": _filing(user, today),
        }
    if user.has_perm("payers.change_policyversion"):
        page |= {"policies": _policies(user, today)}
    if user.has_perm("portal.manage_users"):
        people = User.objects.filter(organization=user.organization_id)
        page |= {"people": _people(people)}
    if user.has_perm("portal.view_auditevent"):
        page |= {"acts": _acts(user, today, zone)}
    return page


def _machines(user: User, now: datetime) -> list[MachineToday]:
    """The machines of the departments that the person sees; today is each department's own."""
    machines = list(
        Machine.objects.filter(
            is_active=True, department__is_active=True, department__in=Department.objects.visible_to(user)
        )
        .select_related("department")
        .order_by("department__name", "name")
    )
    days = {machine.pk: now.astimezone(machine.department.zone).date() for machine in machines}
    counts: dict[int, tuple[int, int]] = {}
    for day in sorted(set(days.values())):
        counts |= machine_counts([pk for pk, its_day in days.items() if its_day == day], day)
    return [MachineToday(m.name, m.department.name, *counts[m.pk], url=sheet_url(m, days[m.pk])) for m in machines]


def _needs(user: User, today: date) -> list[Number]:
    """What waits for a coder: own holds, open holds by reason, changes to read, sessions without a line, the rest."""
    holds = (
        SessionHold.objects.open()
        .visible_to(user)
        .order_by()
        .values("name")
        .annotate(count=Count("pk", distinct=True))
        .order_by("-count", "name")
    )
    numbers = [
        Number(
            finding_title(hold["name"]),
            hold["count"],
            f"{reverse('hold-list')}?{urlencode({'reason': hold['name']})}",
            "held",
        )
        for hold in holds
    ]
    further = sum(number.count for number in numbers[REASONS_SHOWN:])
    numbers = _own_holds(user, today) + numbers[:REASONS_SHOWN]
    if further:
        numbers.append(Number(_("Held for other reasons"), further, reverse("hold-list"), "held"))
    refused = _drafts(user)
    without_line = _without_line(user)
    candidates = SessionCandidate.objects.visible_to(user).filter(state=CandidateState.OPEN).count()
    to_capture_again = RecaptureItem.objects.open().visible_to(user).count()
    numbers += [
        Number(_("Sessions to capture again"), to_capture_again, reverse("recapture-list"), "held"),
        Number(_("Policy changes to read"), to_read(user).count(), reverse("attestation-list"), "draft"),
        Number(_("Sessions without a line"), without_line, reverse("sessions-without-line"), "error"),
        Number(_("Draft lines: refused, or corrections"), refused, f"{reverse('charge-review')}?state=draft", "draft"),
        Number(_("Candidates of imports to confirm"), candidates, reverse("import-list"), "draft"),
    ]
    return [number for number in numbers if number.count]


def _own_holds(user: User, today: date) -> list[Number]:
    """The holds that the person works on, and those of them that are overdue."""
    counts = (
        SessionHold.objects.open()
        .visible_to(user)
        .filter(owner=user)
        .aggregate(all=Count("pk", distinct=True), overdue=Count("pk", filter=Q(due_on__lt=today), distinct=True))
    )
    mine = f"{reverse('hold-list')}?owner=me"
    return [
        Number(_("Your holds, overdue"), counts["overdue"], f"{mine}&due=overdue", "error"),
        Number(_("Your holds"), counts["all"], mine, "held"),
    ]


def _drafts(user: User) -> int:
    return ChargeLine.objects.live().visible_to(user).filter(state=LineState.DRAFT).distinct().count()


def _without_line(user: User) -> int:
    """Ruled sessions that owe no line as they stand: what the list behind the number shows."""
    lines = ChargeLine.objects.standing().filter(session=OuterRef("session"))
    rulings = SessionRuling.objects.current().visible_to(user).filter(session__voided_at__isnull=True)
    return rulings.filter(~Exists(lines)).distinct().count()


def _lines_by_state(user: User, today: date) -> list[Number]:
    """The live lines of the month's sessions, by state."""
    first, last = _month(today)
    rows = (
        ChargeLine.objects.live()
        .filter(pk__in=ChargeLine.objects.visible_to(user).values("pk"), session__date_of_service__range=(first, last))
        .order_by()
        .values("state")
        .annotate(count=Count("pk"))
    )
    counts = {row["state"]: row["count"] for row in rows}
    days = {"start": first.isoformat(), "end": last.isoformat()}
    return [
        Number(
            str(state.label),
            counts.get(state.value, 0),
            f"{reverse('charge-review')}?{urlencode({'state': state.value, **days})}",
            state.value,
        )
        for state in LineState
        if state is not LineState.VOID
    ]


def _holds_by_age(user: User, now: datetime) -> list[Number]:
    counts = (
        SessionHold.objects.open()
        .visible_to(user)
        .aggregate(**{f"age_{age.least}": Count("pk", filter=age.wanted(now), distinct=True) for age in AGES})
    )
    return [
        Number(str(age.label), counts[f"age_{age.least}"], f"{reverse('hold-list')}?{urlencode(age.filters)}", "held")
        for age in AGES
    ]


def _filing(user: User, today: date) -> list[Number]:
    """What waits to be filed within a month, and the services on deleted codes that still can be."""
    numbers = []
    for left in FILING_SHOWN:
        lines = unfiled_lines(user=user, filters=ChargeFilters(), left=left, today=today)
        url = f"{reverse('filing-clock')}?{urlencode({'left': left.value})}"
        numbers.append(
            Number(str(left.label), lines.order_by().count(), url, "error" if left is Left.OVERDUE else "held")
        )
    period = sunset(today)
    if period is None:
        return numbers
    for left in FILING_SHOWN:
        services = sunset_services(user=user, period=period, filters=ServiceFilters(), left=left, today=today)
        label = _("On deleted codes: %(left)s") % {"left": str(left.label).lower()}
        url = f"{reverse('filing-sunset')}?{urlencode({'left': left.value})}"
        numbers.append(Number(label, services.order_by().count(), url, "error" if left is Left.OVERDUE else "held"))
    return numbers


def _policies(user: User, today: date) -> list[PolicyRow]:
    """Versions to review, drafts, versions in force whose review is overdue, and payers without a version in force."""
    payers = (
        Payer.objects.filter(organization=user.organization_id, is_active=True)
        .select_related("policy")
        .order_by("name")
    )
    unpublished: dict[int, PolicyVersion] = {}
    in_force: dict[int, PolicyVersion] = {}
    versions = (
        PolicyVersion.objects.visible_to(user)
        .filter(Q(status__in=UNPUBLISHED) | Q(status=VersionStatus.PUBLISHED, effective_from__lte=today))
        .prefetch_related("clauses", "reviews")
        .annotate(payer=F("policy__payer"))
        .order_by("-effective_from", "-revision")
    )
    for version in versions:
        (unpublished if version.is_unpublished else in_force).setdefault(version.payer, version)
    rows = []
    for payer in payers:
        url = reverse("policy-detail", args=[payer.slug])
        begun, version = unpublished.get(payer.pk), in_force.get(payer.pk)
        if begun is not None:
            rows.append(_unpublished_row(payer, begun, user))
        if version is None:
            rows.append(PolicyRow(payer.name, _("No version in force: its sessions get no line"), url))
        elif is_review_overdue(version, today):
            detail = _("Compared with its sources last on %(day)s") % {
                "day": f"{last_reviewed_on(version, today):%m/%d/%Y}"
            }
            rows.append(PolicyRow(payer.name, detail, reverse("version-review", args=[version.pk])))
    return rows


def _unpublished_row(payer: Payer, version: PolicyVersion, user: User) -> PolicyRow:
    """A draft to go on with, or a version in review for those who may publish it."""
    day = {"day": f"{version.effective_from:%m/%d/%Y}"}
    if version.status == VersionStatus.DRAFT:
        return PolicyRow(payer.name, _("Draft from %(day)s") % day, reverse("version-detail", args=[version.pk]))
    if user.has_perm("payers.publish_policyversion"):
        return PolicyRow(payer.name, _("To review, from %(day)s") % day, reverse("version-publish", args=[version.pk]))
    return PolicyRow(payer.name, _("In review, from %(day)s") % day, reverse("version-detail", args=[version.pk]))


def _people(people) -> list[Number]:
    counts = people.aggregate(active=Count("pk", filter=Q(is_active=True)), all=Count("pk"))
    url = reverse("user-list")
    return [
        Number(_("Users who may sign in"), counts["active"], url),
        Number(_("Users who may not any more"), counts["all"] - counts["active"], url),
    ]


def _acts(user: User, today: date, zone: ZoneInfo) -> list[Number]:
    """What was done on the last days, today included, from the audit trail."""
    since = today - timedelta(days=DAYS_OF_ACTS - 1)
    events = AuditEvent.objects.visible_to(user).filter(at__gte=datetime.combine(since, time.min, zone))
    counts = events.aggregate(
        acts=Count("pk"),
        releases=Count("pk", filter=Q(action="release_hold")),
        voids=Count("pk", filter=Q(action="void_session")),
    )
    return [
        Number(_("Acts in seven days"), counts["acts"], _trail(since)),
        Number(_("Holds released"), counts["releases"], _trail(since, "release_hold" if counts["releases"] else "")),
        Number(_("Sessions voided"), counts["voids"], _trail(since, "void_session" if counts["voids"] else "")),
    ]


def _trail(since: date, action: str = "") -> str:
    """The audit trail from a day on; it knows only actions that were taken, so it is asked for no other."""
    asked = {"start": since.isoformat()} | ({"action": action} if action else {})
    return f"{reverse('audit-list')}?{urlencode(asked)}"


def _month(today: date) -> tuple[date, date]:
    first = today.replace(day=1)
    following = (first + timedelta(days=31)).replace(day=1)
    return first, following - timedelta(days=1)
