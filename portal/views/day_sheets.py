"""Day sheets: one machine, one day; rows are saved one by one, matched ones together, and every step is taken back."""

import uuid
from collections.abc import Iterable
from datetime import date
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from coding.services import capture_from
from portal import clock
from portal.forms.day_fields import DayField, bounded_day
from portal.forms.day_sheets import MISSED_REASONS, DayRowForm
from portal.forms.pasted_rows import PastedRows, PasteForm, read_pasted_rows
from portal.models import Guidance, Machine, User
from portal.presenters.day_sheet import (
    ENTERING,
    REFUSALS,
    DaySheet,
    day_sheet,
    day_sheet_rows,
    sheet_url,
    usual_guidance,
)
from portal.services.clinic import FractionPlannedAgain
from portal.services.day_sheet_reading import machine_day
from portal.services.day_sheet_undo import Undone, undo_last_step
from portal.services.day_sheets import DayRow, MachineDay, RowChanged, day_rows, record_day_row
from portal.services.imports import CandidateDecided

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


@require_safe
@permission_required("portal.view_treatmentsession", raise_exception=True)
def day_sheet_changes(request: HttpRequest) -> HttpResponse:
    """The rows that are not as `?seen=` knows them (course.mark, several with commas); 204 where none is."""
    machine, day = _named_machine_and_day(request)
    seen = dict(pair.split(".", 1) for pair in request.GET.get("seen", "").split(",") if "." in pair)
    rows = day_rows(machine=machine, day=day)
    changed = {row.course.pk for row in rows if seen.get(str(row.course.pk)) != row.mark}
    left = seen.keys() - {str(row.course.pk) for row in rows}
    if not changed and not left:
        return HttpResponse(status=204)
    is_another = bool(left) or any(str(pk) not in seen for pk in changed)
    return _answer(request, machine, day, changed, is_another=is_another)


@require_POST
@permission_required(ENTERING, raise_exception=True)
def day_sheet_row(request: HttpRequest) -> HttpResponse:
    """Save the row that the button names. htmx gets the row back; without script other rows stay as they were typed."""
    machine, day = _posted_machine_and_day(request)
    course = int(request.POST["row"]) if request.POST.get("row", "").isdecimal() else 0
    is_alone = bool(request.headers.get(HTMX))
    forms = _forms(request, machine, day, only=course if is_alone else None)
    form = forms.get(course)
    if form is None:
        raise Http404
    is_saved = _save(form, machine, day, request.user)
    if is_alone:
        status = 200 if is_saved else 409 if form.is_conflict else 422
        return _answer(request, machine, day, {course}, forms={} if is_saved else {course: form}, status=status)
    others = {pk: other for pk, other in forms.items() if pk != course and other.is_typed_in}
    if is_saved and not others:
        return redirect(f"{sheet_url(machine, day)}#row-{course}")
    unsaved = {pk: _form(request.POST, other.row, machine, day) for pk, other in others.items()}
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


@require_POST
@permission_required(ENTERING, raise_exception=True)
def day_sheet_matched(request: HttpRequest) -> HttpResponse:
    """Confirm the matched rows together, as one step: those that are still as the person saw them, and not typed in."""
    machine, day = _posted_machine_and_day(request)
    if not machine.department.confirms_matched_rows:
        messages.error(request, _("This department confirms rows one by one."))
        return redirect(sheet_url(machine, day))
    confirmed = _confirm_matched(request, machine_day(machine=machine, day=day))
    told = ngettext("%(count)d matched row confirmed.", "%(count)d matched rows confirmed.", len(confirmed))
    told %= {"count": len(confirmed)}
    if request.headers.get(HTMX):
        return _answer(request, machine, day, confirmed, told=told)
    messages.success(request, told)
    return redirect(sheet_url(machine, day))


@require_POST
@permission_required(ENTERING, raise_exception=True)
def day_sheet_undo(request: HttpRequest) -> HttpResponse:
    """Take the person's last step on the sheet back; `below` passes over one that was refused."""
    machine, day = _posted_machine_and_day(request)
    below = request.POST.get("below", "")
    undone = _undo(machine, day, by=request.user, below=int(below) if below.isdecimal() else None)
    told, is_done = _undone_in_words(undone, machine, day), bool(undone.courses)
    if request.headers.get(HTMX):
        touched = {course.pk for course in undone.courses} | set(undone.refused)
        return _answer(
            request,
            machine,
            day,
            touched,
            told=told,
            below=undone.step if undone.refused else 0,
            status=200 if is_done or not undone.step else 409,
        )
    (messages.success if is_done else messages.error)(request, told)
    return redirect(sheet_url(machine, day))


