"""The fee schedule: what the organization charges for a code, from a date of service on."""

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from coding.forms.prices import PriceForm
from coding.models import FeeSchedule
from coding.services import recapture_for_price
from portal.presenters.setup import Section
from portal.services.setup import save_record

PRICES = Section(
    title=gettext_lazy("Fee schedule"),
    noun="price",
    purpose=gettext_lazy(
        "What the organization charges for one unit. A line without a price shows it as missing, never as zero."
    ),
    list_url="price-list",
    create_url="price-create",
    amend_url="price-amend",
    columns=(
        ("Code", lambda p: p.code),
        ("Modifier", lambda p: p.modifier or "—"),
        ("From", lambda p: f"{p.effective_from:%m/%d/%Y}"),
        ("Price", lambda p: f"${p.amount:,.2f}"),
    ),
)


@require_safe
@permission_required("portal.view_setup", raise_exception=True)
def price_list(request: HttpRequest) -> HttpResponse:
    prices = FeeSchedule.objects.filter(organization=request.user.organization_id)
    return render(request, "portal/setup_list.html", {"section": PRICES, "table": PRICES.table(prices)})


@require_http_methods(["GET", "POST"])
@permission_required("portal.change_setup", raise_exception=True)
def price_edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """A new or amended price; unsent lines of the code follow it from its first day on."""
    organization = request.user.organization
    price = get_object_or_404(FeeSchedule, pk=pk, organization=organization) if pk else None
    since = price.effective_from if price else None
    form = PriceForm(request.POST or None, instance=price, organization=organization)
    if request.method == "POST" and form.is_valid():
        try:
            saved = save_record(record=form.instance, organization=organization, by=request.user)
        except IntegrityError:
            form.refuse_second()
        else:
            changed = recapture_for_price(
                organization_id=organization.pk,
                code=saved.code,
                since=min(since or saved.effective_from, saved.effective_from),
                by=request.user,
            )
            messages.success(request, _("Price saved. %(changed)s sessions have a new ruling.") % {"changed": changed})
            return redirect("price-list")
    context = {"form": form, "title": "Price", "back_url": "price-list"}
    return render(request, "portal/setup_form.html", context, status=422 if request.method == "POST" else 200)
