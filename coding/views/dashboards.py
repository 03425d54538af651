"""One panel of the home page: a part of it for htmx, a page of its own otherwise."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from coding.presenters.dashboards import CONTENT
from portal.forms.dashboards import DashboardForm
from portal.presenters.dashboards import PANEL_BY_NAME


@require_safe
def dashboard_panel(request: HttpRequest, name: str) -> HttpResponse:
    """The numbers of one panel for a period and department; one that cannot be read is named."""
    panel = PANEL_BY_NAME[name]
    if not request.user.has_perm(panel.permission):
        raise PermissionDenied
    form = DashboardForm(request.GET, user=request.user, asks=panel.narrowed_by)
    is_part = bool(request.headers.get("HX-Request"))
    template = "portal/_dashboard_panel.html" if is_part else "portal/dashboard_panel.html"
    context = {"panel": panel, "form": form, "is_part": is_part}
    if not form.is_valid():
        return render(request, template, context, status=422)
    return render(request, template, context | {"content": CONTENT[name](form)})
