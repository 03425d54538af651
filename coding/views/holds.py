"""Holds: what keeps lines back, what clears it, and letting soft ones go with a note."""

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from coding.forms.holds import ReleaseHoldForm
from coding.models import SessionHold
from coding.presenters.holds import hold_rows, reason_counts, tally
from coding.services import release_hold, reopen_hold
from portal import clock
from portal.presenters.remedies import remedy_for


@require_safe
@permission_required("coding.view_sessionhold", raise_exception=True)
def hold_list(request: HttpRequest) -> HttpResponse:
    """Open holds, oldest first; `?reason=` leaves one reason."""
    reason = request.GET.get("reason", "")[:40]
    holds = SessionHold.objects.open().visible_to(request.user)
    if reason:
        holds = holds.filter(name=reason)
    return render(
        request,
        "coding/hold_list.html",
        {
            "reason": reason,
            "reasons": reason_counts(request.user, clock.now()),
            "rows": hold_rows(holds, request.user, clock.now()),
        },
    )


@require_safe
@permission_required("coding.view_sessionhold", raise_exception=True)
def hold_detail(request: HttpRequest, pk: int) -> HttpResponse:
    hold = get_object_or_404(_holds(request), pk=pk)
    return render(request, "coding/hold_detail.html", _hold_page(request, hold, ReleaseHoldForm()))


@require_POST
@permission_required("coding.release_hold", raise_exception=True)
def hold_release(request: HttpRequest, pk: int) -> HttpResponse:
    """Let one soft hold go with a note. A hard one is refused whoever asks."""
    hold = get_object_or_404(_holds(request), pk=pk)
    form = ReleaseHoldForm(request.POST)
    if hold.is_hard:
        form.add_error(None, "A hard hold is never released; the facts must change.")
    if not form.is_valid():
        return render(request, "coding/hold_detail.html", _hold_page(request, hold, form), status=422)
    release_hold(hold=hold, note=form.cleaned_data["note"], at=clock.now(), by=request.user)
    messages.success(request, f"{hold.name} released. It can be taken back from the hold's page.")
    return redirect("hold-detail", pk=hold.pk)


@require_POST
@permission_required("coding.release_hold", raise_exception=True)
def hold_release_many(request: HttpRequest) -> HttpResponse:
    """Release several soft holds with one note; asked first, with what will and what will not happen."""
    chosen = [int(pk) for pk in request.POST.getlist("hold") if pk.isascii() and pk.isdigit() and len(pk) < 19]
    holds = list(_holds(request).filter(pk__in=chosen, closed_at__isnull=True, released_at__isnull=True))
    soft = [hold for hold in holds if not hold.is_hard]
    is_asked = "note" in request.POST
    form = ReleaseHoldForm(request.POST if is_asked else None)
    if is_asked and soft and form.is_valid():
        for hold in sorted(soft, key=lambda h: (h.session.course.patient_id, h.pk)):
            release_hold(hold=hold, note=form.cleaned_data["note"], at=clock.now(), by=request.user)
        messages.success(request, f"{len(soft)} holds released.")
        return redirect("hold-list")
    return render(
        request,
        "coding/hold_release_many.html",
        {"form": form, "soft": soft, "tally": tally(soft), "hard": tally([hold for hold in holds if hold.is_hard])},
        status=422 if is_asked else 200,
    )


@require_POST
@permission_required("coding.release_hold", raise_exception=True)
def hold_reopen(request: HttpRequest, pk: int) -> HttpResponse:
    hold = get_object_or_404(_holds(request), pk=pk)
    reopened = reopen_hold(hold=hold, at=clock.now(), by=request.user)
    messages.success(request, f"The release of {hold.name} is taken back.")
    return redirect("hold-detail", pk=reopened.pk)


def _holds(request: HttpRequest):
    holds = SessionHold.objects.visible_to(request.user)
    return holds.select_related(
        "session__course__patient", "session__department", "released_by", "ruling"
    ).prefetch_related("session__delivered_fractions")


def _hold_page(request: HttpRequest, hold: SessionHold, form: ReleaseHoldForm) -> dict:
    found = next((f for f in hold.ruling.findings if f["name"] == hold.name), {})
    return {
        "hold": hold,
        "form": form,
        "citations": found.get("citations", []),
        "remedy": remedy_for(hold.name, hold.session, request.user),
        "lines": [line for line in hold.session.charge_lines.standing() if hold.applies_to(line)],
    }
