"""What every answer carries, and when a person has to sign in again."""

import re
import time

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from portal.middleware import ASKED_BY_ITSELF, RENEWED_AT, SESSION_RENEWED_AFTER, SIGNED_IN_AT
from tests.builders import make_organization, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def coder(client, roles):
    coder = make_user(make_organization(), "coder")
    client.force_login(coder)
    return coder


def sign_in_earlier(client, *, seconds: int, mark: str = SIGNED_IN_AT) -> None:
    session = client.session
    session[mark] = int(time.time()) - seconds
    session.save()


@pytest.mark.parametrize("address", ["/sign-in/", "/patients/", "/nowhere/", "/static/nothing.css"])
def test_policy_stands_on_every_answer(client, address):
    response = client.get(address)

    assert response["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in response["Content-Security-Policy"]
    assert response["X-Frame-Options"] == "DENY"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Referrer-Policy"] == "same-origin"


def test_pages_of_a_signed_in_person_stay_out_of_caches(client, coder):
    response = client.get(reverse("patient-list"))

    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]


def test_session_is_renewed_for_a_quarter_of_an_hour_now_and_then(client, coder):
    at_once = client.get(reverse("patient-list"))
    sign_in_earlier(client, seconds=SESSION_RENEWED_AFTER, mark=RENEWED_AT)
    later = client.get(reverse("patient-list"))

    assert settings.SESSION_COOKIE_NAME not in at_once.cookies
    cookie = later.cookies[settings.SESSION_COOKIE_NAME]
    assert cookie["max-age"] == 15 * 60
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert client.session[RENEWED_AT] >= int(time.time()) - 5


def test_page_that_asks_by_itself_does_not_keep_a_person_signed_in(client, coder):
    sign_in_earlier(client, seconds=SESSION_RENEWED_AFTER, mark=RENEWED_AT)

    by_itself = client.get(reverse("patient-list"), headers={ASKED_BY_ITSELF: "1"})
    by_the_person = client.get(reverse("patient-list"))

    assert settings.SESSION_COOKIE_NAME not in by_itself.cookies
    assert settings.SESSION_COOKIE_NAME in by_the_person.cookies


def test_every_part_of_a_page_that_asks_by_itself_says_so():
    templates = (settings.BASE_DIR / "templates").rglob("*.html")
    asking = [text for text in (path.read_text() for path in templates) if re.search(r'hx-trigger="every', text)]

    assert asking
    assert all(f'hx-headers=\'{{"{ASKED_BY_ITSELF}": "1"}}\'' in text for text in asking)


def test_page_hides_itself_before_its_session_can_end(client, coder):
    response = client.get(reverse("patient-list"))

    assert f'data-idle-seconds="{15 * 60 - SESSION_RENEWED_AFTER}"' in response.text


def test_busy_session_on_its_last_second_goes_on(client, coder):
    client.get(reverse("patient-list"))
    sign_in_earlier(client, seconds=12 * 60 * 60 - 5)

    assert client.get(reverse("patient-list")).status_code == 200


def test_busy_session_after_twelve_hours_asks_to_sign_in(client, coder):
    client.get(reverse("patient-list"))
    sign_in_earlier(client, seconds=12 * 60 * 60 + 5)

    response = client.get(reverse("patient-list"))

    assert response.status_code == 302
    assert response.url.startswith(reverse("sign-in"))


def test_part_of_a_page_is_refused_to_a_stranger_and_the_page_stays(client):
    response = client.post(reverse("search"), {"q": "a"}, headers={"HX-Request": "true"})

    assert response.status_code == 401
    assert response.content == b""


def test_form_token_names_the_person_and_opens_their_forms(coder):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(coder)

    given = browser.get(reverse("form-token")).json()
    response = browser.post(reverse("search"), {"q": "a"}, headers={"X-CSRFToken": given["token"]})

    assert given["person"] == str(coder.pk)
    assert response.status_code == 200
