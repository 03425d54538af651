"""The portal served to a script: gunicorn on a free port, and a person who is signed in there.

Run by the environment of the checkout, with DATABASE_URL naming a database of the demo data.
"""

import contextlib
import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
# A browser that is driven keeps an event loop in this thread, and Django would refuse its database there.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
django.setup()

from django.conf import settings  # noqa: E402
from django.test import Client  # noqa: E402

from portal.models import User  # noqa: E402

HOST = "127.0.0.1"
SECONDS_TO_START = 30
# What a form carries against forged requests: any text, the same in cookie and header.
TOKEN = "b" * 32
# A Chromium that reaches for nothing but the portal.
QUIET = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
QUIET += ["--disable-component-update", "--disable-sync", "--no-sandbox"]


@dataclass(frozen=True, slots=True)
class Page:
    """An address as a person asks for it; where something is `posted`, as htmx posts it.

    `part` is the part of a page that asks, where it is htmx that asks for it.
    """

    name: str
    path: str
    posted: tuple[tuple[str, str], ...] = ()
    is_signed_in: bool = True
    part: str = ""


@contextlib.contextmanager
def served(database: str = "") -> Iterator[int]:
    """The port at which gunicorn serves the portal, with a worker beside it; both end with the block.

    `database` is the address of another database than that of the environment.
    """
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    gunicorn = [sys.executable, "-m", "gunicorn", "portal.wsgi", "--bind", f"{HOST}:{port}", "--workers", "1"]
    gunicorn += ["--threads", "4", "--log-level", "error"]
    environment = os.environ | ({"DATABASE_URL": database} if database else {})
    server = subprocess.Popen(gunicorn, env=environment)
    worker = subprocess.Popen([sys.executable, "manage.py", "work", "--beside-parent"], env=environment)
    try:
        _wait_for(port)
        yield port
    finally:
        for process in (server, worker):
            process.terminate()
            process.wait()


def session_of(username: str) -> str:
    """The cookie's value of a session in which the person is signed in."""
    client = Client()
    client.force_login(User.objects.get(username=username))
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def ask(port: int, page: Page, cookie: str) -> tuple[float, bytes]:
    """Milliseconds from the request to the last byte, and the answer."""
    cookies = {settings.SESSION_COOKIE_NAME: cookie} if page.is_signed_in else {}
    headers = {}
    if page.posted:
        cookies[settings.CSRF_COOKIE_NAME] = TOKEN
        headers = {"X-CSRFToken": TOKEN, "HX-Request": "true", "Content-Type": "application/x-www-form-urlencoded"}
    if page.part:
        headers |= {"HX-Request": "true", "HX-Target": page.part}
    headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
    connection = http.client.HTTPConnection(HOST, port)
    connection.connect()
    began = time.perf_counter()
    connection.request("POST" if page.posted else "GET", page.path, urlencode(page.posted) or None, headers)
    response = connection.getresponse()
    content = response.read()
    took = (time.perf_counter() - began) * 1000
    connection.close()
    if response.status not in (200, 302):
        raise RuntimeError(f"{page.name} answered {response.status}")
    return took, content


def _wait_for(port: int) -> None:
    give_up = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < give_up:
        with contextlib.suppress(OSError):
            connection = http.client.HTTPConnection(HOST, port, timeout=SECONDS_TO_START)
            connection.request("GET", "/sign-in/")
            connection.getresponse().read()
            return
        time.sleep(0.1)
    raise RuntimeError("gunicorn did not answer")
