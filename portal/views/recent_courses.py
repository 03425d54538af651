"""What a course page tells once it is open."""

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_POST

from portal import clock
from portal.models import Course
from portal.services.recent_courses import note_opened


@require_POST
@permission_required("portal.view_course", raise_exception=True)
def course_opened(request: HttpRequest, pk: int) -> HttpResponse:
    """Remember the course among the person's recent ones."""
    course = get_object_or_404(Course.objects.visible_to(request.user).distinct(), pk=pk)
    note_opened(course=course, at=clock.now(), by=request.user)
    return HttpResponse(status=204)