@require_http_methods(["GET", "POST"])
@permission_required(ENTERING, raise_exception=True)
def day_sheet_paste(request: HttpRequest) -> HttpResponse:
    """Read rows that were copied from a spreadsheet into the sheet, unsaved. A script gets what to fill as JSON."""
    machine, day = _posted_machine_and_day(request)
    form = PasteForm(request.POST if request.method == "POST" else None)
    context = {"form": form, "machine": machine, "day": day, "url": sheet_url(machine, day)}
    if not form.is_valid():
        status = 200 if request.method == "GET" else 422
        return render(request, "portal/day_sheet_paste.html", context, status=status)
    rows = day_rows(machine=machine, day=day)
    pasted = read_pasted_rows(**form.cleaned_data, rows=rows)
    if request.headers.get(HTMX):
        return JsonResponse({"fills": pasted.fills, "problems": pasted.problems})
    for problem in pasted.problems:
        messages.error(request, problem)
    return _page(request, _sheet(request, machine, day, forms=_pasted_forms(pasted, rows, machine, day)))


def _machine(user: User, key: str, department: str) -> Machine | None:
    """The machine of that key; else the first one of the department, or of all that the person sees."""
    if key:
        return _found(user.seen_machines, key)
    active = [machine for machine in user.seen_machines if machine.is_active and machine.department.is_active]
    if department:
        here = _found(user.seen_departments, department)
        active = [machine for machine in active if machine.department_id == here.pk]
    return active[0] if active else None


def _found(seen: Iterable[Any], key: str) -> Any:
    """The one of that key among those that a person sees."""
    pk = _key(key)
    for one in seen:
        if one.pk == pk:
            return one
    raise Http404


def _named_machine_and_day(request: HttpRequest) -> tuple[Machine, date]:
    """The machine and day of the sheet, as posted or in the address; without a day today."""
    machine = _machine(request.user, _named(request, "machine") or "0", "")
    if machine is None:
        raise Http404
    named = _named(request, "date")
    try:
        return machine, bounded_day(date.fromisoformat(named)) if named else clock.today(machine.department.zone)
    except (ValueError, ValidationError) as error:
        raise Http404 from error


def _posted_machine_and_day(request: HttpRequest) -> tuple[Machine, date]:
    """The sheet that is entered; a day that lies ahead is not."""
    machine, day = _named_machine_and_day(request)
    if day > clock.today(machine.department.zone):
        raise Http404
    return machine, day


def _named(request: HttpRequest, name: str) -> str:
    return request.POST.get(name) or request.GET.get(name, "")


def _forms(request: HttpRequest, machine: Machine, day: date, only: int | None = None) -> dict[int, DayRowForm]:
    """The forms of the rows that can be entered here and stood on the sheet that was posted, by course."""
    rows = [
        row
        for row in day_rows(machine=machine, day=day, courses=None if only is None else [only])
        if not row.is_beyond_the_sheet and f"row-{row.course.pk}-mark" in request.POST
    ]
    guidances = usual_guidance([row.course.pk for row in rows])
    return {
        row.course.pk: _form(request.POST, row, machine, day, guidances.get(row.course.pk, Guidance.NONE))
        for row in rows
    }


def _form(data, row: DayRow, machine: Machine, day: date, guidance: str = Guidance.NONE) -> DayRowForm:
    return DayRowForm(data, row=row, machine=machine, day=day, now=clock.now(), guidance=guidance)


