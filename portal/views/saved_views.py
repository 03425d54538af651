"""Saved views of the lists: keep the filters under a name, rename, remove, and take a removal back."""

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
    """Remove a view; the list offers to take that back until another is removed."""
    view = get_object_or_404(SavedView, pk=pk, owner=request.user)
    request.session["removed_view"] = {
        "place": view.place,
        "name": view.name,
        "query": view.query,
        "is_shared": view.is_shared,
    }
    remove_view(view=view, at=clock.now(), by=request.user)
    return _to_list(view.place, "removed=1")


@require_POST
@permission_required("coding.view_chargeline", raise_exception=True)
def saved_view_restore(request: HttpRequest) -> HttpResponse:
    """Bring back the view that the person removed last in this session."""
    removed = request.session.pop("removed_view", None)
    if removed is None:
        messages.error(request, _("There is no removed view to bring back."))
        return redirect("charge-review")
    view = save_view(**removed, by=request.user)
    messages.success(request, _("View “%(name)s” is back.") % {"name": view.name})
    return _to_list(view.place, view.query)


def _to_list(place: str, query: str) -> HttpResponseRedirect:
    address = reverse(LIST_OF[ViewPlace(place)])
    kept = QueryDict(query).urlencode()
    return redirect(f"{address}?{kept}" if kept else address)
