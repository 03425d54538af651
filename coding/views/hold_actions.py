"""Clearing a hold by what is missing, and something done to the ticked holds: shown, done, taken back."""

from datetime import date

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import BadRequest, PermissionDenied
from django.db import IntegrityError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from coding.forms.hold_acts import act_of
from coding.forms.holds import HoldFilterForm, form_of
from coding.forms.lines import possible_owners
from coding.hold_actions import HoldAction, carry_out, plan_holds
from coding.hold_services import assign_hold, put_right, reopen_hold
from coding.models import SessionHold
from coding.presenters.hold_actions import PERMISSIONS, done, preview
from coding.presenters.hold_story import hold_view, with_story
from coding.presenters.holds import holds_asked, list_url, rows_answer, what_became
from portal import clock
from portal.presenters.bulk import AT_ONCE, ticked
from portal.presenters.remedies import remedy_for
from portal.services.sessions import StaleRevision

# A message for each hold that failed would bury the page.
FAILURES_TOLD = 10
# No key of the database is longer.
MOST_DIGITS = 18


@require_POST
@permission_required("coding.change_sessionhold", raise_exception=True)
def hold_act(request: HttpRequest, pk: int) -> HttpResponse:
    """Enter what clears the hold, and say what became of it once the charges were captured again."""
    hold = get_object_or_404(_holds(request), pk=pk)
    if not hold.is_open:
        messages.error(request, _("This hold is not open any more. See below what became of it."))
        return redirect("hold-detail", pk=hold.pk)
    remedy = remedy_for(hold.name, hold.session, request.user, hold.grounds)
    if remedy is None:
        raise PermissionDenied
    act = act_of(remedy.act, hold, user=request.user, now=clock.now(), posted=request.POST) if remedy.act else None
    if act is None:
        raise BadRequest("nothing clears this hold in place")
    if act.is_valid():
        try:
            after = put_right(hold=hold, changes=act.changes, by=request.user)
        except StaleRevision as stale:
            act.take_over(stale.session)
        except IntegrityError:
            act.refuse()
        else:
            return _put_right_answer(request, hold, what_became(after))
    is_beside = bool(request.headers.get("HX-Request"))
    context = {
        "view": hold_view(hold, request.user, act=act),
        "hold": hold,
        "refused": act.form,
        "is_beside": is_beside,
        "list_url": list_url(""),
    }
    return render(request, "coding/_hold_part.html" if is_beside else "coding/hold_detail.html", context, status=422)


@require_POST
@permission_required("coding.change_sessionhold", raise_exception=True)
def holds_preview(request: HttpRequest) -> HttpResponse:
    """What the action will and will not do to each ticked hold, or to all that the filters leave.

    To take holds asks nothing of the person and is taken back as easily, so it is done at once.
    """
    action = _action(request)
    keys = ticked(request.POST, "hold")
    if request.POST.get("all"):
        form = HoldFilterForm(QueryDict(request.POST.get("query", "")), user=request.user)
        if not form.is_valid():
            raise BadRequest("the filters cannot be read")
        keys = list(holds_asked(form).order_by("opened_at", "id").values_list("pk", flat=True)[:AT_ONCE])
    if action is HoldAction.TAKE:
        return _carried_out(request, action, keys, {})
    return _preview_answer(request, action, keys, form_of(action, None, user=request.user))


@require_POST
@permission_required("coding.change_sessionhold", raise_exception=True)
def holds_carry_out(request: HttpRequest) -> HttpResponse:
    """Do it, hold by hold as for one; planned again, since the preview may have aged."""
    action = _action(request)
    keys = ticked(request.POST, "hold")
    form = form_of(action, request.POST, user=request.user)
    if not form.is_valid():
        return _preview_answer(request, action, keys, form, status=422)
    return _carried_out(request, action, keys, form.cleaned_data)


