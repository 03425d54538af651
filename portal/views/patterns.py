"""Filling a pattern: a prescription's fractions on days, shown as they are typed, saved at once, and taken back."""

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from coding.pattern_services import LineExported, fill_and_capture, lines_of, outlook, preview_lines, undo_and_capture
from portal import clock
from portal.forms.patterns import PatternForm
from portal.models import AuditEvent, Course, Guidance, Prescription, User
from portal.presenters.course import course_crumbs
from portal.presenters.patterns import (
    PatternPreview,
    filled_sentence,
    gap_hint,
    initial_pattern,
    last_pattern_view,
    pattern_preview,
)
from portal.presenters.undo import told_with_undo
from portal.services.patterns import FILL, FractionDelivered, PatternChanged, fractions_left_to_plan, last_pattern

HTMX = "HX-Request"
RECORDING = "portal.add_treatmentsession"
VOIDING = "portal.delete_treatmentsession"


@require_http_methods(["GET", "POST"])
@permission_required("portal.add_scheduledfraction", raise_exception=True)
def fractions_plan(request: HttpRequest, pk: int) -> HttpResponse:
    """The form with its preview. htmx asks for the preview alone; without script a button does; else it is saved."""
    prescription = get_object_or_404(_prescriptions(request.user), pk=pk)
    is_fragment = HTMX in request.headers
    today = clock.today(prescription.course.department.zone)
    form = PatternForm(
        request.POST or None,
        initial=initial_pattern(prescription),
        prescription=prescription,
        today=today,
        now=clock.now(),
        may_record=request.user.has_perm(RECORDING),
        gap_hint="" if is_fragment else gap_hint(outlook(prescription=prescription, days=[today])),
    )
    is_valid = request.method == "POST" and form.is_valid()
    if is_valid and "preview" not in request.POST:
        try:
            filled = fill_and_capture(**_words(form, request.user))
        except FractionDelivered:
            form.add_error(None, _("A fraction of this pattern has been delivered meanwhile. Look at the days again."))
        else:
            sentence = filled_sentence(filled, lines_of(filled))
            undo = reverse("fractions-plan-undo", args=[prescription.pk])
            messages.success(request, told_with_undo(request, sentence, url=undo, event=filled.event.pk))
            return redirect("course-detail", pk=prescription.course_id)
    preview = _preview(form, request.user) if is_valid and not form.errors else None
    if is_fragment:
        return render(request, "portal/_pattern_preview.html", {"form": form, "preview": preview})
    zone = prescription.course.department.zone
    return render(
        request,
        "portal/pattern_form.html",
        {
            "form": form,
            "preview": preview,
            "course": prescription.course,
            "crumbs": course_crumbs(prescription.course),
            "prescription": prescription,
            "left": len(fractions_left_to_plan(prescription=prescription)),
            "last": last_pattern_view(last_pattern(prescription=prescription), zone),
        },
        status=422 if form.errors else 200,
    )


@require_POST
@permission_required("portal.add_scheduledfraction", raise_exception=True)
def fractions_plan_undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Take back the pattern that the button names. Sessions of somebody else's pattern are for those who may void."""
    prescription = get_object_or_404(_prescriptions(request.user), pk=pk)
    named = request.POST.get("event", "")
    event = (
        AuditEvent.objects.about(prescription)
        .filter(action=FILL, pk=int(named) if named.isascii() and named.isdigit() and len(named) < 19 else 0)
        .first()
    )
    if event is None:
        messages.error(request, _("That pattern is not found. Nothing was changed."))
    elif event.changes["sessions"][1] and event.by != request.user and not request.user.has_perm(VOIDING):
        messages.error(request, _("Somebody else recorded these sessions. Ask that person or a manager to undo them."))
    else:
        _undo(request, prescription, event)
    return redirect("course-detail", pk=prescription.course_id)


def _undo(request: HttpRequest, prescription: Prescription, event: AuditEvent) -> None:
    try:
        undo_and_capture(
            event=event, prescription=prescription, reason=_("Pattern undone"), at=clock.now(), by=request.user
        )
    except LineExported:
        messages.error(
            request, _("Not undone: a charge line of these sessions is exported. Void or amend them one by one.")
        )
    except PatternChanged:
        messages.error(
            request,
            _("Not undone: a fraction of the pattern was delivered, missed or moved since, or a session was changed."),
        )
    else:
        count, sessions = (len(event.changes[field][1]) for field in ("planned_fractions", "sessions"))
        told = ngettext("%(count)d planned fraction taken back.", "%(count)d planned fractions taken back.", count) % {
            "count": count
        }
        if sessions:
            told += " " + ngettext("%(count)d session voided.", "%(count)d sessions voided.", sessions) % {
                "count": sessions
            }
        messages.success(request, told)


def _prescriptions(user: User) -> QuerySet[Prescription]:
    return (
        Prescription.objects.filter(course__in=Course.objects.visible_to(user))
        .select_related("course__department", "course__organization", "course__patient", "course__physician")
        .prefetch_related("course__department__statuses", "course__department__billers")
    )


def _words(form: PatternForm, by: User) -> dict[str, object]:
    """What the form says, in the words of the service."""
    return {
        "prescription": form.prescription,
        "fractions": form.layout.fractions,
        "machine": form.cleaned_data["machine"],
        "today": form.today,
        "by": by,
        "deliveries": form.deliveries,
        "guidance": form.cleaned_data.get("guidance") or Guidance.NONE,
    }


def _preview(form: PatternForm, user: User) -> PatternPreview:
    days = [fraction.planned_on for fraction in form.layout.fractions]
    return pattern_preview(
        form.layout,
        outlook(prescription=form.prescription, days=days),
        unused=form.unused,
        sessions=len(form.deliveries),
        lines=preview_lines(**_words(form, user)) if form.deliveries else (),
    )
