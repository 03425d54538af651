"""Set-up of payers: who is billed, and of which kind."""

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from coding.services import recapture_for_policy
from payers.models import Payer
from payers.payer_services import save_payer
from payers.setup_forms import PayerForm
from portal.models import FIRST_DAY
from portal.presenters.setup import Section, yes_no

PAYERS = Section(
    title=gettext_lazy("Payers"),
    noun="payer",
    purpose=gettext_lazy("Who is billed. Each payer has one policy, whose versions are edited under Policies."),
    list_url="payer-list",
    create_url="payer-create",
    amend_url="payer-amend",
    columns=(
        ("Payer", lambda p: p.name),
        (gettext_lazy("Short name"), lambda p: p.slug),
        ("Kind", lambda p: p.get_kind_display()),
        (gettext_lazy("Electronic payer ID"), lambda p: p.electronic_payer_id or "—"),
        ("Active", lambda p: yes_no(p.is_active)),
    ),
)


@require_safe
@permission_required("portal.view_setup", raise_exception=True)
def payer_list(request: HttpRequest) -> HttpResponse:
    payers = Payer.objects.filter(organization=request.user.organization_id)
    return render(request, "portal/setup_list.html", {"section": PAYERS, "table": PAYERS.table(payers)})


@require_http_methods(["GET", "POST"])
@permission_required("portal.change_setup", raise_exception=True)
def payer_edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """A new or amended payer; where its kind changes, its sessions are captured again."""
    organization = request.user.organization
    payer = get_object_or_404(Payer, pk=pk, organization=organization) if pk else None
    form = PayerForm(request.POST or None, instance=payer, organization=organization)
    if request.method == "POST" and form.is_valid():
        saved = save_payer(payer=form.instance, by=request.user)
        changed = recapture_for_policy(policy=saved.policy, since=FIRST_DAY, by=request.user) if pk else 0
        messages.success(request, _("Payer saved. %(changed)s sessions have a new ruling.") % {"changed": changed})
        return redirect("payer-list")
    context = {"form": form, "title": "Payer", "back_url": "payer-list"}
    return render(request, "portal/setup_form.html", context, status=422 if request.method == "POST" else 200)
