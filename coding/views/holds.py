"""Holds: what keeps lines back, what clears it, and letting soft ones go with a note."""

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from coding.forms.holds import HoldFilterForm, ReleaseHoldForm
from coding.hold_services import release_hold, reopen_hold
from coding.models import SessionHold
from coding.presenters.holds import hold_page, hold_view, holds_wanted
from portal import clock
from portal.presenters.rulings import finding_title

# One press releases no more than a person can look over.
RELEASED_AT_ONCE = 200


@require_safe
@permission_required("coding.view_sessionhold", raise_exception=True)
def hold_list(request: HttpRequest) -> HttpResponse:
    """Holds by reason and one by one, the oldest first."""
    form = HoldFilterForm(request.GET, user=request.user)
    if not form.is_valid():
        return render(request, "coding/hold_list.html", {"form": form}, status=422)
    holds = holds_wanted(request.user, form.cleaned_data)
    page = hold_page(holds, user=request.user, now=clock.now(), asked=request.GET, kept=form.kept)
    may_release = request.user.has_perm("coding.release_hold") and not form.cleaned_data["show"]
    context = {"form": form, "page": page, "reason": form.cleaned_data["reason"], "may_release": may_release}
    return render(request, "coding/hold_list.html", context)


@require_safe
@permission_required("coding.view_sessionhold", raise_exception=True)
def hold_detail(request: HttpRequest, pk: int) -> HttpResponse:
    return _hold_answer(request, get_object_or_404(_holds(request), pk=pk), ReleaseHoldForm())


@require_POST
@permission_required("coding.release_hold", raise_exception=True)
def hold_release(request: HttpRequest, pk: int) -> HttpResponse:
    """Let one soft hold go with a note. A hard one is refused whoever asks; one that is gone says so."""
    hold = get_object_or_404(_holds(request), pk=pk)
    form = ReleaseHoldForm(request.POST)
    if hold.is_hard:
        form.add_error(None, _("No role releases this hold: change the facts, and it goes by itself."))
    elif not hold.is_open:
        form.add_error(None, _("This hold is not open any more. See below what became of it."))
    if not form.is_valid():
        return _hold_answer(request, hold, form, status=422)
    release_hold(hold=hold, note=form.cleaned_data["note"], at=clock.now(), by=request.user)
    messages.success(request, _("%(hold)s released. You can take it back below.") % {"hold": finding_title(hold.name)})
    return redirect("hold-detail", pk=hold.pk)


@require_POST
@permission_required("coding.release_hold", raise_exception=True)
def hold_release_many(request: HttpRequest) -> HttpResponse:
    """Release several soft holds of one reason with one note; shown first with what goes and what stays."""
    chosen = [int(key) for key in request.POST.getlist("hold") if key.isascii() and key.isdigit() and len(key) < 19]
    holds = list(_holds(request).open().filter(pk__in=chosen[:RELEASED_AT_ONCE]).order_by("opened_at", "pk"))
    soft = [hold for hold in holds if not hold.is_hard]
    names = sorted({hold.name for hold in soft})
    is_sent = "note" in request.POST
    form = ReleaseHoldForm(request.POST if is_sent else None)
    if len(names) == 1 and is_sent and form.is_valid():
        for hold in sorted(soft, key=lambda one: (one.session.course.patient_id, one.pk)):
            release_hold(hold=hold, note=form.cleaned_data["note"], at=clock.now(), by=request.user)
        told = ngettext("%(count)d hold released.", "%(count)d holds released.", len(soft)) % {"count": len(soft)}
        messages.success(request, told)
        return redirect(f"{reverse('hold-list')}?reason={names[0]}&show=released")
    context = {
        "form": form,
        "soft": soft,
        "hard": [hold for hold in holds if hold.is_hard],
        "titles": [finding_title(name) for name in names],
        "gone": len(chosen) - len(holds),
    }
    return render(request, "coding/hold_release_many.html", context, status=422 if is_sent else 200)


@require_POST
@permission_required("coding.release_hold", raise_exception=True)
def hold_reopen(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a release back; one that no longer stands is left as it is."""
    hold = get_object_or_404(_holds(request), pk=pk)
    reopened = reopen_hold(hold=hold, at=clock.now(), by=request.user)
    if reopened.pk == hold.pk:
        messages.error(request, _("There is no release to take back: the facts have changed meanwhile."))
    else:
        messages.success(request, _("The release is taken back; the lines that it concerns are held again."))
    return redirect("hold-detail", pk=reopened.pk)


def _holds(request: HttpRequest) -> QuerySet:
    holds = SessionHold.objects.visible_to(request.user)
    return holds.select_related(
        "session__course__patient", "session__department", "ruling", "released_by"
    ).prefetch_related("session__delivered_fractions")


def _hold_answer(request: HttpRequest, hold: SessionHold, form: ReleaseHoldForm, status: int = 200) -> HttpResponse:
    context = {"view": hold_view(hold, request.user), "hold": hold, "form": form}
    return render(request, "coding/hold_detail.html", context, status=status)
