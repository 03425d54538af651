"""Set-up screens: who delivers, bills and signs in, and what a change of them does to charges."""

import csv
from datetime import UTC, date, datetime
from io import StringIO

import pytest
from django.urls import reverse

from coding.models import ChargeLine, FeeSchedule
from coding.services import capture_from
from payers.models import Payer
from portal.models import AuditEvent, Department, Machine, Physician, User
from portal.services.setup import LastAdministrator, save_record, save_user
from tests.builders import (
    make_department,
    make_machine,
    make_organization,
    make_session,
    make_treated_course,
    make_user,
    npi,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def organization(roles):
    return make_organization()


@pytest.fixture
def admin(organization):
    return make_user(organization, role="admin")


@pytest.fixture
def signed_in(client, admin):
    client.force_login(admin)
    return client


def department_form(department, **changes):
    """The department's page as it is posted back unchanged."""
    statuses, billers = list(department.statuses.all()), list(department.billers.all())
    form = {
        name: getattr(department, name)
        for name in ("name", "time_zone", "npi", "taxonomy", "ccn", "place_of_service", "minutes_of_one_visit")
    }
    form |= {"is_active": "on", "statuses-TOTAL_FORMS": len(statuses), "statuses-INITIAL_FORMS": len(statuses)}
    form |= {"billers-TOTAL_FORMS": len(billers), "billers-INITIAL_FORMS": len(billers)}
    for place, status in enumerate(statuses):
        form |= {f"statuses-{place}-id": status.pk, f"statuses-{place}-setting": status.setting}
        form |= {f"statuses-{place}-effective_from": status.effective_from.isoformat()}
    for place, biller in enumerate(billers):
        form |= {f"billers-{place}-{name}": getattr(biller, name) for name in ("claim_form", "biller", "name", "npi")}
        form |= {f"billers-{place}-id": biller.pk, f"billers-{place}-taxonomy": biller.taxonomy}
    return form | changes


def captured_course(organization, **changes):
    course = make_treated_course(organization, **changes)
    make_session(course, fraction=1, started_at=datetime(2025, 12, 3, 15, tzinfo=UTC))
    capture_from(patient=course.patient, day=date(2025, 12, 1), by=None)
    return course


def test_department_that_moves_off_campus_captures_its_sessions_again(signed_in, organization) -> None:
    course = captured_course(organization)
    status = course.department.statuses.get()
    form = department_form(course.department, **{"statuses-0-setting": "hospital_off_campus_excepted"})

    signed_in.post(reverse("department-amend", args=[course.department_id]), form)

    status.refresh_from_db()
    assert status.setting == "hospital_off_campus_excepted"
    assert ChargeLine.objects.live().get(role="delivery").modifiers == ["PO"]


def test_department_with_a_wrong_npi_says_so_at_the_field(signed_in, organization) -> None:
    department = make_department(organization)
    form = department_form(department, npi="1234567890")

    response = signed_in.post(reverse("department-amend", args=[department.pk]), form)

    assert response.status_code == 422
    assert "check digit" in response.text


def test_department_name_is_given_once(signed_in, organization) -> None:
    department, other = make_department(organization), make_department(organization)

    response = signed_in.post(
        reverse("department-amend", args=[department.pk]), department_form(department, name=other.name)
    )

    assert response.status_code == 422
    assert Department.objects.filter(name=other.name).count() == 1


def test_new_price_is_followed_by_unsent_lines(signed_in, organization) -> None:
    captured_course(organization)

    signed_in.post(
        reverse("price-create"),
        {"code": "77386", "modifier": "", "effective_from": "2025-01-01", "amount": "1980.00"},
    )

    assert FeeSchedule.objects.get().amount == 1980
    assert ChargeLine.objects.live().get(code="77386").charge_amount == 1980


def test_price_that_somebody_else_saved_first_is_refused_at_its_day(signed_in, organization, monkeypatch) -> None:
    """The other one is saved after the form was found valid: only the database can tell."""

    def save_second(**asked):
        FeeSchedule.objects.create(
            organization=organization, code="77386", effective_from=date(2025, 1, 1), amount="1900.00"
        )
        return save_record(**asked)

    monkeypatch.setattr("coding.views.prices.save_record", save_second)

    response = signed_in.post(
        reverse("price-create"),
        {"code": "77386", "modifier": "", "effective_from": "2025-01-01", "amount": "1980.00"},
    )

    assert response.status_code == 422
    assert "Somebody has just saved a price" in response.context["form"].errors["effective_from"][0]
    assert 'value="1980.00"' in response.text
    assert FeeSchedule.objects.get().amount == 1900


def test_new_payer_has_a_policy_to_hold_versions(signed_in, organization) -> None:
    signed_in.post(
        reverse("payer-create"),
        {"name": "Harbor Health", "slug": "harbor", "kind": "commercial", "is_active": "on"},
    )

    assert Payer.objects.get(slug="harbor").policy.versions.count() == 0


def test_machine_and_physician_are_added_with_an_audit_row(signed_in, organization, admin) -> None:
    department = make_department(organization)
    machine = {"department": department.pk, "name": "Aurora 9", "source_name": "A9", "is_active": "on"}
    physician = {"family_name": "Osei", "given_name": "Ruth", "npi": npi(123456789), "taxonomy": "2085R0001X"}

    signed_in.post(reverse("machine-create"), machine)
    signed_in.post(reverse("physician-create"), physician | {"is_active": "on"})

    assert Machine.objects.filter(name="Aurora 9").exists()
    assert Physician.objects.filter(family_name="Osei", organization=organization).exists()
    assert AuditEvent.objects.filter(by=admin, action__in=["add_machine", "add_physician"]).count() == 2


def test_user_is_added_with_one_role_and_may_sign_in(signed_in, organization, client) -> None:
    signed_in.post(
        reverse("user-create"),
        {
            "username": "ruth",
            "role": "coder",
            "password": "correct horse battery",
            "sees_all_departments": "on",
            "is_active": "on",
        },
    )

    person = User.objects.get(username="ruth")
    assert [group.name for group in person.groups.all()] == ["coder"]
    assert person.check_password("correct horse battery")


def test_user_with_a_short_password_is_refused(signed_in) -> None:
    form = {"username": "ruth", "role": "coder", "password": "short", "sees_all_departments": "on"}

    response = signed_in.post(reverse("user-create"), form)

    assert response.status_code == 422
    assert not User.objects.filter(username="ruth").exists()


def test_user_sees_some_department_or_all(signed_in) -> None:
    form = {"username": "ruth", "role": "coder", "password": "correct horse battery", "is_active": "on"}

    response = signed_in.post(reverse("user-create"), form)

    assert "Choose at least one department" in response.text


def test_last_administrator_stays_one(organization, admin) -> None:
    with pytest.raises(LastAdministrator):
        save_user(user=admin, role="coder", departments=[], by=admin)

    admin.refresh_from_db()
    assert admin.has_perm("portal.manage_users")


def users_of(client, **asked) -> list[list[str]]:
    """The rows of the file of users."""
    response = client.get(reverse("user-list-csv"), asked)
    assert response.headers["Cache-Control"].endswith("no-store")
    return list(csv.reader(StringIO(b"".join(response.streaming_content).decode("utf-8-sig"))))


@pytest.mark.parametrize(
    ("active", "which", "names"),
    [
        ("", "All", ["boss", "gone", "ruth"]),
        ("yes", "May sign in", ["boss", "ruth"]),
        ("no", "May not any more", ["gone"]),
        ("perhaps", "All", ["boss", "gone", "ruth"]),
    ],
)
def test_user_file_has_the_rows_of_the_list(client, organization, active, which, names) -> None:
    client.force_login(make_user(organization, role="admin", username="boss"))
    ruth = make_user(organization, role="coder", username="ruth", first_name="=Ruth", sees_all_departments=False)
    ruth.departments.set([make_department(organization), make_department(organization)])
    make_user(organization, role="coder", username="gone", is_active=False)
    make_user(make_organization(), role="coder", username="stranger")

    page = client.get(reverse("user-list"), {"active": active})
    rows = users_of(client, active=active)

    table = page.context["table"]
    assert rows[:3] == [["Which ones", which], [], [str(heading) for heading in table["headings"]]]
    assert [[cell.removeprefix("'") for cell in row] for row in rows[3:]] == [row["cells"] for row in table["rows"]]
    assert [row[0] for row in rows[3:]] == names
    assert reverse("user-list-csv") in page.text


def test_user_file_runs_no_formula(signed_in, organization) -> None:
    make_user(organization, role="coder", username="aaa", first_name="=HYPERLINK(1)", last_name="")

    assert users_of(signed_in)[3][1] == "'=HYPERLINK(1)"


@pytest.mark.parametrize("name", ["department-list", "machine-list", "physician-list", "user-list", "payer-list"])
def test_list_asks_a_fixed_number_of_queries(signed_in, organization, django_assert_max_num_queries, name) -> None:
    departments = [make_department(organization) for _ in range(8)]
    machines = [make_machine(department) for department in departments]

    with django_assert_max_num_queries(16):
        response = signed_in.get(reverse(name))

    assert response.status_code == 200
    assert len(machines) == 8
