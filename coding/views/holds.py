"""Holds: the worklist, one hold, and what is done to one: releasing, assigning, noting, taking a release back."""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from coding.forms.holds import HoldFilterForm, ReleaseHoldForm, form_of
from coding.hold_actions import HoldAction
from coding.hold_services import assign_hold, note_hold, release_hold, reopen_hold
from coding.models import SessionHold
from coding.presenters.hold_actions import hold_bar
from coding.presenters.hold_story import hold_view, with_story
from coding.presenters.holds import (
    age_counts,
    hold_page,
    holds_asked,
    holds_by_age,
    holds_table,
    list_url,
    reason_counts,
    rows_answer,
)
from coding.presenters.review import hold_title
from coding.reports import table_csv
from portal import clock
from portal.models import ViewPlace
from portal.presenters.downloads import csv_download
from portal.presenters.saved_views import asks_for_numbers, view_strip

# The views that come with the worklist, by their filters.
BUILT_IN = (
    (gettext_lazy("All open"), ""),
    (gettext_lazy("Mine"), "owner=me"),
    (gettext_lazy("Overdue"), "due=overdue"),
    (gettext_lazy("Nobody's"), "owner=nobody"),
    (gettext_lazy("File within 30 days"), "filing=30"),
    (gettext_lazy("Released"), "show=released"),
)


@require_safe
@permission_required("coding.view_sessionhold", raise_exception=True)
def hold_list(request: HttpRequest) -> HttpResponse:
    """Holds one by one, or by reason with ?group=reason; a filter that cannot be read is named."""
    form = HoldFilterForm(request.GET, user=request.user)
    if not form.is_valid():
        return render(request, "coding/hold_list.html", {"form": form}, status=422)
    strip = view_strip(
        request, place=ViewPlace.HOLDS, url_name="hold-list", form=form, built_in=BUILT_IN, rows_of=holds_asked
    )
    if asks_for_numbers(request):
        return render(request, "_components/view_numbers.html", {"strip": strip})
    context = {"form": form, "is_grouped": request.GET.get("group") == "reason", "strip": strip}
    if context["is_grouped"]:
        context["reasons"] = reason_counts(form)
    else:
        numbers = holds_by_age(form)
        page = hold_page(form, asked=request.GET, numbers=numbers)
        context |= {"page": page, "ages": age_counts(form, numbers)}
        if not form.cleaned_data["show"]:
            context["bulk"] = hold_bar(request.user, len(page.rows), page.count_text)
    return render(request, "coding/hold_list.html", context)


@require_safe
@permission_required("coding.view_sessionhold", raise_exception=True)
def hold_list_csv(request: HttpRequest) -> HttpResponseBase:
    """Every hold that the filters leave, as a file that begins with the filters and leaves row by row."""
    form = HoldFilterForm(request.GET, user=request.user)
    if not form.is_valid():
        return render(request, "coding/hold_list.html", {"form": form}, status=422)
    filters = form.in_words or [(_("Filters"), _("none: all open holds"))]
    return csv_download(table_csv(filters, holds_table(form)), name="holds", on=form.choices.today)


@require_safe
@permission_required("coding.view_sessionhold", raise_exception=True)
def hold_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One hold: beside the list for htmx, a page of its own otherwise."""
    return _hold_answer(request, get_object_or_404(_holds(request), pk=pk))


@require_POST
@permission_required("coding.release_hold", raise_exception=True)
def hold_release(request: HttpRequest, pk: int) -> HttpResponse:
    """Let one soft hold go with a note. A hard one is refused whoever asks; one that is gone says so."""
    hold = get_object_or_404(_holds(request), pk=pk)
    form = ReleaseHoldForm(request.POST, auto_id="release_%s")
    if hold.is_hard:
        form.add_error(None, _("No role releases this hold: change the facts, and it goes by itself."))
    elif not hold.is_open:
        form.add_error(None, _("This hold is not open any more. See below what became of it."))
    if not form.is_valid():
        return _hold_answer(request, hold, forms={HoldAction.RELEASE: form}, status=422)
    release_hold(hold=hold, note=form.cleaned_data["note"], at=clock.now(), by=request.user)
    return _done(request, hold, _("%(hold)s released.") % {"hold": hold_title(hold)}, is_released=True)


@require_POST
@permission_required("coding.change_sessionhold", raise_exception=True)
def hold_assign(request: HttpRequest, pk: int) -> HttpResponse:
    """Say who works on the hold and by when; the button “Take it” names the person who presses it."""
    hold = get_object_or_404(_holds(request), pk=pk)
    form = form_of(HoldAction.ASSIGN, request.POST, user=request.user)
    if not hold.is_open:
        form.add_error(None, _("This hold is not open any more. See below what became of it."))
    if not form.is_valid():
        return _hold_answer(request, hold, forms={HoldAction.ASSIGN: form}, status=422)
    chosen = form.cleaned_data
    owner = request.user if "take" in request.POST else chosen["owner"]
    assign_hold(hold=hold, owner=owner, due_on=chosen["due_on"], by=request.user)
    told = _("%(person)s works on it now.") % {"person": owner.shown_name} if owner else _("Nobody works on it now.")
    return _done(request, hold, told)


@require_POST
@permission_required("coding.change_sessionhold", raise_exception=True)
def hold_note(request: HttpRequest, pk: int) -> HttpResponse:
    """Write a note on the hold, open or not."""
    hold = get_object_or_404(_holds(request), pk=pk)
    form = form_of(HoldAction.NOTE, request.POST, user=request.user)
    if not form.is_valid():
        return _hold_answer(request, hold, forms={HoldAction.NOTE: form}, status=422)
    note_hold(hold=hold, text=form.cleaned_data["note"], at=clock.now(), by=request.user)
    return _done(request, hold, _("Note written."))


@require_POST
@permission_required("coding.release_hold", raise_exception=True)
def hold_reopen(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a release back; one that no longer stands is left as it is."""
    hold = get_object_or_404(_holds(request), pk=pk)
    reopened = reopen_hold(hold=hold, at=clock.now(), by=request.user)
    if reopened.pk == hold.pk:
        messages.error(request, _("There is no release to take back: the facts have changed meanwhile."))
    else:
        messages.success(request, _("The release is taken back; the lines that it concerns are held again."))
    return redirect("hold-detail", pk=reopened.pk)


def _holds(request: HttpRequest) -> QuerySet:
    return with_story(SessionHold.objects.visible_to(request.user))


def _hold_answer(
    request: HttpRequest, hold: SessionHold, forms: Mapping[HoldAction, Any] | None = None, status: int = 200
) -> HttpResponse:
    is_beside = bool(request.headers.get("HX-Request"))
    refused = next(iter(forms.values()), None) if forms else None
    context = {
        "view": hold_view(hold, request.user, forms=forms),
        "hold": hold,
        "refused": refused,
        "is_beside": is_beside,
        "list_url": list_url(""),
    }
    return render(request, "coding/_hold_part.html" if is_beside else "coding/hold_detail.html", context, status=status)


def _done(request: HttpRequest, hold: SessionHold, told: str, *, is_released: bool = False) -> HttpResponse:
    """What was done to one hold: beside the list its row is put in its place, else the hold's page says it."""
    if request.headers.get("HX-Request"):
        context = rows_answer(request, [hold.session.course.patient_id])
        context |= {"told": told, "hold": hold, "is_released": is_released}
        return render(request, "coding/_holds_done.html", context)
    messages.success(request, told)
    return redirect("hold-detail", pk=hold.pk)
