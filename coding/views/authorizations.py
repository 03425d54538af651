"""The ledger of authorizations across courses."""

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from coding.forms.authorization_ledger import AuthorizationLedgerForm
from coding.presenters.authorization_ledger import authorization_page
from portal import clock


@require_safe
@permission_required("payers.view_authorization", raise_exception=True)
def authorization_ledger(request: HttpRequest) -> HttpResponse:
    """Authorizations with what is used and left, the soonest end first."""
    form = AuthorizationLedgerForm(request.GET, user=request.user)
    if not form.is_valid():
        return render(request, "coding/authorization_ledger.html", {"form": form}, status=422)
    page = authorization_page(form, asked=request.GET, now=clock.now())
    return render(request, "coding/authorization_ledger.html", {"form": form, "page": page})
