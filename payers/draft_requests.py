"""What the pages of a draft share: finding it, asking for a part of its editor, telling that it is frozen by now."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from payers.draft_services import NotADraft
from payers.models import PolicyVersion, VersionStatus


def told_when_frozen(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A view that changes a draft; where it is none any more meanwhile, the person is told so."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except NotADraft:
            messages.error(
                request,
                _("Somebody has submitted, published or discarded this draft meanwhile: nothing was changed."),
            )
            return sent_elsewhere(reverse("policy-list")) if is_in_place(request) else redirect("policy-list")

    return wrapped


def draft_or_404(request: HttpRequest, pk: int) -> PolicyVersion:
    """A draft of the person's organization; what is in review or published is frozen and has no such page."""
    drafts = PolicyVersion.objects.visible_to(request.user).filter(status=VersionStatus.DRAFT)
    return get_object_or_404(drafts.with_terms(), pk=pk)


def is_in_place(request: HttpRequest) -> bool:
    """Whether the editor asks, for a part of itself."""
    return "HX-Request" in request.headers


def sent_elsewhere(address: str) -> HttpResponse:
    """Take the whole page there, not only a part of it."""
    response = HttpResponse(status=204)
    response["HX-Redirect"] = address
    return response


def with_a_way_back(sentence: str, address: str) -> SafeString:
    """What was removed, with the link to the form that puts it back."""
    return format_html('{} <a href="{}">{}</a>', sentence, address, _("Put it back"))
