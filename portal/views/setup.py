"""Set-up: organization, departments, machines, physicians and users."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from coding.reports import table_csv
from coding.services import recapture_for_department
from portal import clock
from portal.forms.setup import (
    DepartmentBillerFormSet,
    DepartmentForm,
    DepartmentStatusFormSet,
    MachineForm,
    OrganizationForm,
    PhysicianForm,
    UserForm,
)
from portal.models import FIRST_DAY, Department, Machine, Physician, User
from portal.presenters.downloads import csv_download
from portal.presenters.setup import DEPARTMENTS, MACHINES, PHYSICIANS, USERS, Section, setup_sections
from portal.services.setup import LastAdministrator, save_department, save_record, save_user

USER_TABS = (
    ("", gettext_lazy("All")),
    ("yes", gettext_lazy("May sign in")),
    ("no", gettext_lazy("May not any more")),
)


@require_safe
@permission_required("portal.view_setup", raise_exception=True)
def setup_home(request: HttpRequest) -> HttpResponse:
    """What can be set up."""
    return render(request, "portal/setup_home.html", {"sections": setup_sections(request.user)})


@require_http_methods(["GET", "POST"])
@permission_required("portal.change_setup", raise_exception=True)
def organization_amend(request: HttpRequest) -> HttpResponse:
    form = OrganizationForm(request.POST or None, instance=request.user.organization)
    if request.method == "POST" and form.is_valid():
        save_record(record=form.instance, organization=form.instance, by=request.user)
        messages.success(request, _("Organization saved."))
        return redirect("setup-home")
    return _form_page(request, form, "Organization", "setup-home")


@require_safe
@permission_required("portal.view_setup", raise_exception=True)
def department_list(request: HttpRequest) -> HttpResponse:
    departments = Department.objects.filter(organization=request.user.organization_id)
    return _list_page(request, DEPARTMENTS, departments.prefetch_related("statuses", "billers"))


@require_http_methods(["GET", "POST"])
@permission_required("portal.change_setup", raise_exception=True)
def department_edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """A department with its dated settings and its billers; sessions that a change can touch are captured again."""
    organization = request.user.organization
    department = get_object_or_404(Department, pk=pk, organization=organization) if pk else None
    form = DepartmentForm(request.POST or None, instance=department, organization=organization)
    statuses = DepartmentStatusFormSet(request.POST or None, instance=form.instance, prefix="statuses")
    billers = DepartmentBillerFormSet(request.POST or None, instance=form.instance, prefix="billers")
    is_valid = request.method == "POST" and all([form.is_valid(), statuses.is_valid(), billers.is_valid()])
    if is_valid:
        parts = [*statuses.save(commit=False), *billers.save(commit=False)]
        saved = save_department(
            department=form.instance,
            parts=parts,
            removed=[*statuses.deleted_objects, *billers.deleted_objects],
            by=request.user,
        )
        changed = recapture_for_department(department=saved, since=FIRST_DAY, by=request.user) if pk else 0
        messages.success(request, _("Department saved. %(changed)s sessions have a new ruling.") % {"changed": changed})
        return redirect("department-list")
    return render(
        request,
        "portal/department_edit.html",
        {
            "form": form,
            "formsets": [(_("Setting by date"), statuses), (_("Who bills"), billers)],
            "section": DEPARTMENTS,
        },
        status=422 if request.method == "POST" else 200,
    )


@require_safe
@permission_required("portal.view_setup", raise_exception=True)
def machine_list(request: HttpRequest) -> HttpResponse:
    machines = Machine.objects.filter(department__organization=request.user.organization_id)
    return _list_page(request, MACHINES, machines.select_related("department"))


@require_http_methods(["GET", "POST"])
@permission_required("portal.change_setup", raise_exception=True)
def machine_edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    organization = request.user.organization
    machine = get_object_or_404(Machine, pk=pk, department__organization=organization) if pk else None
    form = MachineForm(request.POST or None, instance=machine, organization=organization)
    return _save_or_show(request, form, MACHINES)


@require_safe
@permission_required("portal.view_setup", raise_exception=True)
def physician_list(request: HttpRequest) -> HttpResponse:
    return _list_page(request, PHYSICIANS, Physician.objects.filter(organization=request.user.organization_id))


@require_http_methods(["GET", "POST"])
@permission_required("portal.change_setup", raise_exception=True)
def physician_edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    organization = request.user.organization
    physician = get_object_or_404(Physician, pk=pk, organization=organization) if pk else None
    form = PhysicianForm(request.POST or None, instance=physician, organization=organization)
    return _save_or_show(request, form, PHYSICIANS)


@require_safe
@permission_required("portal.view_setup", raise_exception=True)
def user_list(request: HttpRequest) -> HttpResponse:
    """All of them, or with ?active=yes or no those who may sign in, or may not any more."""
    asked = request.GET.get("active", "")
    return _list_page(
        request,
        USERS,
        _users(request),
        tabs=[(label, f"?active={value}", value == asked) for value, label in USER_TABS],
        csv_url=f"{reverse('user-list-csv')}?{urlencode({'active': asked})}",
    )


@require_safe
@permission_required("portal.view_setup", raise_exception=True)
def user_list_csv(request: HttpRequest) -> HttpResponseBase:
    """The same people as a file that begins with which ones they are."""
    shown = dict(USER_TABS)
    filters = [(_("Which ones"), str(shown.get(request.GET.get("active", ""), shown[""])))]
    lines = table_csv(filters, USERS.lines(_users(request).iterator(chunk_size=500)))
    return csv_download(lines, name="users", on=clock.today(request.user.zone))


@require_http_methods(["GET", "POST"])
@permission_required("portal.manage_users", raise_exception=True)
def user_edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    organization = request.user.organization
    user = get_object_or_404(User, pk=pk, organization=organization) if pk else None
    form = UserForm(request.POST or None, instance=user, organization=organization)
    if request.method == "POST" and form.is_valid():
        try:
            save_user(
                user=form.instance,
                role=form.cleaned_data["role"],
                departments=form.cleaned_data["departments"],
                password=form.cleaned_data["password"],
                by=request.user,
            )
        except LastAdministrator:
            form.add_error("role", _("Somebody must be left who manages users; make another administrator first."))
        else:
            messages.success(request, _("User %(username)s saved.") % {"username": form.instance.username})
            return redirect("user-list")
    return _form_page(request, form, "User", "user-list")


def _users(request: HttpRequest) -> QuerySet[User]:
    """The people of the organization who are asked for."""
    users = User.objects.filter(organization=request.user.organization_id).order_by("username")
    asked = request.GET.get("active", "")
    if asked in ("yes", "no"):
        users = users.filter(is_active=asked == "yes")
    return users.prefetch_related("groups", "departments")


def _save_or_show(request: HttpRequest, form, section: Section) -> HttpResponse:
    if request.method == "POST" and form.is_valid():
        save_record(record=form.instance, organization=request.user.organization, by=request.user)
        messages.success(request, _("%(noun)s saved.") % {"noun": section.noun.capitalize()})
        return redirect(section.list_url)
    return _form_page(request, form, section.noun.capitalize(), section.list_url)


def _form_page(request: HttpRequest, form, title: str, back_url: str) -> HttpResponse:
    status = 422 if request.method == "POST" else 200
    return render(
        request, "portal/setup_form.html", {"form": form, "title": title, "back_url": back_url}, status=status
    )


def _list_page(request: HttpRequest, section: Section, records, **more: Any) -> HttpResponse:
    return render(request, "portal/setup_list.html", {"section": section, "table": section.table(records)} | more)
