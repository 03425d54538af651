"""Every page that an address gives, seen by an administrator, whose pages are the fullest: readable in both themes and
at every width, reached by keys, silent in the console, asking nothing of other hosts, with no patient in its title.
"""

from pathlib import Path

import axe_playwright_python
import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import BrowserContext, Page

from portal.roles import install_roles
from tests.security.test_url_matrix import MATRIX, World

pytestmark = pytest.mark.django_db(transaction=True)
AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
# Files and what only a script reads, by the ends of their names.
NO_PAGES = ("form-token", "day-sheet-changes", "-csv", "-xlsx", "-file", "-zip", "-toml")
PAGES = {
    name: noun
    for name, (who, methods, noun) in MATRIX.items()
    if "admin" in who and "GET" in methods.split() and not name.endswith(NO_PAGES)
}
# A first-level page is reached by the menu or the top bar; every other one shows the way to it.
FIRST_LEVEL = {
    *("inbox", "home", "search", "password-change", "password-changed", "day-sheet", "patient-list", "charge-review"),
    *("sessions-without-line", "hold-list", "import-list", "guidance-list", "code-list", "code-transition"),
    "matrix",
    *("attestation-list", "reader-list"),
    "recapture-list",
    *("filing-clock", "filing-sunset", "filing-limits", "level-guard", "level-guard-sessions"),
    "authorization-ledger",
    *("policy-list", "report-list", "audit-list", "setup-home", "reconciliation"),
}
BROKEN_RULES = "() => axe.run(document, {resultTypes: ['violations']}).then(told)"
BROKEN_CONTRAST = "() => axe.run(document, {runOnly: ['color-contrast']}).then(told)"
TELL = """window.told = (found) => found.violations.map(
    (rule) => rule.id + ': ' + rule.nodes.map((node) => node.target.join(' ')).slice(0, 3).join(', '))"""
# A letter sheet on its long side, less its margins, in CSS pixels.
PAPER = 980
IS_CUT = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
FOCUS_IS_SEEN = """() => {
    const at = document.activeElement;
    const style = getComputedStyle(at);
    const inside = document.getElementById('main').contains(at) || at === document.body;
    return inside && (at === document.body || style.outlineStyle !== 'none' || style.boxShadow !== 'none');
}"""


@pytest.fixture
def world():
    """A clinic with one of everything that an address can name."""
    install_roles()
    return World("own-payer")


@pytest.fixture
def visitor(context: BrowserContext, live_server, world) -> Page:
    """A browser in which the administrator is signed in, with axe in every page."""
    client = Client()
    client.force_login(world.people["admin"])
    session = {"name": settings.SESSION_COOKIE_NAME, "value": client.cookies[settings.SESSION_COOKIE_NAME].value}
    context.add_cookies([session | {"url": live_server.url}])
    context.add_init_script(path=AXE)
    context.add_init_script(TELL)
    page = context.new_page()
    page.set_default_timeout(30_000)
    # A colour is measured as it is, not on its way from the other theme.
    page.emulate_media(reduced_motion="reduce")
    return page


class Visit:
    """What one page does wrong, in words."""

    def __init__(self, page: Page, base: str, names: set[str]) -> None:
        self.page, self.base, self.names = page, base, names
        self.said: list[str] = []
        page.on("console", lambda message: self._note(message.type == "error", f"console: {message.text}"))
        page.on("pageerror", lambda error: self._note(True, f"script: {error}"))
        page.on("request", lambda request: self._note(not request.url.startswith(base), f"asks {request.url}"))

    def of(self, name: str, address: str) -> list[str]:
        self.said = []
        page = self.page
        page.set_viewport_size({"width": 1280, "height": 800})
        answer = page.goto(self.base + address)
        self._note(answer.status != 200, f"status {answer.status}")
        self.said += page.evaluate(BROKEN_RULES)
        title = page.title()
        self._note(any(patient in title for patient in self.names), f"title: {title}")
        self._note(name not in FIRST_LEVEL and page.locator("nav.breadcrumbs").count() != 1, "no breadcrumbs")
        # A form may have put the focus into its first field already.
        page.locator(".skip-link").focus()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        self._note(not page.evaluate(FOCUS_IS_SEEN), "the focus is not in the content, or not seen")
        page.evaluate("document.documentElement.dataset.bsTheme = 'dark'")
        self.said += [f"dark {complaint}" for complaint in page.evaluate(BROKEN_CONTRAST)]
        for width in (1280, 640, 320):
            page.set_viewport_size({"width": width, "height": 400})
            self._note(page.evaluate(IS_CUT), f"wider than {width} px")
        page.set_viewport_size({"width": PAPER, "height": 700})
        page.emulate_media(media="print")
        self._note(page.evaluate(IS_CUT), "wider than paper")
        self._note(page.locator(".topbar, .sidenav").locator("visible=true").count() > 0, "the menu is printed")
        page.emulate_media(media="screen")
        return self.said

    def _note(self, is_wrong: bool, words: str) -> None:
        if is_wrong:
            self.said.append(words)


def test_every_page_is_readable_reachable_and_discreet(visitor: Page, live_server, world) -> None:
    patients = world.people["admin"].organization.patients.all()
    visit = Visit(visitor, live_server.url, {patient.family_name for patient in patients})

    found = {name: visit.of(name, world.address(name, noun, "admin")) for name, noun in PAGES.items()}

    assert {name: wrong for name, wrong in found.items() if wrong} == {}
