"""The courses that a person opened last, remembered for the command bar and the home page."""

from datetime import datetime

from django.db import transaction

from portal.models import Course, RecentCourse, User

KEPT = 10


@transaction.atomic
def note_opened(*, course: Course, at: datetime, by: User) -> None:
    """Remember that the person opened a course; the eleventh is forgotten. A convenience and no record: not audited."""
    RecentCourse.objects.update_or_create(user=by, course=course, defaults={"opened_at": at})
    kept = RecentCourse.objects.filter(user=by).order_by("-opened_at").values_list("pk", flat=True)[:KEPT]
    RecentCourse.objects.filter(user=by).exclude(pk__in=list(kept)).delete()
