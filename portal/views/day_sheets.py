"""Day sheets: one machine, one day; each row is saved by itself, or all that were typed in at once."""

from datetime import date

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from coding.services import capture_from
from portal import clock
from portal.forms.day_fields import DayField, bounded_day
from portal.forms.day_sheets import DayRowForm
from portal.models import Department, Guidance, Machine, User
from portal.presenters.day_sheet import DaySheet, day_sheet, sheet_url, usual_guidance
from portal.services.clinic import FractionPlannedAgain
from portal.services.day_sheets import DayRow, RowChanged, day_rows, record_day_row

ENTERING = ("portal.add_treatmentsession", "portal.change_treatmentsession", "portal.change_scheduledfraction")
HTMX = "HX-Request"


@require_safe
@permission_required("portal.view_treatmentsession", raise_exception=True)
def day_sheet_of_machine(request: HttpRequest) -> HttpResponse:
    """The sheet of `?machine=` on `?date=`; without them the first machine that the person sees, today."""
    machine = _machine(request.user, request.GET.get("machine", ""), request.GET.get("department", ""))
    if machine is None:
        return render(request, "portal/day_sheet_without_machine.html")
    day = clock.today(machine.department.zone)
    if request.GET.get("date"):
        try:
            day = bounded_day(DayField().clean(request.GET["date"]))
        except ValidationError:
            messages.error(request, _("That is not a day the portal keeps. Enter one like 11/23/2026. Today is shown."))
    return _page(request, _sheet(request, machine, day))


@require_POST
@permission_required(ENTERING, raise_exception=True)
def day_sheet_row(request: HttpRequest) -> HttpResponse:
    """Save the row that the button names. htmx gets the row back; without script other rows stay as they were typed."""
    machine, day = _posted_machine_and_day(request)
    forms = _forms(request, machine, day)
    course = int(request.POST["row"]) if request.POST.get("row", "").isdecimal() else 0
    form = forms.get(course)
    if form is None:
        raise Http404
    is_saved = _save(form, machine, day, request.user)
    others = {pk: other for pk, other in forms.items() if pk != course and other.is_typed_in}
    if request.headers.get(HTMX):
        sheet = _sheet(request, machine, day, forms={} if is_saved else {course: form})
        view = next(view for view in sheet.rows if view.row.course.pk == course)
        context = {"page": sheet, "view": view, "is_answer": True, "is_saved": is_saved}
        return render(request, "portal/_day_sheet_answer.html", context, status=200 if is_saved else 422)
    if is_saved and not others:
        return redirect(f"{sheet_url(machine, day)}#row-{course}")
    unsaved = {pk: _form(request, other.row, machine, day) for pk, other in others.items()}
    shown = unsaved if is_saved else unsaved | {course: form}
    if is_saved:
        messages.success(request, _("Row saved. What you typed in other rows is kept, not saved yet."))
    return _page(request, _sheet(request, machine, day, forms=shown), status=200 if is_saved else 422)


@require_POST
@permission_required(ENTERING, raise_exception=True)
def day_sheet_save(request: HttpRequest) -> HttpResponse:
    """Save every row that was typed in; one that fails says so, keeps what was typed and holds up no other."""
    machine, day = _posted_machine_and_day(request)
    typed = {pk: form for pk, form in _forms(request, machine, day).items() if form.is_typed_in}
    failed = {pk: form for pk, form in typed.items() if not _save(form, machine, day, request.user)}
    saved = len(typed) - len(failed)
    if saved:
        told = ngettext("%(count)d row saved.", "%(count)d rows saved.", saved) % {"count": saved}
        messages.success(request, told)
    elif not typed:
        messages.info(request, _("Nothing was changed, so nothing was saved."))
    if failed:
        return _page(request, _sheet(request, machine, day, forms=failed), status=422)
    return redirect(sheet_url(machine, day))


def _machine(user: User, key: str, department: str) -> Machine | None:
    """The machine of that key; else the first one of the department, or of all that the person sees."""
    machines = Machine.objects.filter(department__in=Department.objects.visible_to(user)).select_related("department")
    if key:
        return get_object_or_404(machines, pk=_key(key))
    active = machines.filter(is_active=True, department__is_active=True).order_by("department__name", "name")
    if department:
        active = active.filter(department=get_object_or_404(Department.objects.visible_to(user), pk=_key(department)))
    return active.first()


def _posted_machine_and_day(request: HttpRequest) -> tuple[Machine, date]:
    machine = _machine(request.user, request.POST.get("machine", "") or "0", "")
    try:
        day = bounded_day(date.fromisoformat(request.POST.get("date", "")))
    except (ValueError, ValidationError) as error:
        raise Http404 from error
    if machine is None or day > clock.today(machine.department.zone):
        raise Http404
    return machine, day


def _forms(request: HttpRequest, machine: Machine, day: date) -> dict[int, DayRowForm]:
    """The forms of the rows that can be entered here and stood on the sheet that was posted, by course."""
    rows = [
        row
        for row in day_rows(machine=machine, day=day)
        if not row.is_beyond_the_sheet and f"row-{row.course.pk}-mark" in request.POST
    ]
    guidances = usual_guidance([row.course for row in rows])
    return {
        row.course.pk: _form(request, row, machine, day, guidances.get(row.course.pk, Guidance.NONE)) for row in rows
    }


def _form(request: HttpRequest, row: DayRow, machine: Machine, day: date, guidance: str = Guidance.NONE) -> DayRowForm:
    return DayRowForm(request.POST, row=row, machine=machine, day=day, now=clock.now(), guidance=guidance)


def _save(form: DayRowForm, machine: Machine, day: date, by: User) -> bool:
    """Record the row and capture the patient's charges; False where the row was refused and says why."""
    if not form.is_valid():
        return False
    try:
        record_day_row(
            row=form.row,
            machine=machine,
            day=day,
            mark=form.cleaned_data["mark"],
            entry=form.entry,
            today=clock.today(machine.department.zone),
            by=by,
        )
    except RowChanged:
        form.add_error(None, _("Somebody saved this row at the same moment. Look at it, then save again."))
        return False
    except FractionPlannedAgain as again:
        form.add_error(
            None,
            _("Fraction %(number)d was planned again on %(day)s. Mark that one missed on the course page first.")
            % {"number": again.other.fraction_number, "day": f"{again.other.planned_on:%m/%d/%Y}"},
        )
        return False
    capture_from(patient=form.row.course.patient, day=day, by=by)
    return True


def _sheet(request: HttpRequest, machine: Machine, day: date, forms: dict[int, DayRowForm] | None = None) -> DaySheet:
    return day_sheet(
        machine,
        day,
        user=request.user,
        today=clock.today(machine.department.zone),
        now=clock.now(),
        forms=forms,
    )


def _page(request: HttpRequest, sheet: DaySheet, status: int = 200) -> HttpResponse:
    return render(request, "portal/day_sheet.html", {"page": sheet}, status=status)


def _key(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= 18:
        return int(text)
    raise Http404
