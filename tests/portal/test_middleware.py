"""What every answer carries, and when a person has to sign in again."""

import time

import pytest
from django.test import Client
from django.urls import reverse

from portal.middleware import SIGNED_IN_AT
from tests.builders import make_organization, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def coder(client, roles):
    coder = make_user(make_organization(), "coder")
    client.force_login(coder)
    return coder


def sign_in_earlier(client, *, seconds: int) -> None:
    session = client.session
    session[SIGNED_IN_AT] = int(time.time()) - seconds
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


def test_session_cookie_ends_after_a_quarter_of_an_hour_and_is_closed_to_script(client, coder, settings):
    response = client.get(reverse("patient-list"))

    cookie = response.cookies[settings.SESSION_COOKIE_NAME]
    assert cookie["max-age"] == 15 * 60
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"


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
