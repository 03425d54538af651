"""The pages of official files: what rules and how old it is, loading, and the rows of a load."""

from datetime import UTC, date, datetime

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from coding.models import ReferenceKind, ReferenceLoad
from coding.reference_services import load_reference
from tests.builders import make_organization, make_user
from tests.coding import reference_samples as samples

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(roles, client):
    person = make_user(make_organization(), role="admin")
    client.force_login(person)
    return person


def load(kind, text, on) -> ReferenceLoad:
    return load_reference(
        kind=kind,
        effective_from=on,
        release=f"release of {on}",
        files=[samples.as_file(text)],
        by=None,
        at=datetime(2026, 11, 24, 15, tzinfo=UTC),
    )


def sent(client, text, name="mue.csv", **changes):
    asked = {"kind": "mue_hospital", "effective_from": "2026-10-01", "release": "2026 Q4"}
    file = SimpleUploadedFile(name, text.encode())
    return client.post(reverse("reference-load"), asked | {"files": file} | changes)


def test_reference_list_shows_the_shipped_extracts_with_their_days(client, admin, django_assert_max_num_queries):
    with django_assert_max_num_queries(14):
        page = client.get(reverse("reference-list"))

    text = page.content.decode()
    assert "the shipped extract, as of 07/01/2024" in text
    assert "Out of date: it is for dates of service through 09/30/2024" in text
    assert "nothing is loaded" in text


def test_reference_list_shows_the_load_that_rules_today(client, admin):
    load(ReferenceKind.MUE_HOSPITAL, samples.MUE_HOSPITAL, date(2026, 10, 1))
    load(ReferenceKind.MUE_HOSPITAL, samples.MUE_HOSPITAL, date(2027, 1, 1))

    page = client.get(reverse("reference-list"))

    text = page.content.decode()
    assert "release of 2026-10-01, from 10/01/2026 (54 days old)" in text
    assert "release of 2027-01-01" in text


@pytest.mark.parametrize(
    ("on", "is_late"), [(date(2026, 10, 1), False), (date(2026, 7, 1), False), (date(2026, 4, 1), True)]
)
def test_reference_list_warns_of_a_quarterly_table_after_one_more_quarter(client, admin, on, is_late):
    load(ReferenceKind.MUE_HOSPITAL, samples.MUE_HOSPITAL, on)

    kinds = client.get(reverse("reference-list")).context["kinds"]

    (kind,) = (kind for kind in kinds if kind.label == ReferenceKind.MUE_HOSPITAL.label)
    assert bool(kind.warning) is is_late


@pytest.mark.parametrize(
    ("kind", "text", "on", "is_late"),
    [
        (ReferenceKind.ICD10CM, samples.ICD10CM, date(2026, 10, 1), False),
        (ReferenceKind.ICD10CM, samples.ICD10CM, date(2026, 4, 1), True),
        (ReferenceKind.PFS_RVU, samples.PFS_RVU, date(2026, 1, 1), False),
        (ReferenceKind.PFS_RVU, samples.PFS_RVU, date(2025, 10, 1), True),
    ],
)
def test_reference_list_warns_of_a_yearly_table_when_its_year_is_over(client, admin, kind, text, on, is_late):
    load(kind, text, on)

    kinds = client.get(reverse("reference-list")).context["kinds"]

    (found,) = (found for found in kinds if found.label == kind.label)
    assert bool(found.warning) is is_late


def test_reference_load_leads_to_what_changed(client, admin):
    answer = sent(client, samples.MUE_HOSPITAL)

    loaded = ReferenceLoad.objects.get()
    assert answer.url == reverse("reference-detail", args=[loaded.pk])
    assert (loaded.loaded_by, loaded.file_name, loaded.rows_loaded) == (admin, "mue.csv", 2)


@pytest.mark.parametrize(
    ("text", "changes", "said"),
    [
        (samples.MUE_HOSPITAL.replace("77386,2", "77386,x"), {}, "mue.csv, line 2, column Outpatient Hospital"),
        (samples.MUE_PRACTITIONER, {}, "has no row that names the columns"),
        (samples.MUE_HOSPITAL, {"release": ""}, "This field is required."),
        (samples.MUE_HOSPITAL, {"effective_from": "1999-01-01"}, "Choose a day from 2000 to 2099."),
        ("", {}, "A file is empty."),
    ],
)
def test_reference_load_refuses_at_the_field(client, admin, text, changes, said):
    page = sent(client, text, **changes)

    assert page.status_code == 422
    assert said in page.content.decode()
    assert not ReferenceLoad.objects.exists()


