"""What can be done with the ticked rows of a list, as `_components/bulk_bar.html` places it."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.http import QueryDict
from django.utils.translation import gettext as _

from portal.models import User

# One press does no more than a person can look over.
AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class BulkAction:
    """A verb with the key that is printed on its button, and what a person must be permitted."""

    value: str
    label: str
    key: str
    permission: str


@dataclass(frozen=True, slots=True)
class BulkBar:
    actions: list[BulkAction]
    url: str
    all_text: str


def bulk_bar(*, user: User, actions: Iterable[BulkAction], url: str, on_page: int, count_text: str) -> BulkBar | None:
    """The bar of a list with what the person may do; nothing for one who only reads.

    Where the list has more rows than its page, all of them can be meant, up to AT_ONCE.
    """
    allowed = [action for action in actions if user.has_perm(action.permission)]
    if not allowed:
        return None
    if count_text == str(on_page):
        return BulkBar(allowed, url, "")
    is_more = not count_text.isdigit() or int(count_text) > AT_ONCE
    words = _("The first %(most)d of %(count)s") if is_more else _("All %(count)s that the filters leave")
    return BulkBar(allowed, url, words % {"most": AT_ONCE, "count": count_text})


def ticked(posted: QueryDict, name: str) -> list[int]:
    """The keys of the ticked rows as posted, no more than AT_ONCE; what is no key is left out."""
    keys = posted.getlist(name)
    return [int(key) for key in keys if key.isascii() and key.isdigit() and len(key) < 19][:AT_ONCE]
