"""The first page after signing in."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portal import clock
from portal.models import Department
from portal.presenters.home import home_page


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Everyone who is signed in has one; its panels follow the permissions."""
    department = Department.objects.visible_to(request.user).first() or Department()
    page = home_page(request.user, zone=department.zone, now=clock.now())
    return render(request, "portal/home.html", {"page": page})
