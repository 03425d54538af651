"""Browsers in which somebody of the journey's `clinic` has signed in."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from portal.models import User
from tests.builders import make_user
from tests.journeys.browsing import leave, sign_in

# Two journeys at once on a small machine: what is expected comes, but not always within the usual five seconds.
expect.set_options(timeout=20_000)


@pytest.fixture
def coder(clinic) -> User:
    return make_user(clinic, role="coder", username="coder")


@pytest.fixture
def coder_page(page: Page, live_server, coder) -> Iterator[Page]:
    """A browser in which a coder of the clinic has signed in."""
    sign_in(page, live_server.url, coder)
    yield page
    leave(page)


@pytest.fixture
def plain_page(browser, browser_context_args, live_server, coder):
    """The same in a browser that runs no script."""
    context = browser.new_context(**browser_context_args, java_script_enabled=False)
    page = context.new_page()
    sign_in(page, live_server.url, coder)
    yield page
    context.close()
