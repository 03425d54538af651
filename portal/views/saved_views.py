"""Saved views of the lists: keep the filters under a name, rename, remove, and take a removal back."""

from datetime import date

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from portal import clock
from portal.forms.saved_views import RenameViewForm, SaveViewForm
from portal.models import SavedView, ViewPlace
from portal.presenters.undo import told_with_undo
from portal.services.inbox import schedule_report
from portal.services.views import remove_view, rename_view, save_view

LIST_OF = {
    ViewPlace.CHARGES: "charge-review",
    ViewPlace.HOLDS: "hold-list",
    ViewPlace.REPORTS: "report-list",
}


@require_POST
@permission_required("coding.view_chargeline", raise_exception=True)
def saved_view_save(request: HttpRequest) -> HttpResponse:
    """Keep the filters of a list under a name; without a name the form is shown again on a page of its own."""
    form = SaveViewForm(request.POST)
    if not form.is_valid():
        context = {"form": form, "heading": _("Save this view")}
        return render(request, "portal/saved_view_form.html", context, status=422)
    view = save_view(**form.cleaned_data, by=request.user)
    messages.success(request, _("View “%(name)s” is saved.") % {"name": view.name})
    return _to_list(view.place, view.query)


@require_POST
@permission_required("coding.view_chargeline", raise_exception=True)
def saved_view_rename(request: HttpRequest, pk: int) -> HttpResponse:
    view = get_object_or_404(SavedView, pk=pk, owner=request.user)
    form = RenameViewForm(request.POST, view=view)
    if not form.is_valid():
        context = {"form": form, "heading": _("Rename this view")}
        return render(request, "portal/saved_view_form.html", context, status=422)
    rename_view(view=view, name=form.cleaned_data["name"], by=request.user)
    messages.success(request, _("The view is now called “%(name)s”.") % {"name": view.name})
    return _to_list(view.place, view.query)


@require_POST
@permission_required("coding.view_chargeline", raise_exception=True)
def saved_view_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove a view; the list offers to take that back until another is removed, and its delivery with it."""
    view = get_object_or_404(SavedView, pk=pk, owner=request.user)
    request.session["removed_view"] = {
        "place": view.place,
        "name": view.name,
        "query": view.query,
        "is_shared": view.is_shared,
    }
    schedule = view.schedules.filter(owner=request.user).first()
    request.session["removed_delivery"] = schedule and {
        "rhythm": schedule.rhythm,
        "first_on": schedule.next_on.isoformat(),
        "period": schedule.period,
        "file_format": schedule.file_format,
    }
    remove_view(view=view, at=clock.now(), by=request.user)
    if view.place != ViewPlace.REPORTS:
        return _to_list(view.place, "removed=1")
    told = _("“%(name)s” is removed.") % {"name": view.name}
    messages.success(request, told_with_undo(request, told, url=reverse("saved-view-restore")))
    return _to_list(view.place, "")


@require_POST
@permission_required("coding.view_chargeline", raise_exception=True)
def saved_view_restore(request: HttpRequest) -> HttpResponse:
    """Bring back the view that the person removed last in this session."""
    removed = request.session.pop("removed_view", None)
    if removed is None:
        messages.error(request, _("There is no removed view to bring back."))
        return redirect("charge-review")
    view = save_view(**removed, by=request.user)
    if delivery := request.session.pop("removed_delivery", None):
        first_on = date.fromisoformat(delivery.pop("first_on"))
        schedule_report(view=view, first_on=first_on, **delivery, by=request.user)
    messages.success(request, _("View “%(name)s” is back.") % {"name": view.name})
    return _to_list(view.place, view.query)


def _to_list(place: str, query: str) -> HttpResponseRedirect:
    address = reverse(LIST_OF[ViewPlace(place)])
    kept = QueryDict(query).urlencode()
    return redirect(f"{address}?{kept}" if kept else address)