def test_reference_load_asks_before_it_replaces(client, admin):
    sent(client, samples.MUE_HOSPITAL)

    page = sent(client, samples.MUE_HOSPITAL)
    answer = sent(client, samples.MUE_HOSPITAL, replace="on")

    assert page.status_code == 422
    assert "is loaded for that first day. Tick the box" in page.content.decode()
    assert answer.status_code == 302
    assert ReferenceLoad.objects.count() == 1


def test_reference_detail_shows_what_changed_in_words(client, admin):
    load(
        ReferenceKind.PTP_HOSPITAL,
        samples.ptp("77386 77387 20150101 * 0", "77386 77402 20150101 * 1"),
        date(2026, 7, 1),
    )
    later = load(
        ReferenceKind.PTP_HOSPITAL,
        samples.ptp("77386 77387 20150101 * 1", "77386 77402 20150101 20260930 1", "12345 54321 20261001 * 0"),
        date(2026, 10, 1),
    )

    page = client.get(reverse("reference-detail", args=[later.pk]))

    rows = [(row.name, str(row.change), row.before, row.after) for row in page.context["rows"]]
    assert rows == [
        (
            "77386 / 77387",
            "changed",
            "never together (0), from 01/01/2015",
            "a modifier may part them (1), from 01/01/2015",
        ),
        (
            "77386 / 77402",
            "deleted",
            "a modifier may part them (1), from 01/01/2015",
            "a modifier may part them (1), from 01/01/2015, deleted 09/30/2026",
        ),
    ]


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({}, ["77386", "77407"]),
        ({"code": "77407"}, ["77407"]),
        ({"change": "deleted"}, []),
        ({"change": "all", "code": "77386"}, ["77386"]),
        ({"change": "nonsense", "page": "x"}, ["77386", "77407"]),
    ],
)
def test_reference_detail_narrows_to_what_is_asked(client, admin, asked, names):
    loaded = load(ReferenceKind.MUE_HOSPITAL, samples.MUE_HOSPITAL, date(2026, 10, 1))

    page = client.get(reverse("reference-detail", args=[loaded.pk]), asked)

    assert [row.name for row in page.context["rows"]] == names


@pytest.mark.parametrize(
    ("kind", "text", "code", "said"),
    [
        (ReferenceKind.ADDENDUM_B, samples.ADDENDUM_B, "77387", "no rate, status N, APC —"),
        (ReferenceKind.PFS_RVU, samples.PFS_RVU, "77387", "1.05 units × 33.4009, status A"),
        (ReferenceKind.ICD10CM, samples.ICD10CM, "C02", "(a heading, not billable)"),
        (ReferenceKind.CPT_DESCRIPTORS, samples.CPT_DESCRIPTORS, "77407", "Words of the licensed file"),
        (ReferenceKind.MUE_PRACTITIONER, samples.MUE_PRACTITIONER, "77407", "3 units a day, indicator 2"),
    ],
)
def test_reference_detail_says_a_row_of_each_kind_in_words(client, admin, kind, text, code, said):
    loaded = load(kind, text, date(2026, 1, 1))

    page = client.get(reverse("reference-detail", args=[loaded.pk]), {"code": code})

    assert said in page.content.decode()


def test_reference_detail_turns_pages(client, admin):
    pairs = [f"77386 {number} 20150101 * 1" for number in range(10000, 10060)]
    loaded = load(ReferenceKind.PTP_HOSPITAL, samples.ptp(*pairs), date(2026, 10, 1))

    first = client.get(reverse("reference-detail", args=[loaded.pk]))
    second = client.get(first.context["pages"]["older_url"])

    assert (len(first.context["rows"]), len(second.context["rows"])) == (50, 10)
    assert first.context["pages"]["count_text"] == "60 rows"


def test_a_licensed_descriptor_stands_beside_its_code(client, admin):
    before = client.get(reverse("code-detail", args=["77407"])).content.decode()

    load(ReferenceKind.CPT_DESCRIPTORS, samples.CPT_DESCRIPTORS, date(2026, 1, 1))

    assert "Words of the licensed file" not in before
    assert "Words of the licensed file" in client.get(reverse("code-detail", args=["77407"])).content.decode()
