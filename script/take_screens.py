"""Every screen of the portal in Chromium, light and dark, as pictures for docs/screens."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.parse import urlencode

from demo_server import HOST, QUIET, served, session_of
from django.conf import settings
from django.urls import reverse
from palette_png import with_palette
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

from coding.demo_day import EXAMPLES, MACHINE_TO_ENTER, READY_FOR_A_PATTERN, TWO_AUTHORIZED_LEFT
from coding.demo_gaps import SENT_AND_VOIDED
from coding.models import ChargeLine, LineState, SessionHold
from portal.models import Course, Machine, SessionCandidate, TreatmentLogImport, TreatmentSession

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "screens"
SIZE = {"width": 1280, "height": 860}
# A small machine that does other work too answers late.
expect.set_options(timeout=60_000)
JANUARY = "start=2026-01-01&end=2026-01-31"


def stay(page: Page) -> None:
    """The page as it comes."""


@dataclass(frozen=True, slots=True)
class Screen:
    """One picture: whose browser, which address, and what is pressed before it is taken."""

    name: str
    address: str
    act: Callable[[Page], None] = stay
    person: str = "coder"
    in_dark: bool = True


def press(*keys: str) -> Callable[[Page], None]:
    """The keys one after the other, each once the portal has answered the one before."""

    def act(page: Page) -> None:
        for key in keys:
            page.keyboard.press(key)
            page.wait_for_load_state("networkidle")

    return act


def screens() -> list[Screen]:
    course = Course.objects.get(account_number=EXAMPLES[1].account)
    return [
        Screen("home", reverse("home")),
        Screen("day-sheet", sheet()),
        Screen("day-sheet-entered", sheet(), enter_some),
        Screen("course", reverse("course-detail", args=[course.pk])),
        Screen("course-table", reverse("course-detail", args=[course.pk]) + "?view=table"),
        Screen("authorization", of_course("course-detail", TWO_AUTHORIZED_LEFT)),
        Screen("pattern", of_prescription("fractions-plan", READY_FOR_A_PATTERN.account), type_pattern),
        Screen("why", why_of_second_session()),
        Screen("charge-review", reverse("charge-review")),
        Screen("bulk-preview", reverse("charge-review") + "?state=held", press("j", "x", "j", "x", "j", "x", "r")),
        Screen("holds", reverse("hold-list")),
        Screen("hold", reverse("hold-detail", args=[hold_named("IMAGE_UNSIGNED")])),
        Screen("command-bar", reverse("home"), find),
        Screen("help", reverse("day-sheet"), press("?")),
        Screen("session-entry", f"{reverse('session-create')}?course={course.pk}"),
        Screen("import", reverse("import-detail", args=[TreatmentLogImport.objects.latest("pk").pk])),
        Screen("import-candidate", reverse("candidate-detail", args=[SessionCandidate.objects.open().first().pk])),
        Screen("guidance", reverse("guidance-detail", args=["aetna"])),
        Screen("policy", reverse("policy-detail", args=["aetna"]), person="admin"),
        Screen("matrix", f"{reverse('matrix')}?on=2026-01-01&since=2025-12-31"),
        Screen("guidance-search", f"{reverse('guidance-search')}?q=authorization"),
        Screen("to-read", reverse("attestation-list")),
        Screen("overrides", reverse("policy-override-list"), person="admin"),
        Screen("packs", reverse("pack-list"), person="admin"),
        Screen("reference", reverse("reference-list"), person="admin"),
        Screen("recapture", reverse("recapture-list")),
        Screen("reconciliation", f"{reverse('reconciliation')}?{JANUARY}&by=course", person="manager"),
        Screen("reconciliation-day", gap_day(), person="manager"),
        Screen("filing-clock", f"{reverse('filing-clock')}?left=7", person="manager"),
        Screen("filing-sunset", f"{reverse('filing-sunset')}?left=7", press("w"), person="manager"),
        Screen("filing-proof", proof_of_exported(), person="manager"),
        Screen("level-guard", reverse("level-guard"), person="manager"),
        Screen("level-guard-course", audited_course(), person="manager"),
        Screen("authorizations", f"{reverse('authorization-ledger')}?show=all&left=few", person="manager"),
        Screen("home-manager", reverse("home"), person="manager"),
        Screen("inbox", reverse("inbox"), person="manager"),
        Screen("reports", reverse("report-list"), person="manager"),
        Screen("report-levels", reverse("report-levels"), person="manager"),
        Screen("report-expected", reverse("report-expected"), person="manager"),
        Screen("rates", reverse("rate-list"), person="admin"),
        Screen("code", reverse("code-detail", args=["77407"])),
        Screen("transition", reverse("code-transition")),
        Screen("report", reverse("report-charges"), person="manager"),
        Screen("audit", reverse("audit-list"), person="manager"),
        Screen("closed-days", reverse("closed-day-list"), person="admin"),
        Screen("session-2025", session_on(course, date(2025, 12, 30)), in_dark=False),
        Screen("session-2026", session_on(course, date(2026, 1, 5)), in_dark=False),
        Screen("session-level-3-held", held_level_3(), in_dark=False),
        Screen("session-freestanding", freestanding(), in_dark=False),
    ]


def sheet() -> str:
    """The last working day of the machine that waits to be entered."""
    machine = Machine.objects.get(name=MACHINE_TO_ENTER)
    day = SessionCandidate.objects.filter(machine_name=machine.source_name).earliest("started_at").started_at
    return f"{reverse('day-sheet')}?{urlencode({'machine': machine.pk, 'date': f'{day:%m/%d/%Y}'})}"


def of_course(page: str, account: str) -> str:
    return reverse(page, args=[Course.objects.get(account_number=account).pk])


def of_prescription(page: str, account: str) -> str:
    return reverse(page, args=[Course.objects.get(account_number=account).prescriptions.get().pk])


def why_of_second_session() -> str:
    """The delivery of a second session of a day that carries 76."""
    line = ChargeLine.objects.live().filter(code="77407", modifiers__contains=["76"]).order_by("pk").first()
    return reverse("line-why", args=[line.pk])


def hold_named(name: str) -> int:
    return SessionHold.objects.open().filter(name=name).order_by("pk").first().pk


def session_on(course: Course, day: date) -> str:
    session = TreatmentSession.objects.standing().get(course=course, date_of_service=day)
    return reverse("session-detail", args=[session.pk])


def held_level_3() -> str:
    hold = SessionHold.objects.open().filter(
        name="LEVEL3_DOCUMENTATION", session__course__prescriptions__motion_management="active"
    )
    return reverse("session-detail", args=[hold.order_by("pk").first().session_id])


def freestanding() -> str:
    lines = ChargeLine.objects.live().filter(code="G6015", ruling__policy_version__policy__payer__slug="medicare")
    return reverse("session-detail", args=[lines.filter(state="ready").latest("pk").session_id])


def gap_day() -> str:
    """A day on which a session was sent and then voided."""
    session = TreatmentSession.objects.filter(course__account_number=SENT_AND_VOIDED).earliest("started_at")
    asked = urlencode({"day": session.date_of_service.isoformat()})
    return f"{reverse('reconciliation-day', args=[session.department_id])}?{asked}"


def proof_of_exported() -> str:
    """A line that was sent before its last day."""
    lines = ChargeLine.objects.filter(state=LineState.EXPORTED, ruling__file_by__isnull=False)
    return reverse("filing-proof", args=[lines.latest("ruling__file_by").pk])


def audited_course() -> str:
    """A course of the highest level of which some session lacks its record."""
    hold = SessionHold.objects.open().filter(name="LEVEL3_DOCUMENTATION").order_by("pk").first()
    return reverse("level-guard-course", args=[hold.session.course_id])


def type_pattern(page: Page) -> None:
    """A course over the turn of the year, with a day off and two double days."""
    page.get_by_role("textbox", name="First day").focus()
    for typed in ("120125", "", "740", "12/16", "12/19,1/9", "205p"):
        page.keyboard.type(typed)
        page.keyboard.press("Tab")
    expect(page.locator(".pattern-sentence")).to_contain_text("35 fractions")


def find(page: Page) -> None:
    page.keyboard.press("Control+k")
    page.keyboard.type("RA-3500")
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(600)


def enter_some(page: Page) -> None:
    """All matched rows at once, then the row on which the sheet stands."""
    page.keyboard.press("Control+Enter")
    expect(page.locator("tr.row-entered").nth(23)).to_be_attached()


def main() -> None:
    """Take the screens that the command names, or all of them."""
    wanted = sys.argv[1:]
    with served() as port, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ["BEAMLEDGER_CHROMIUM"], args=QUIET)
        contexts: dict[str, BrowserContext] = {}
        for screen in screens():
            if wanted and screen.name not in wanted:
                continue
            if screen.person not in contexts:
                contexts[screen.person] = browser.new_context(base_url=f"http://{HOST}:{port}", viewport=SIZE)
                cookie = {"name": settings.SESSION_COOKIE_NAME, "value": session_of(screen.person)}
                contexts[screen.person].add_cookies([cookie | {"domain": HOST, "path": "/"}])
            take(contexts[screen.person].new_page(), screen)
        browser.close()


def take(page: Page, screen: Screen) -> None:
    """Do what the screen wants once, and take it in both themes."""
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    page.goto(screen.address)
    page.wait_for_load_state("networkidle")
    screen.act(page)
    for scheme in ("light", "dark") if screen.in_dark else ("light",):
        page.locator("html").evaluate("(root, scheme) => { root.dataset.bsTheme = scheme }", scheme)
        name = f"{screen.name}-{scheme}.png" if screen.in_dark else f"{screen.name}.png"
        (FOLDER / name).write_bytes(with_palette(page.screenshot(animations="disabled", caret="hide")))
        print(name, (FOLDER / name).stat().st_size // 1024, "KB", flush=True)
    page.close()


if __name__ == "__main__":
    main()
