"""The first page after signing in."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portal.forms.dashboards import DashboardForm
from portal.presenters.home import home_page


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Everyone who is signed in has one; its panels follow the permissions.

    A period or department that cannot be read is named, and no panel is shown for it.
    """
    form = DashboardForm(request.GET, user=request.user)
    is_valid = form.is_valid()
    return render(request, "portal/home.html", {"form": form, "page": home_page(form)}, status=200 if is_valid else 422)
