"""The payer matrix says what the engine says, for a date of service that can be moved."""

import csv
import io
from datetime import date

import pytest
from django.test import Client
from django.urls import reverse

from coding.codebook_files import load_codebook
from payers.guidance import Enquiry, payer_books
from payers.models import Payer
from payers.pack_services import install_packs
from payers.presenters.guidance import SETTING_LABELS, shown_row
from payers.presenters.matrix import KINDS, changes_between, changes_page, matrix_page
from portal.models import Organization
from tests.builders import make_organization, make_payer, make_policy_version, make_user

LAST_OLD, FIRST_NEW, TODAY = date(2025, 12, 31), date(2026, 1, 1), date(2026, 11, 24)
pytestmark = pytest.mark.django_db


@pytest.fixture
def organization() -> Organization:
    organization = make_organization()
    install_packs(organization=organization, by=None)
    return organization


@pytest.fixture
def coder(organization, roles, client) -> Client:
    client.force_login(make_user(organization, role="coder"))
    return client


def page_of(organization: Organization, *, on: date, since: date | None = None, kind: str = "first") -> dict:
    books = payer_books(organization)
    return matrix_page(books, on=on, since=since, kind=kind, codebook=load_codebook(), today=TODAY)


def cell_of(page: dict, slug: str, setting: str):
    row = next(row for row in page["rows"] if row.payer.slug == slug)
    return next(cell for cell in row.cells if str(cell.setting_label) == setting)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("on", [LAST_OLD, FIRST_NEW])
def test_matrix_cells_are_answers_of_the_engine(organization, kind, on):
    codebook = load_codebook()

    page = page_of(organization, on=on, kind=kind)

    asked = [
        shown_row("", Enquiry.of(book, on=on, codebook=codebook).answer(setting, **KINDS[kind].changes))
        for book in payer_books(organization)
        for setting in SETTING_LABELS
    ]
    assert [cell.answer for row in page["rows"] for cell in row.cells] == asked


def test_matrix_marks_what_differs_from_the_day_compared_with(organization):
    page = page_of(organization, on=FIRST_NEW, since=LAST_OLD)

    hospital = cell_of(page, "medicare", "Hospital, on campus")
    assert hospital.is_changed
    assert [line.code for line in hospital.before.lines] == ["77386", "77014"]
    assert [line.code for line in hospital.answer.lines] == ["77407", "77387"]
    assert page["changed"] == sum(cell.is_changed for row in page["rows"] for cell in row.cells)
    assert page["sentence"] == f"{page['changed']} cells differ between 12/31/2025 and 01/01/2026."


def test_matrix_of_the_same_days_marks_nothing(organization):
    page = page_of(organization, on=date(2025, 11, 3), since=date(2025, 11, 4))

    assert page["changed"] == 0
    assert page["sentence"] == "Nothing differs between 11/04/2025 and 11/03/2025."


def test_matrix_without_a_version_says_that_a_policy_is_needed(organization):
    make_payer(organization, slug="new-payer", name="New payer")

    page = page_of(organization, on=TODAY)

    cell = cell_of(page, "new-payer", "Hospital, on campus")
    assert "PAYER_POLICY_REQUIRED" in [finding.name for finding in cell.answer.findings]


def test_changes_name_the_payer_the_term_and_its_clause(organization):
    payer = make_payer(organization, slug="new-payer", name="New payer")
    make_policy_version(payer, terms={"bid": "76"})
    make_policy_version(
        payer, terms={"bid": "59"}, effective_from=date(2026, 12, 1), summary="A later session takes 59."
    )

    changes = changes_between(payer_books(organization), TODAY, date(2027, 1, 23), codebook=load_codebook())

    assert [(change.day, change.payer) for change in changes] == [(date(2026, 12, 1), payer)]
    assert changes[0].sentences == (
        "A version begins: A later session takes 59.",
        "A second session of the day: a line of its own with 59 instead of "
        "a line of its own with 76, or 77 under another physician",
    )
    assert [citation.title for citation in changes[0].citations] == ["Test manual"]


def test_changes_at_the_seam_count_the_cells_that_differ(organization):
    changes = changes_between(payer_books(organization), FIRST_NEW, FIRST_NEW, codebook=load_codebook())

    for_all = changes[0]
    assert for_all.payer is None
    assert "77386" in for_all.sentences[1]
    assert for_all.cells == page_of(organization, on=FIRST_NEW, since=LAST_OLD)["changed"]


def test_changes_name_the_next_day_where_sixty_days_are_quiet(organization):
    payer = make_payer(organization, slug="new-payer")
    make_policy_version(payer, effective_from=date(2027, 6, 1))

    page = changes_page(payer_books(organization), today=TODAY, codebook=load_codebook())

    assert page["soon"] == []
    assert page["next"] == date(2027, 6, 1)


def test_matrix_page_answers_the_fragment_alone_to_htmx(coder):
    response = coder.get(reverse("matrix"), {"on": "2026-01-01", "since": "2025-12-31"}, headers={"HX-Request": "true"})

    assert response.status_code == 200
    assert response.content.decode().lstrip().startswith('<div class="panel panel-flush" id="matrix">')


def test_matrix_page_with_a_broken_date_says_so_and_shows_today(coder):
    response = coder.get(reverse("matrix"), {"on": "2026-13-01"})

    assert response.status_code == 422
    assert "Date of service: Enter a valid date." in response.content.decode()


def test_matrix_page_of_one_payer_shows_that_payer_alone(coder):
    response = coder.get(reverse("matrix"), {"payer": "cigna"})

    assert [row.payer.slug for row in response.context["page"]["rows"]] == ["cigna"]


def test_matrix_csv_equals_the_page(coder, organization):
    response = coder.get(reverse("matrix-csv"), {"on": "2026-01-01", "kind": "second"})

    rows = list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))
    assert rows[0] == ["Date of service", "01/01/2026", "Second session of the day, 6 hours later"]
    assert len(rows) == 2 + Payer.objects.filter(organization=organization).count()
    medicare = next(row for row in rows if row[0] == "Medicare")
    assert medicare[2].startswith("77407 76 x1; 77387 26")


def test_matrix_asks_the_same_queries_for_more_payers(coder, organization, django_assert_max_num_queries):
    with django_assert_max_num_queries(20) as captured:
        coder.get(reverse("matrix"))
    few = len(captured)
    for number in range(5):
        make_policy_version(make_payer(organization, slug=f"more-{number}"))

    with django_assert_max_num_queries(few):
        coder.get(reverse("matrix"))


def test_matrix_knows_only_payers_of_the_organization(coder):
    make_policy_version(make_payer(make_organization(), slug="elsewhere", name="Payer of others"))

    response = coder.get(reverse("matrix"))

    assert "Payer of others" not in response.content.decode()
