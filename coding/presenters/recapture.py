"""Sessions that are to be captured again: the list, what an action will do to the ticked ones, what became of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from coding.forms.recapture import SENT, RecaptureFilterForm
from coding.models import RecaptureItem, RecaptureState
from coding.presenters.impact import Running, Sides, running, sides
from coding.recapture_services import CAPTURE_AGAIN, LIST_RECAPTURE, RecaptureAction
from portal.models import Job, JobState, User
from portal.presenters.bulk import BulkAction, BulkBar
from portal.presenters.keyset import KeysetPage, keyset_page

KEYS = {RecaptureAction.CAPTURE: "A", RecaptureAction.KEEP: "E", RecaptureAction.REOPEN: "B"}
PERMISSION = "coding.add_sessionhold"
ACTIONS_ON = {
    RecaptureState.OPEN: (RecaptureAction.CAPTURE, RecaptureAction.KEEP),
    RecaptureState.KEPT: (RecaptureAction.REOPEN,),
    RecaptureState.CAPTURED: (),
}


@dataclass(frozen=True, slots=True)
class RecaptureRow:
    item: RecaptureItem
    sides: Sides

    @property
    def is_open(self) -> bool:
        return self.item.state == RecaptureState.OPEN

    @property
    def may_be_ticked(self) -> bool:
        return bool(ACTIONS_ON[RecaptureState(self.item.state)])


@dataclass(frozen=True, slots=True)
class RecapturePage:
    rows: list[RecaptureRow]
    pages: KeysetPage
    bulk: BulkBar | None


@dataclass(frozen=True, slots=True)
class Preview:
    """What will be done: `is_all` where it is meant of all that the filters leave, else `will` are those ticked."""

    action: RecaptureAction
    will: list[RecaptureRow]
    settled: list[RecaptureRow]
    number: int
    exported: int
    gone: int
    is_all: bool

    @property
    def is_possible(self) -> bool:
        return self.number > 0

    @property
    def refused(self) -> bool:
        return bool(self.settled)

    @property
    def carry_out_url(self) -> str:
        return reverse("recapture-carry-out")

    @property
    def sentence(self) -> str:
        if self.action is RecaptureAction.KEEP:
            words = ngettext(
                "%(n)d session will be kept as it was", "%(n)d sessions will be kept as they were", self.number
            )
        else:
            words = ngettext(
                "%(n)d session will be captured again", "%(n)d sessions will be captured again", self.number
            )
        return words % {"n": self.number}

    @property
    def verb(self) -> str:
        if self.action is RecaptureAction.KEEP:
            words = ngettext("Keep %(n)d session", "Keep %(n)d sessions", self.number)
        else:
            words = ngettext("Capture %(n)d session again", "Capture %(n)d sessions again", self.number)
        return words % {"n": self.number}


def items_asked(form: RecaptureFilterForm) -> QuerySet:
    """The items that the person may see and a valid form leaves."""
    chosen = form.cleaned_data
    items = RecaptureItem.objects.visible_to(form.user).filter(state=chosen["state"] or RecaptureState.OPEN)
    items = items.filter(**form.of_cause)
    if chosen["sent"] == SENT:
        items = items.filter(exported_affected__gt=0)
    if chosen["department"]:
        items = items.filter(session__department=chosen["department"])
    if chosen["start"]:
        items = items.filter(session__date_of_service__gte=chosen["start"])
    if chosen["end"]:
        items = items.filter(session__date_of_service__lte=chosen["end"])
    return items


def recapture_page(form: RecaptureFilterForm, *, asked: Mapping[str, str]) -> RecapturePage:
    """One page of the items, newest date of service first, in a fixed number of queries."""
    pages = keyset_page(with_rows(items_asked(form)), by="session__date_of_service", asked=asked, kept=form.kept)
    state = RecaptureState(form.cleaned_data["state"] or RecaptureState.OPEN)
    return RecapturePage(
        rows=recapture_rows(pages.rows),
        pages=pages,
        bulk=_bar(form.user, state, on_page=len(pages.rows), count_text=pages.count_text),
    )


def with_rows(items: QuerySet) -> QuerySet:
    """Items with everything that their rows tell."""
    return items.select_related(
        "version__policy__payer", "load", "session__course__patient", "session__department", "decided_by"
    )


def recapture_rows(items: Iterable[RecaptureItem]) -> list[RecaptureRow]:
    return [
        RecaptureRow(item, sides(item.lines_before, item.lines_after, item.findings_before, item.findings_after))
        for item in items
    ]


def jobs_going_on(user: User) -> list[Running]:
    """The work on this list that goes on now."""
    jobs = Job.objects.visible_to(user).going_on().filter(kind__in=(LIST_RECAPTURE, CAPTURE_AGAIN))
    return [running(job) for job in jobs.order_by("asked_at", "id")]


def jobs_failed(user: User) -> list[Job]:
    """The work on this list that failed and was not asked for again since."""
    jobs = Job.objects.visible_to(user).filter(kind__in=(LIST_RECAPTURE, CAPTURE_AGAIN))
    again = jobs.filter(kind=OuterRef("kind"), arguments=OuterRef("arguments"), pk__gt=OuterRef("pk"))
    return list(jobs.filter(~Exists(again), state=JobState.FAILED).order_by("asked_at", "id"))


def preview(action: RecaptureAction, items: list[RecaptureItem], *, asked: int, is_all: bool) -> Preview:
    """`asked` is how many were ticked: those that are not found any more are told as gone."""
    opened = [item for item in items if item.state == RecaptureState.OPEN]
    return Preview(
        action=action,
        will=[] if is_all else recapture_rows(opened),
        settled=recapture_rows(item for item in items if item.state != RecaptureState.OPEN),
        number=len(opened),
        exported=sum(item.exported_affected for item in opened),
        gone=asked - len(items),
        is_all=is_all,
    )


def was_done(action: RecaptureAction, number: int) -> str:
    """What became of the sessions, for the status region."""
    sentences = {
        RecaptureAction.CAPTURE: ngettext("%(n)d session captured again.", "%(n)d sessions captured again.", number),
        RecaptureAction.KEEP: ngettext("%(n)d session kept as it was.", "%(n)d sessions kept as they were.", number),
        RecaptureAction.REOPEN: ngettext(
            "%(n)d session is to be captured again after all.",
            "%(n)d sessions are to be captured again after all.",
            number,
        ),
    }
    return sentences[action] % {"n": number}


def _bar(user: User, state: RecaptureState, *, on_page: int, count_text: str) -> BulkBar | None:
    """What may be done with the ticked items, or with all that the filters leave, however many."""
    actions = ACTIONS_ON[state] if user.has_perm(PERMISSION) else ()
    if not actions:
        return None
    is_more = count_text != str(on_page) and state is RecaptureState.OPEN
    words = _("All %(count)s that the filters leave") % {"count": count_text}
    bulk = [BulkAction(action, str(action.label), KEYS[action], PERMISSION) for action in actions]
    return BulkBar(bulk, reverse("recapture-preview"), words if is_more else "")
