"""Search: the command bar's hits as they are typed, and the page of all hits."""

import unicodedata

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from portal.presenters.search import command_bar, search_page

LONGEST = 100


@require_http_methods(["GET", "POST"])
@permission_required("portal.view_patient", raise_exception=True)
def search(request: HttpRequest) -> HttpResponse:
    """What was typed is posted, so that no name or record number stands in an address."""
    typed = unicodedata.normalize("NFKC", request.POST.get("q", "")).replace("\0", "")
    wanted = " ".join(typed.split())[:LONGEST]
    if request.headers.get("HX-Request"):
        groups = command_bar(request.user, wanted)
        has_more = any(group.has_more for group in groups)
        found = {"wanted": wanted, "groups": groups, "has_more": has_more}
        return render(request, "portal/_command_results.html", found)
    groups = search_page(request.user, wanted) if wanted else []
    return render(request, "portal/search.html", {"wanted": wanted, "groups": groups})
