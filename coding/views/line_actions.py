"""Something done to the ticked lines of charge review: first shown, then done, then taken back."""

from datetime import date

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import BadRequest, PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from coding.forms.line_actions import form_of
from coding.forms.lines import ChargeFilterForm, possible_owners
from coding.line_actions import LineAction, carry_out, plan_lines, set_back
from coding.models import ChargeLine, SessionHold
from coding.presenters.line_actions import PERMISSIONS, done, preview
from coding.presenters.review import lines_by_state, lines_told, reason_counts, review_rows, state_counts, with_reasons
from coding.reports import charge_lines
from portal import clock
from portal.presenters.bulk import AT_ONCE, ticked

# A message for each line that failed would bury the page.
FAILURES_TOLD = 10
# No key of the database is longer.
MOST_DIGITS = 18


@require_POST
@permission_required("coding.change_sessionhold", raise_exception=True)
def lines_preview(request: HttpRequest) -> HttpResponse:
    """What the action will and will not do to each ticked line, or to all that the filters leave."""
    action = _action(request)
    query = request.POST.get("query", "")
    keys = ticked(request.POST, "line")
    if request.POST.get("all"):
        form = ChargeFilterForm(QueryDict(query), user=request.user)
        if not form.is_valid():
            raise BadRequest("the filters cannot be read")
        wanted = charge_lines(user=request.user, filters=form.filters).order_by("-date_of_service", "-id")
        keys = list(wanted.values_list("pk", flat=True)[:AT_ONCE])
    return _preview_answer(request, action, keys, form_of(action, None, user=request.user))


@require_POST
@permission_required("coding.change_sessionhold", raise_exception=True)
def lines_carry_out(request: HttpRequest) -> HttpResponse:
    """Do it, line by line as for one; planned again, since the preview may have aged."""
    action = _action(request)
    keys = ticked(request.POST, "line")
    form = form_of(action, request.POST, user=request.user)
    if not form.is_valid():
        return _preview_answer(request, action, keys, form, status=422)
    plan = plan_lines(action, _lines(request, keys))
    outcome = carry_out(action=action, plan=plan, at=clock.now(), by=request.user, **form.cleaned_data)
    told = done(action, outcome)
    if request.headers.get("HX-Request"):
        sessions = {planned.line.session_id for planned in plan if planned.obstacle is None}
        return _rows_answer(request, sessions, {"done": told})
    messages.success(request, told.sentence)
    for line, why in told.failed[:FAILURES_TOLD]:
        messages.error(request, f"{line}, {line.date_of_service:%m/%d/%Y}: {why}")
    return _to_list(request)


@require_POST
@permission_required("coding.change_sessionhold", raise_exception=True)
def lines_set_back(request: HttpRequest) -> HttpResponse:
    """Take back what an action has just done to some holds."""
    action = _action(request)
    before = dict(_before(entry) for entry in request.POST.getlist("hold")[:AT_ONCE] if entry)
    holds = SessionHold.objects.visible_to(request.user).filter(pk__in=before)
    owners = {person.pk: person for person in possible_owners(request.user)}
    sessions = set()
    for hold in holds.select_related("session__course").order_by("session__course__patient", "pk"):
        owner, due_on = before[hold.pk]
        set_back(action=action, hold=hold, owner=owners.get(owner), due_on=due_on, at=clock.now(), by=request.user)
        sessions.add(hold.session_id)
    told = ngettext("Taken back for %(n)d hold.", "Taken back for %(n)d holds.", len(sessions)) % {"n": len(sessions)}
    if request.headers.get("HX-Request"):
        return _rows_answer(request, sessions, {"told": told})
    messages.success(request, told)
    return _to_list(request)


def _action(request: HttpRequest) -> LineAction:
    """The action that is asked for and that the person may do."""
    try:
        action = LineAction(request.POST.get("action", ""))
    except ValueError:
        raise BadRequest("no such action on lines") from None
    if not request.user.has_perm(PERMISSIONS[action]):
        raise PermissionDenied
    return action


def _lines(request: HttpRequest, keys: list[int]) -> list[ChargeLine]:
    lines = ChargeLine.objects.visible_to(request.user).filter(pk__in=keys)
    return list(with_reasons(lines).order_by("-date_of_service", "-id"))


def _preview_answer(request: HttpRequest, action: LineAction, keys: list[int], form, status: int = 200) -> HttpResponse:
    lines = _lines(request, keys)
    context = {
        "preview": preview(action, plan_lines(action, lines), gone=len(set(keys)) - len(lines)),
        "form": form,
        "query": request.POST.get("query", ""),
        "list_url": _list_url(request),
    }
    is_part = request.headers.get("HX-Request")
    template = "coding/_lines_preview.html" if is_part else "coding/lines_preview.html"
    return render(request, template, context, status=status)


def _rows_answer(request: HttpRequest, sessions: set[int], context: dict) -> HttpResponse:
    """What was done, with the rows of all lines that it may have moved, and the counts, to be put in their places."""
    lines: QuerySet = ChargeLine.objects.live().visible_to(request.user).filter(session__in=sessions)
    query = request.POST.get("query", "")
    form = ChargeFilterForm(QueryDict(query), user=request.user)
    rows = review_rows(lines_told(lines), form.choices.today)
    context |= {"rows": rows, "query": query, "may_act": True, "list_url": reverse("charge-review")}
    if form.is_valid():
        context |= {"states": state_counts(form, lines_by_state(form)), "reasons": reason_counts(form)}
    return render(request, "coding/_lines_done.html", context)


def _before(entry: str) -> tuple[int, tuple[int | None, date | None]]:
    """A hold with the owner and the due day that it had, as `carry_out` writes them."""
    try:
        key, owner, due = (*entry.split(":"), "", "")[:3]
        if len(key) > MOST_DIGITS or len(owner) > MOST_DIGITS:
            raise ValueError(entry)
        return int(key), (int(owner) if owner else None, date.fromisoformat(due) if due else None)
    except ValueError:
        raise BadRequest("what is to be taken back cannot be read") from None


def _list_url(request: HttpRequest) -> str:
    kept = QueryDict(request.POST.get("query", "")).urlencode()
    return reverse("charge-review") + (f"?{kept}" if kept else "")


def _to_list(request: HttpRequest) -> HttpResponseRedirect:
    return redirect(_list_url(request))
