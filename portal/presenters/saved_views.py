"""The tabs over a list: views that come with it, views that people saved, and the filters that a person used last."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import unquote

from django.db.models import IntegerField, QuerySet, Value
from django.http import HttpRequest
from django.urls import reverse

from portal.models import SavedView
from portal.presenters.keyset import counted

# The tabs ask for their numbers once the page stands: a view may need longer to count than its page to show.
TABS = "view-tabs"
# A tab shows that there are many, not how many.
COUNTED_UP_TO = 999
COUNTED_VIEWS = 20


class Filters(Protocol):
    """What a list's filter form can do; `again` gives the same filters set as another query string has them.

    `query_of` gives the filters of another query string as `query` gives those of the form.
    """

    query: str

    def query_of(self, query: str) -> str: ...

    def again(self, query: str) -> Any: ...

    def is_valid(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class ViewTab:
    """One tab. Only the owner of a saved view renames and removes it; `pk` is None where it came with the list."""

    label: str
    query: str
    count: str
    is_current: bool
    pk: int | None = None
    is_own: bool = False
    is_shared: bool = False
    owner: str = ""


@dataclass(frozen=True, slots=True)
class ViewStrip:
    """What `_components/saved_views.html` places."""

    place: str
    list_url: str
    tabs: list[ViewTab]
    query: str
    own: ViewTab | None
    last_query: str
    removed_name: str

    @property
    def may_be_saved(self) -> bool:
        """Whether filters are set that no tab has yet."""
        return bool(self.query) and not any(tab.is_current for tab in self.tabs)


def view_strip(
    request: HttpRequest,
    *,
    place: str,
    url_name: str,
    form: Filters,
    built_in: Iterable[tuple[str, str]],
    rows_of: Callable[[Any], QuerySet],
) -> ViewStrip:
    """The tabs of one list; where the request asks for their numbers, counted together in one query.

    `built_in` are label and query of the views that come with the list, and `rows_of` gives the rows that a valid form
    leaves. A saved view whose filters no longer can be read (its payer is gone) stays, without a number.
    """
    views = list(SavedView.objects.visible_to(request.user).filter(place=place).select_related("owner"))
    wanted = [(label, query, None) for label, query in built_in] + [(view.name, view.query, view) for view in views]
    queries = [form.query_of(query) for _label, query, _view in wanted]
    counted_forms = [form.again(query) for query in queries[:COUNTED_VIEWS]] if asks_for_numbers(request) else []
    numbers = _count_together({n: rows_of(one) for n, one in enumerate(counted_forms) if one.is_valid()})
    tabs = [
        ViewTab(
            label=label,
            query=query,
            count=counted(numbers[n], COUNTED_UP_TO) if n in numbers else "",
            is_current=query == form.query,
            pk=view.pk if view else None,
            is_own=view is not None and view.owner_id == request.user.pk,
            is_shared=view is not None and view.is_shared,
            owner=view.owner.shown_name if view else "",
        )
        for n, ((label, _query, view), query) in enumerate(zip(wanted, queries, strict=True))
    ]
    removed = request.session.get("removed_view") if "removed" in request.GET else None
    return ViewStrip(
        place=place,
        list_url=reverse(url_name),
        tabs=tabs,
        query=form.query,
        own=next((tab for tab in tabs if tab.is_current and tab.is_own), None),
        last_query="" if form.query else _last_query(request, place, form),
        removed_name=removed["name"] if removed and removed["place"] == place else "",
    )


def asks_for_numbers(request: HttpRequest) -> bool:
    """Whether the tabs of a page that stands already ask for their numbers."""
    return request.headers.get("HX-Target") == TABS


def _count_together(rows: dict[int, QuerySet]) -> dict[int, int]:
    """How many rows each of the lists has, counted no further than one past COUNTED_UP_TO, in one query."""
    lists = [
        found.order_by().annotate(tab=Value(n, IntegerField())).values_list("tab")[: COUNTED_UP_TO + 1]
        for n, found in rows.items()
    ]
    if not lists:
        return {}
    numbers = dict.fromkeys(rows, 0)
    for (tab,) in lists[0].union(*lists[1:], all=True) if len(lists) > 1 else lists[0]:
        numbers[tab] += 1
    return numbers


def _last_query(request: HttpRequest, place: str, form: Filters) -> str:
    """The filters that the person used last, as the list's script kept them in a cookie; read like any address."""
    kept = request.COOKIES.get(f"last_{place}", "")
    if not kept:
        return ""
    last = form.again(unquote(kept)[:600])
    return last.query if last.is_valid() else ""
