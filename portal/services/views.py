"""Saved views: filters of a list that a person keeps under a name, for themselves or for everyone."""

from datetime import datetime

from django.db import transaction

from portal.models import SavedView, User
from portal.services.audit import record_event
from portal.services.inbox import tell_of_removal


@transaction.atomic
def save_view(*, place: str, name: str, query: str, is_shared: bool, by: User) -> SavedView:
    """Keep a list's query string under a name; a view of the person's by that name takes the new filters."""
    view, _ = SavedView.objects.update_or_create(
        owner=by,
        place=place,
        name=name,
        defaults={"query": query, "is_shared": is_shared, "organization_id": by.organization_id},
    )
    _record(view, "save_view", "shared with everyone" if is_shared else "kept for its owner", by)
    return view


@transaction.atomic
def rename_view(*, view: SavedView, name: str, by: User) -> SavedView:
    """Give a view another name. Raises IntegrityError where its owner has one of that name for the list."""
    view.name = name
    view.save(update_fields=["name"])
    _record(view, "rename_view", "renamed", by)
    return view


@transaction.atomic
def remove_view(*, view: SavedView, at: datetime, by: User) -> None:
    """Remove a view, and end its delivery; the list and what it held are untouched."""
    _record(view, "remove_view", "removed", by)
    tell_of_removal(view=view, at=at)
    view.delete()


def _record(view: SavedView, action: str, became: str, by: User) -> None:
    record_event(
        subject=view,
        action=action,
        sentence=f"View {view.name} of {view.get_place_display().lower()} {became}",
        by=by,
        organization=view.organization_id,
    )
