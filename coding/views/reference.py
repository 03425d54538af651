"""Official reference files: what rules today and how old it is, loading a newer one, and what a load changed."""

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from coding.forms.reference import LoadReferenceForm, RowsForm
from coding.models import ReferenceLoad
from coding.presenters.reference import kind_rows, load_page
from coding.reference_files import ReferenceFileError
from coding.reference_reports import kinds_today, rows_of
from coding.reference_services import AlreadyLoaded, load_before, load_reference
from payers.presenters.asked import today_of
from portal import clock


@require_safe
@permission_required("portal.view_setup", raise_exception=True)
def reference_list(request: HttpRequest) -> HttpResponse:
    today = today_of(request.user)
    context = {"kinds": kind_rows(kinds_today(today), today), "today": today}
    return render(request, "coding/reference_list.html", context)


@require_http_methods(["GET", "POST"])
@permission_required("coding.load_reference", raise_exception=True)
def reference_load(request: HttpRequest) -> HttpResponse:
    """Load a file that was published: all of it or nothing."""
    form = LoadReferenceForm(*((request.POST, request.FILES) if request.method == "POST" else ()))
    if request.method == "POST" and form.is_valid():
        try:
            load = load_reference(by=request.user, at=clock.now(), **form.cleaned_data)
        except ReferenceFileError as error:
            form.add_error("files", _("%(error)s Nothing was loaded.") % {"error": error})
        except AlreadyLoaded as error:
            told = _("%(load)s is loaded for that first day. Tick the box to load it anew.") % {"load": error.load}
            form.add_error("replace", told)
        else:
            told = _("Loaded. It holds for dates of service from its first day on.")
            messages.success(request, f"{told} {_('Sessions that it answers otherwise wait to be captured again.')}")
            return redirect("reference-detail", pk=load.pk)
    return render(request, "coding/reference_load.html", {"form": form}, status=422 if form.is_bound else 200)


@require_safe
@permission_required("portal.view_setup", raise_exception=True)
def reference_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """What a load changed against the one before, row by row for the codes that the portal knows."""
    load = get_object_or_404(ReferenceLoad.objects.select_related("loaded_by"), pk=pk)
    form = RowsForm(request.GET, load=load)
    if not form.is_valid():
        form = RowsForm({}, load=load)
        form.full_clean()
    asked = request.GET.get("page", "")
    page = max(int(asked), 1) if asked.isdecimal() and len(asked) < 7 else 1
    rows, number = rows_of(load, changes=form.changes, code=form.cleaned_data["code"], page=page)
    return render(request, "coding/reference_detail.html", load_page(load, load_before(load), rows, number, page, form))
