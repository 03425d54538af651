"""A person's inbox: the reports that were delivered to them, to be read, taken as a file, removed and brought back."""

from io import BytesIO

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from portal import clock
from portal.context import COUNTED_UP_TO
from portal.models import InboxMessage
from portal.presenters.inbox import shown_messages
from portal.presenters.keyset import count_text, instant, keyset_page
from portal.presenters.undo import told_with_undo
from portal.services.inbox import KEPT_FOR, READS_REPORTS, mark_read, remove_message, restore_message


@require_safe
@permission_required(READS_REPORTS, raise_exception=True)
def inbox(request: HttpRequest) -> HttpResponse:
    """The person's messages, newest first."""
    found = InboxMessage.objects.of(request.user)
    pages = keyset_page(found, by="sent_at", asked=request.GET, kept={}, parse=instant)
    context = {
        "pages": pages,
        "shown": shown_messages(pages.rows, zone=request.user.zone),
        "unread": _unread(request),
        "zone": request.user.zone,
        "days_kept": KEPT_FOR.days,
    }
    return render(request, "portal/inbox.html", context)


@require_safe
@permission_required(READS_REPORTS, raise_exception=True)
def inbox_message(request: HttpRequest, pk: int) -> HttpResponse:
    """One message with the filters of its report; once the page stands it says that it was read."""
    [shown] = shown_messages([_message(request, pk)], zone=request.user.zone)
    return render(request, "portal/inbox_message.html", {"shown": shown, "zone": request.user.zone})


@require_safe
@permission_required(READS_REPORTS, raise_exception=True)
def inbox_file(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The file of a message, as it was when it was delivered."""
    message = _message(request, pk)
    if not message.file_name:
        raise Http404
    return FileResponse(BytesIO(message.file), as_attachment=True, filename=message.file_name)


@require_POST
@permission_required(READS_REPORTS, raise_exception=True)
def inbox_read(request: HttpRequest, pk: int) -> HttpResponse:
    """Mark a message as read: by the page of the message, or by a button where no script runs."""
    message = _message(request, pk)
    mark_read(messages=[message], at=clock.now(), by=request.user)
    if request.headers.get("HX-Request"):
        return render(request, "portal/_inbox_read.html", {"unread": _unread(request)})
    return redirect("inbox-message", pk=pk)


@require_POST
@permission_required(READS_REPORTS, raise_exception=True)
def inbox_unread(request: HttpRequest, pk: int) -> HttpResponse:
    """Mark a message as unread and leave it, since it would be read again at once."""
    mark_read(messages=[_message(request, pk)], is_read=False, at=clock.now(), by=request.user)
    return redirect("inbox")


@require_POST
@permission_required(READS_REPORTS, raise_exception=True)
def inbox_read_all(request: HttpRequest) -> HttpResponse:
    """Mark every message as read."""
    read = mark_read(at=clock.now(), by=request.user)
    told = ngettext("%(read)d message marked as read.", "%(read)d messages marked as read.", read)
    messages.success(request, told % {"read": read})
    return redirect("inbox")


@require_POST
@permission_required(READS_REPORTS, raise_exception=True)
def inbox_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove a message; the answer has the way back."""
    message = _message(request, pk)
    remove_message(message=message, at=clock.now(), by=request.user)
    told = _("“%(subject)s” is removed.") % {"subject": message.subject}
    messages.success(request, told_with_undo(request, told, url=reverse("inbox-restore", args=[pk])))
    return redirect("inbox")


@require_POST
@permission_required(READS_REPORTS, raise_exception=True)
def inbox_restore(request: HttpRequest, pk: int) -> HttpResponse:
    """Bring a removed message back; one that is there already stays as it is."""
    message = get_object_or_404(InboxMessage.objects.defer("file"), pk=pk, user=request.user)
    restore_message(message=message, by=request.user)
    messages.success(request, _("“%(subject)s” is back.") % {"subject": message.subject})
    return redirect("inbox")


def _message(request: HttpRequest, pk: int) -> InboxMessage:
    return get_object_or_404(InboxMessage.objects.of(request.user), pk=pk)


def _unread(request: HttpRequest) -> str:
    """How many messages are unread, counted as far as the menu counts them."""
    return count_text(InboxMessage.objects.of(request.user).unread(), COUNTED_UP_TO)