def _save(form: DayRowForm, machine: Machine, day: date, by: User, batch: uuid.UUID | None = None) -> bool:
    """Record the row and capture the patient's charges; False where the row was refused and says why."""
    if not form.is_valid():
        return False
    try:
        with transaction.atomic():
            record_day_row(
                row=form.row,
                machine=machine,
                day=day,
                mark=form.cleaned_data["mark"],
                entry=form.entry,
                today=clock.today(machine.department.zone),
                at=clock.now(),
                by=by,
                batch=batch,
            )
            capture_from(patient=form.row.course.patient, day=day, by=by)
    except (RowChanged, CandidateDecided):
        form.add_error(None, _("Somebody saved this row at the same moment. Look at it, then save again."))
        return False
    except FractionPlannedAgain as again:
        form.add_error(
            None,
            _("Fraction %(number)d was planned again on %(day)s. Mark that one missed on the course page first.")
            % {"number": again.other.fraction_number, "day": f"{again.other.planned_on:%m/%d/%Y}"},
        )
        return False
    return True


def _confirm_matched(request: HttpRequest, found: MachineDay) -> set[int]:
    """The courses whose rows were confirmed, each in a transaction of its own."""
    machine, day = found.machine, found.day
    matched = [row.course.pk for row in found.rows if found.is_matched(row)]
    rows = day_rows(machine=machine, day=day, courses=matched)
    guidances = usual_guidance([row.course.pk for row in rows])
    batch = uuid.uuid4()
    confirmed = set()
    for row in rows:
        prefix = f"row-{row.course.pk}"
        form = _form(request.POST, row, machine, day, guidances.get(row.course.pk, Guidance.NONE))
        if form["mark"].value() != row.mark or form.is_typed_in:
            continue
        form.data = form.data.copy()
        form.data[f"{prefix}-outcome"] = row.expected.value
        if _save(form, machine, day, request.user, batch):
            confirmed.add(row.course.pk)
    return confirmed


@transaction.atomic
def _undo(machine: Machine, day: date, *, by: User, below: int | None) -> Undone:
    today = clock.today(machine.department.zone)
    undone = undo_last_step(machine=machine, day=day, today=today, at=clock.now(), by=by, below=below)
    for course in undone.courses:
        capture_from(patient=course.patient, day=day, by=by)
    return undone


def _undone_in_words(undone: Undone, machine: Machine, day: date) -> str:
    if not undone.step:
        return _("There is nothing of yours to undo on this sheet.")
    told = []
    if undone.courses:
        count = len(undone.courses)
        told.append(ngettext("%(count)d row is as before.", "%(count)d rows are as before.", count) % {"count": count})
    for number, row in enumerate(day_rows(machine=machine, day=day), start=1):
        refusal = undone.refused.get(row.course.pk)
        if refusal:
            told.append(_("Row %(number)d is not undone: %(why)s") % {"number": number, "why": REFUSALS[refusal]})
    return " ".join(told)


def _pasted_forms(pasted: PastedRows, rows: list[DayRow], machine: Machine, day: date) -> dict[int, DayRowForm]:
    """The filled rows as forms, with what they held in the other cells."""
    filled = [row for row in rows if str(row.course.pk) in pasted.fills]
    guidances = usual_guidance([row.course.pk for row in filled])
    forms = {}
    for row in filled:
        guidance = guidances.get(row.course.pk, Guidance.NONE)
        shown = _form(None, row, machine, day, guidance).shown | pasted.fills[str(row.course.pk)]
        data = {f"row-{row.course.pk}-{name}": value for name, value in shown.items()}
        forms[row.course.pk] = _form(data, row, machine, day, guidance)
    return forms


def _answer(
    request: HttpRequest,
    machine: Machine,
    day: date,
    courses,
    *,
    forms: dict[int, DayRowForm] | None = None,
    status: int = 200,
    **context: object,
) -> HttpResponse:
    """The rows of these courses for a script to put in, with what is said of them."""
    today = clock.today(machine.department.zone)
    page = day_sheet_rows(machine, day, user=request.user, today=today, forms=forms, only=courses)
    context |= {"page": page, "is_saved": status == 200}
    return render(request, "portal/_day_sheet_answer.html", context, status=status)


def _sheet(request: HttpRequest, machine: Machine, day: date, forms: dict[int, DayRowForm] | None = None) -> DaySheet:
    return day_sheet(machine, day, user=request.user, today=clock.today(machine.department.zone), forms=forms)


def _page(request: HttpRequest, sheet: DaySheet, status: int = 200) -> HttpResponse:
    context = {"page": sheet, "missed_reasons": [str(reason) for reason in MISSED_REASONS]}
    return render(request, "portal/day_sheet.html", context, status=status)


def _key(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= 18:
        return int(text)
    raise Http404
