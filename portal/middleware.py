"""What every answer carries, and how long a person stays signed in."""

import time
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse

Handler = Callable[[HttpRequest], HttpResponse]
SIGNED_IN_AT = "signed_in_at"
RENEWED_AT = "renewed_at"
ASKED_BY_ITSELF = "X-Asked-By-Itself"
# Seconds: writing the session down at every request would make each page a write.
SESSION_RENEWED_AFTER = 30


class ContentSecurityPolicyMiddleware:
    """Tell the browser to load nothing from elsewhere, and to run no script that stands in a page."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response
        self.policy = "; ".join(f"{name} {sources}" for name, sources in settings.SECURE_CSP.items())

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", self.policy)
        return response


class SignInRequiredMiddleware(LoginRequiredMiddleware):
    """Lead strangers to the sign-in; a part of a page that is open already is refused, so that the page stays."""

    def handle_no_permission(self, request: HttpRequest, view_func: Handler) -> HttpResponse:
        if request.headers.get("HX-Request"):
            return HttpResponse(status=401)
        return super().handle_no_permission(request, view_func)


def begin_session(request: HttpRequest, **_signal: object) -> None:
    """Note when somebody signed in: the two limits of their session are counted from then."""
    request.session[SIGNED_IN_AT] = request.session[RENEWED_AT] = int(time.time())


class SessionAgeMiddleware:
    """End a session after its longest life, however busy it is, and renew a busy one for its idle limit now and then.

    The idle limit is the cookie's own age. It is never longer than that, and shorter by SESSION_RENEWED_AFTER at most.
    A page that asks by itself how far something is says so in a header: nobody need sit before it.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            now = int(time.time())
            if now - request.session.get(SIGNED_IN_AT, 0) > settings.SESSION_ABSOLUTE_AGE:
                logout(request)
            elif ASKED_BY_ITSELF not in request.headers and (
                now - request.session.get(RENEWED_AT, 0) >= SESSION_RENEWED_AFTER
            ):
                request.session[RENEWED_AT] = now
        return self.get_response(request)


class NoStoreMiddleware:
    """Keep pages of signed-in people out of caches, the browser's own included."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.user.is_authenticated:
            response.headers.setdefault("Cache-Control", "no-store")
        return response
