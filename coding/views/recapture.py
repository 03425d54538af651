"""Sessions to be captured again since a version was published or a file loaded: listed, shown first, done, undone."""

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import BadRequest
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from coding.forms.recapture import RecaptureFilterForm, form_of
from coding.models import RecaptureItem, RecaptureState
from coding.presenters.recapture import (
    items_asked,
    jobs_failed,
    jobs_going_on,
    preview,
    recapture_page,
    recapture_rows,
    was_done,
    with_rows,
)
from coding.recapture_services import (
    CAPTURED_AT_ONCE,
    RecaptureAction,
    ask_capture_again,
    capture_again,
    keep_as_it_was,
    reopen_items,
)
from portal import clock
from portal.presenters.bulk import ticked
from portal.services.jobs import ask_job

JOBS_PART = "recapture-jobs"


@require_safe
@permission_required("coding.add_sessionhold", raise_exception=True)
def recapture_list(request: HttpRequest) -> HttpResponse:
    """The sessions that wait, newest first; for htmx, which asks while work on them goes on, only how far that is."""
    jobs = {"jobs": jobs_going_on(request.user), "failed": jobs_failed(request.user), "jobs_part": JOBS_PART}
    if request.headers.get("HX-Target") == JOBS_PART:
        return render(request, "coding/_recapture_jobs.html", jobs | {"is_part": True})
    form = RecaptureFilterForm(request.GET, user=request.user)
    if not form.is_valid():
        return render(request, "coding/recapture_list.html", jobs | {"form": form}, status=422)
    page = recapture_page(form, asked=request.GET)
    return render(request, "coding/recapture_list.html", jobs | {"form": form, "page": page})


@require_POST
@permission_required("coding.add_sessionhold", raise_exception=True)
def recapture_preview(request: HttpRequest) -> HttpResponse:
    """What the action will do to the ticked sessions or to all; what was kept is set back at once, as easily undone."""
    action = _action(request)
    if action is RecaptureAction.REOPEN:
        return _done(request, action, reopen_items(items=_items(request), by=request.user))
    return _preview_answer(request, action, form_of(action, None))


@require_POST
@permission_required("coding.add_sessionhold", raise_exception=True)
def recapture_carry_out(request: HttpRequest) -> HttpResponse:
    """Do it: few sessions while the person waits, many by the worker."""
    action = _action(request)
    form = form_of(action, request.POST)
    if not form.is_valid():
        return _preview_answer(request, action, form, status=422)
    items = [item for item in _items(request) if item.state == RecaptureState.OPEN]
    if action is RecaptureAction.KEEP:
        reason = form.cleaned_data["reason"]
        kept = keep_as_it_was(items=items, reason=reason, at=clock.now(), by=request.user)
        return _done(request, action, kept)
    if action is RecaptureAction.REOPEN:
        raise BadRequest("what was kept is set back without a form")
    if len(items) > CAPTURED_AT_ONCE:
        ask_capture_again(items=items, by=request.user)
        return _to_the_list(request)
    capture_again(items=items, by=request.user)
    return _done(request, action, items)


@require_POST
@permission_required("coding.add_sessionhold", raise_exception=True)
def recapture_set_back(request: HttpRequest) -> HttpResponse:
    """Take back that sessions are kept as they were."""
    return _done(request, RecaptureAction.REOPEN, reopen_items(items=_items(request), by=request.user))


@require_POST
@permission_required("coding.add_sessionhold", raise_exception=True)
def recapture_ask_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask once more for work on the list that failed."""
    job = next((job for job in jobs_failed(request.user) if job.pk == pk), None)
    if job is None:
        raise Http404(str(pk))
    ask_job(kind=job.kind, arguments=job.arguments, by=request.user)
    return _to_the_list(request)


def _items(request: HttpRequest) -> list[RecaptureItem]:
    """The items that are meant: those ticked, or all that the posted filters leave."""
    if request.POST.get("all"):
        form = RecaptureFilterForm(QueryDict(request.POST.get("query", "")), user=request.user)
        if not form.is_valid():
            raise BadRequest("the filters cannot be read")
        found = items_asked(form)
    else:
        found = RecaptureItem.objects.visible_to(request.user).filter(pk__in=ticked(request.POST, "item"))
    return list(with_rows(found).order_by("session__date_of_service", "pk"))


def _action(request: HttpRequest) -> RecaptureAction:
    try:
        return RecaptureAction(request.POST.get("action", ""))
    except ValueError:
        raise BadRequest("no such action on sessions to be captured again") from None


def _preview_answer(request: HttpRequest, action: RecaptureAction, form: Form, status: int = 200) -> HttpResponse:
    items, is_all = _items(request), bool(request.POST.get("all"))
    asked = len(items) if is_all else len(set(ticked(request.POST, "item")))
    query = request.POST.get("query", "")
    context = {
        "preview": preview(action, items, asked=asked, is_all=is_all),
        "form": form,
        "query": query,
        "list_url": _list_url(query),
    }
    is_beside = request.headers.get("HX-Request")
    template = "coding/_recapture_preview.html" if is_beside else "coding/recapture_preview.html"
    return render(request, template, context, status=status)


def _done(request: HttpRequest, action: RecaptureAction, items: list[RecaptureItem]) -> HttpResponse:
    """What became of the items, beside the list with their rows anew, or as a message over it."""
    told = was_done(action, len(items))
    if not request.headers.get("HX-Request"):
        messages.success(request, told)
        return _to_the_list(request)
    shown = set(ticked(request.POST, "shown"))
    again = with_rows(RecaptureItem.objects.visible_to(request.user).filter(pk__in=shown))
    context = {
        "told": told,
        "kept": items if action is RecaptureAction.KEEP else [],
        "is_captured": action is RecaptureAction.CAPTURE,
        "rows": recapture_rows(again),
        "query": request.POST.get("query", ""),
    }
    return render(request, "coding/_recapture_done.html", context)


def _to_the_list(request: HttpRequest) -> HttpResponse:
    url = _list_url(request.POST.get("query", ""))
    if not request.headers.get("HX-Request"):
        return redirect(url)
    response = HttpResponse()
    response.headers["HX-Redirect"] = url
    return response


def _list_url(query: str) -> str:
    return reverse("recapture-list") + (f"?{query}" if query else "")
