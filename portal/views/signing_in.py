"""What an open page asks once its person has signed in again elsewhere."""

from django.http import HttpRequest, JsonResponse
from django.middleware.csrf import get_token
from django.views.decorators.http import require_safe


@require_safe
def form_token(request: HttpRequest) -> JsonResponse:
    """Who is signed in, and a token for the forms of a page of theirs: signing in makes those in it stale."""
    return JsonResponse({"person": str(request.user.pk), "token": get_token(request)})
