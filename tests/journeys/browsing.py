"""What every journey does in a browser: sign in, count keys at a person's pace, ask axe."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from portal.models import User

PASSWORD = "a long one for tests"
# A person's pace: a key, and a decision where the hand waits for the head.
SECONDS_A_KEY, SECONDS_A_DECISION = 0.28, 1.2
# More stops than any page has before what a person looks for.
MOST_TABS = 80


class CountedKeyboard:
    """The page's keyboard, counting keys and decisions."""

    def __init__(self, page: Page) -> None:
        self.keyboard = page.keyboard
        self.keys = self.decisions = 0

    def press(self, *keys: str) -> None:
        for key in keys:
            self.keyboard.press(key)
        self.keys += len(keys)

    def type(self, text: str) -> None:
        self.keyboard.type(text)
        self.keys += len(text)

    def decide(self, typed: str = "") -> None:
        """Think once, and type what was decided."""
        self.decisions += 1
        self.type(typed)

    @property
    def seconds(self) -> float:
        return self.keys * SECONDS_A_KEY + self.decisions * SECONDS_A_DECISION


def sign_in(page: Page, base: str, person: User) -> None:
    """Give the person a password and sign in with it, by keys."""
    person.set_password(PASSWORD)
    person.save()
    page.set_default_timeout(10_000)
    page.goto(f"{base}/sign-in/")
    fill_in_sign_in(page, person)


def fill_in_sign_in(page: Page, person: User) -> None:
    page.get_by_label("User name").fill(person.username)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Home")
    # The panels of the home page come after it, each with a session cookie of its own.
    page.wait_for_load_state("networkidle")


def leave(page: Page) -> None:
    """Let the page end what it asks for and ask no more: the tables are emptied next, and one would block the other."""
    page.wait_for_load_state("networkidle")
    page.goto("about:blank")


def complaints(page: Page) -> list[str]:
    """The rules of axe that the page breaks as it stands."""
    # A colour is measured as it is, not on its way from the other theme.
    page.emulate_media(reduced_motion="reduce")
    return [violation["id"] for violation in Axe().run(page).response["violations"]]


def complaints_in_both_themes(page: Page) -> list[str]:
    """The same in dark, then in light; a page with script takes another theme only by its attribute."""
    found = []
    for theme in ("dark", "light"):
        page.evaluate("theme => document.documentElement.dataset.bsTheme = theme", theme)
        found += [f"{theme}: {rule}" for rule in complaints(page)]
    return found


def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until the target has the focus."""
    expect(target).to_be_visible()
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if target.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"Tab does not reach {target}")


def go(page: Page, target: Locator) -> None:
    """Press Tab until the target has the focus, and open it."""
    tab_to(page, target)
    page.keyboard.press("Enter")


def title(page: Page) -> Locator:
    return page.get_by_role("heading", level=1)


def rows(page: Page) -> Locator:
    """The rows of a list that keys move along."""
    return page.locator("tr[data-row]")