@require_POST
@permission_required("coding.change_sessionhold", raise_exception=True)
def holds_set_back(request: HttpRequest) -> HttpResponse:
    """Take back what an action has just done to some holds: a release, or another owner and due day."""
    action = _action(request)
    before = dict(_before(entry) for entry in request.POST.getlist("set_back")[:AT_ONCE] if entry)
    owners = {person.pk: person for person in possible_owners(request.user)}
    in_place_of: dict[int, int] = {}
    holds = list(_holds(request).filter(pk__in=before).order_by("session__course__patient", "pk"))
    for hold in holds:
        if action is HoldAction.RELEASE:
            in_place_of[reopen_hold(hold=hold, at=clock.now(), by=request.user).pk] = hold.pk
        else:
            owner, due_on = before[hold.pk]
            assign_hold(hold=hold, owner=owners.get(owner), due_on=due_on, by=request.user)
    told = ngettext("Taken back for %(n)d hold.", "Taken back for %(n)d holds.", len(holds)) % {"n": len(holds)}
    if request.headers.get("HX-Request"):
        context = rows_answer(request, {hold.session.course.patient_id for hold in holds}, in_place_of)
        return render(request, "coding/_holds_done.html", context | {"told": told})
    messages.success(request, told)
    return redirect(list_url(request.POST.get("query", "")))


def _holds(request: HttpRequest) -> QuerySet:
    return with_story(SessionHold.objects.visible_to(request.user))


def _action(request: HttpRequest) -> HoldAction:
    """The action that is asked for and that the person may do."""
    try:
        action = HoldAction(request.POST.get("action", ""))
    except ValueError:
        raise BadRequest("no such action on holds") from None
    if not request.user.has_perm(PERMISSIONS[action]):
        raise PermissionDenied
    return action


def _put_right_answer(request: HttpRequest, hold: SessionHold, told: str) -> HttpResponse:
    if request.headers.get("HX-Request"):
        context = rows_answer(request, [hold.session.course.patient_id])
        return render(request, "coding/_holds_done.html", context | {"told": told, "hold": hold})
    messages.success(request, told)
    return redirect("hold-detail", pk=hold.pk)


def _carried_out(request: HttpRequest, action: HoldAction, keys: list[int], said: dict) -> HttpResponse:
    plan = plan_holds(action, _ticked_holds(request, keys))
    outcome = carry_out(action=action, plan=plan, at=clock.now(), by=request.user, **said)
    told = done(action, plan, outcome)
    if request.headers.get("HX-Request"):
        context = rows_answer(request, {planned.hold.session.course.patient_id for planned in plan})
        return render(request, "coding/_holds_done.html", context | {"done": told, "told": told.sentence})
    messages.success(request, told.sentence)
    for failed, why in told.failed[:FAILURES_TOLD]:
        day = f"{failed.hold.session.date_of_service:%m/%d/%Y}"
        messages.error(request, f"{failed.title}, {day}: {why}")
    return redirect(list_url(request.POST.get("query", "")))


def _ticked_holds(request: HttpRequest, keys: list[int]) -> list[SessionHold]:
    return list(_holds(request).filter(pk__in=keys).order_by("opened_at", "pk"))


def _preview_answer(request: HttpRequest, action: HoldAction, keys: list[int], form, status: int = 200) -> HttpResponse:
    holds = _ticked_holds(request, keys)
    query = request.POST.get("query", "")
    context = {
        "preview": preview(action, plan_holds(action, holds), gone=len(set(keys)) - len(holds)),
        "form": form,
        "query": query,
        "list_url": list_url(query),
    }
    is_beside = request.headers.get("HX-Request")
    template = "coding/_holds_preview.html" if is_beside else "coding/holds_preview.html"
    return render(request, template, context, status=status)


def _before(entry: str) -> tuple[int, tuple[int | None, date | None]]:
    """A hold with the owner and the due day that it had, as `carry_out` writes them."""
    try:
        key, owner, due = (*entry.split(":"), "", "")[:3]
        if len(key) > MOST_DIGITS or len(owner) > MOST_DIGITS:
            raise ValueError(entry)
        return int(key), (int(owner) if owner else None, date.fromisoformat(due) if due else None)
    except ValueError:
        raise BadRequest("what is to be taken back cannot be read") from None
