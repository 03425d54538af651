"""The four roles and what each may do. A role is a group; what it may do is laid down here and nowhere else."""

from functools import cache
from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Group
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet

from portal.models import User

READ_CHARGES = frozenset(
    {
        "portal.view_organization",
        "portal.view_department",
        "portal.view_machine",
        "portal.view_physician",
        "portal.view_patient",
        "portal.view_course",
        "portal.view_prescription",
        "portal.view_scheduledfraction",
        "portal.view_treatmentsession",
        "payers.view_payer",
        "payers.view_payerpolicy",
        "payers.view_policyversion",
        "payers.view_policyclause",
        "payers.view_coverage",
        "payers.view_authorization",
        "coding.view_chargeline",
        "coding.view_sessionruling",
        "coding.view_sessionhold",
        "coding.view_feeschedule",
    }
)
ENTER_CHARGES = frozenset(
    {
        "portal.add_patient",
        "portal.change_patient",
        "portal.add_course",
        "portal.change_course",
        "portal.add_prescription",
        "portal.change_prescription",
        "portal.add_scheduledfraction",
        "portal.change_scheduledfraction",
        "portal.add_treatmentsession",
        "portal.change_treatmentsession",
        "portal.import_sessions",
        "payers.add_coverage",
        "payers.change_coverage",
        "payers.add_authorization",
        "payers.change_authorization",
        "coding.add_sessionhold",
        "coding.change_sessionhold",
        "coding.release_hold",
    }
)
READ_OVERSIGHT = frozenset({"coding.view_reports", "portal.view_auditevent"})
VOID = frozenset({"coding.void_chargeline", "portal.delete_treatmentsession"})
SIGN_OFF = frozenset({"portal.sign_off_day"})
READ_SETUP = frozenset({"portal.view_setup", "portal.view_user"})
CHANGE_SETUP = frozenset(
    {
        "portal.change_setup",
        "portal.manage_users",
        "payers.add_policyversion",
        "payers.change_policyversion",
        "payers.publish_policyversion",
        "coding.load_reference",
    }
)

ROLES: dict[str, frozenset[str]] = {
    "coder": READ_CHARGES | ENTER_CHARGES,
    "manager": READ_CHARGES | ENTER_CHARGES | READ_OVERSIGHT | VOID | SIGN_OFF,
    "admin": READ_CHARGES | ENTER_CHARGES | READ_OVERSIGHT | VOID | SIGN_OFF | READ_SETUP | CHANGE_SETUP,
    "auditor": READ_CHARGES | READ_OVERSIGHT | READ_SETUP,
}
ROLE_LABELS = {"coder": "Coder", "manager": "Manager", "admin": "Administrator", "auditor": "Auditor (reads only)"}


@cache
def _people() -> QuerySet:
    """People with organization and roles: every page asks for one of them, so this is put together once."""
    roles = Group.objects.filter(user=OuterRef("pk")).order_by("name").values("name")
    return User.objects.select_related("organization").annotate(roles=ArraySubquery(roles))


class RoleBackend(ModelBackend):
    """Signs people in by password; what they may do follows from their roles and from nothing else."""

    def get_user(self, user_id: int) -> User | None:
        """The person of a session, with organization and roles."""
        person = next(iter(_people().filter(pk=user_id)), None)
        return person if person is not None and self.user_can_authenticate(person) else None

    def get_user_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        return set()

    def get_group_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        if obj is not None or user_obj.is_anonymous or not user_obj.is_active:
            return set()
        return set().union(*(ROLES.get(role, ()) for role in user_obj.roles))


def roles_with(permission: str) -> list[str]:
    """The roles that may do what a permission allows, by name."""
    return [role for role, permissions in ROLES.items() if permission in permissions]


def install_roles() -> dict[str, Group]:
    """The group of each role; safe to run again."""
    return {role: Group.objects.get_or_create(name=role)[0] for role in ROLES}
