"""What a person may do follows from their role, and from nothing else."""

import pytest
from django.contrib.auth.models import Permission

from portal.models import User
from portal.roles import ROLES, RoleBackend
from tests.builders import make_organization, make_user

pytestmark = pytest.mark.django_db
NAMED = sorted({name for permissions in ROLES.values() for name in permissions})


def known_to_a_page(username: str) -> User | None:
    """The person as the backend brings them for a page."""
    return RoleBackend().get_user(User.objects.get(username=username).pk)


def test_roles_name_permissions_that_exist() -> None:
    existing = {f"{app}.{name}" for app, name in Permission.objects.values_list("content_type__app_label", "codename")}

    assert [name for name in NAMED if name not in existing] == []


@pytest.mark.parametrize("role", ROLES)
def test_person_may_do_exactly_what_their_role_allows(roles, role) -> None:
    make_user(make_organization(), role=role, username="somebody")

    assert known_to_a_page("somebody").get_all_permissions() == ROLES[role]


def test_person_without_a_role_may_do_nothing_that_is_given_to_them_alone(roles) -> None:
    person = User.objects.create_user("somebody", organization=make_organization())
    person.user_permissions.add(Permission.objects.get(codename="view_chargeline"))

    assert known_to_a_page("somebody").get_all_permissions() == set()


def test_person_who_may_not_sign_in_any_more_is_not_known(roles) -> None:
    make_user(make_organization(), role="admin", username="somebody", is_active=False)

    assert known_to_a_page("somebody") is None
