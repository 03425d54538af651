"""The four roles and what each may do. A role is a group; its permissions are laid down here and nowhere else."""

from django.contrib.auth.models import Group, Permission
from django.db.models import Q

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


def install_roles() -> dict[str, Group]:
    """Make each role's group hold exactly its permissions; safe to run again. Raises LookupError for an unknown one."""
    groups = {}
    for role, names in ROLES.items():
        wanted = Q()
        for name in names:
            app, codename = name.split(".")
            wanted |= Q(content_type__app_label=app, codename=codename)
        permissions = list(Permission.objects.filter(wanted))
        if len(permissions) != len(names):
            found = {f"{p.content_type.app_label}.{p.codename}" for p in permissions}
            raise LookupError(f"role {role}: unknown permissions {sorted(names - found)}; run migrate first")
        groups[role], _ = Group.objects.get_or_create(name=role)
        groups[role].permissions.set(permissions)
    return groups
