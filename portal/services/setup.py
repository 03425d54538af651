"""Changing who delivers, bills and signs in: departments, machines, physicians, prices, payers and users."""

from collections.abc import Iterable
from typing import TypeVar

from django.contrib.auth.models import Group
from django.db import models, transaction

from portal.models import Department, Organization, User
from portal.roles import roles_with
from portal.services.audit import changed_fields, record_event

Record = TypeVar("Record", bound=models.Model)


class LastAdministrator(Exception):
    """The organization would be left without anyone who manages users."""


@transaction.atomic
def save_record(*, record: Record, organization: Organization, by: User) -> Record:
    """Save a new or amended set-up record, with an audit row that says what changed."""
    is_new = record.pk is None
    before = {} if is_new else _plain_fields(type(record).objects.get(pk=record.pk))
    record.save()
    noun = record._meta.verbose_name
    record_event(
        subject=record,
        action=f"{'add' if is_new else 'amend'}_{record._meta.model_name}",
        sentence=f"{str(noun).capitalize()} {record} {'added' if is_new else 'amended'}"[:400],
        by=by,
        organization=organization,
        changes=changed_fields(before, _plain_fields(record)),
    )
    return record


@transaction.atomic
def save_department(
    *, department: Department, parts: Iterable[models.Model], removed: Iterable[models.Model], by: User
) -> Department:
    """Save a department together with its dated settings and its billers (`parts`); `removed` parts are deleted."""
    save_record(record=department, organization=department.organization, by=by)
    for part in removed:
        part.delete()
        record_event(
            subject=department,
            action=f"remove_{part._meta.model_name}",
            sentence=f"Removed from the department: {part}"[:400],
            by=by,
            organization=department.organization_id,
        )
    for part in parts:
        part.department = department
        save_record(record=part, organization=department.organization, by=by)
    return department


@transaction.atomic
def save_user(*, user: User, role: str, departments: Iterable[Department], password: str = "", by: User) -> User:
    """Save a person with one role and the departments they may see; a new person needs a first password.

    Raises LastAdministrator where nobody active would be left to manage users.
    """
    before = {} if user.pk is None else {"role": role_of(user)} | _plain_fields(User.objects.get(pk=user.pk))
    is_new = user.pk is None
    # Two administrators who demote each other at once take turns here.
    Organization.objects.select_for_update().get(pk=user.organization_id)
    if password:
        user.set_password(password)
    user.save()
    user.groups.set([Group.objects.get(name=role)])
    user.departments.set(departments)
    administrators = User.objects.filter(
        organization=user.organization_id, is_active=True, groups__name__in=roles_with("portal.manage_users")
    )
    if not administrators.exists():
        raise LastAdministrator(user.organization.name)
    record_event(
        subject=user,
        action="add_user" if is_new else "amend_user",
        sentence=f"User {user.username} {'added' if is_new else 'amended'}: {role}",
        by=by,
        organization=user.organization_id,
        changes=changed_fields(before, {"role": role} | _plain_fields(user)),
    )
    return user


def role_of(user: User) -> str:
    """The name of the person's one role, or empty text."""
    group = user.groups.first()
    return group.name if group else ""


def _plain_fields(record: models.Model) -> dict[str, object]:
    """The record's own column values; secrets and clock times stay out of the trail."""
    hidden = {"id", "password", "last_login", "date_joined"}
    return {f.attname: getattr(record, f.attname) for f in record._meta.concrete_fields if f.attname not in hidden}
