"""How set-up records are listed: one table for every kind of record."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Model
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.models import User


@dataclass(frozen=True, slots=True)
class Section:
    """One kind of set-up record: what it is called, its addresses, and its columns in order."""

    title: str
    noun: str
    purpose: str
    list_url: str
    create_url: str
    amend_url: str
    columns: tuple[tuple[str, Callable[[Any], str]], ...] = ()

    def table(self, records: Iterable[Model]) -> dict[str, Any]:
        """Headings and rows; each row has its cells and the address that amends it."""
        return {
            "headings": [heading for heading, _ in self.columns],
            "rows": [
                {"cells": [show(record) for _, show in self.columns], "url": reverse(self.amend_url, args=[record.pk])}
                for record in records
            ],
        }

    def lines(self, records: Iterable[Model]) -> Iterator[list[str]]:
        """The same as a table for a file, row by row."""
        yield [str(heading) for heading, _ in self.columns]
        for record in records:
            yield [str(show(record)) for _, show in self.columns]


def yes_no(value: bool) -> str:
    return "Yes" if value else "No"


DEPARTMENTS = Section(
    title=gettext_lazy("Departments"),
    noun="department",
    purpose=gettext_lazy(
        "Where sessions are delivered: setting with its dates, time zone, and who bills which claim form."
    ),
    list_url="department-list",
    create_url="department-create",
    amend_url="department-amend",
    columns=(
        ("Department", lambda d: d.name),
        (
            "Setting",
            lambda d: "; ".join(
                _("%(get_setting_display)s from %(effective_from)s")
                % {"get_setting_display": s.get_setting_display(), "effective_from": f"{s.effective_from:%m/%d/%Y}"}
                for s in d.statuses.all()
            ),
        ),
        ("NPI", lambda d: d.npi),
        ("Bills", lambda d: "; ".join(f"{b.get_claim_form_display()}: {b.name}" for b in d.billers.all())),
        (gettext_lazy("Time zone"), lambda d: d.time_zone),
        ("Active", lambda d: yes_no(d.is_active)),
    ),
)
MACHINES = Section(
    title=gettext_lazy("Machines"),
    noun="machine",
    purpose=gettext_lazy("The treatment machines of each department, and what the treatment log calls them."),
    list_url="machine-list",
    create_url="machine-create",
    amend_url="machine-amend",
    columns=(
        ("Machine", lambda m: m.name),
        ("Department", lambda m: m.department.name),
        (gettext_lazy("Name in the log"), lambda m: m.source_name or "—"),
        ("Active", lambda m: yes_no(m.is_active)),
    ),
)
PHYSICIANS = Section(
    title=gettext_lazy("Physicians"),
    noun="physician",
    purpose=gettext_lazy("Who is responsible for sessions and renders the guidance review."),
    list_url="physician-list",
    create_url="physician-create",
    amend_url="physician-amend",
    columns=(
        ("Physician", str),
        ("NPI", lambda p: p.npi),
        ("Taxonomy", lambda p: p.get_taxonomy_display()),
        ("Active", lambda p: yes_no(p.is_active)),
    ),
)
USERS = Section(
    title=gettext_lazy("Users and roles"),
    noun="user",
    purpose=gettext_lazy("Who signs in, what they may do, and which departments they see."),
    list_url="user-list",
    create_url="user-create",
    amend_url="user-amend",
    columns=(
        (gettext_lazy("User name"), lambda u: u.username),
        ("Name", lambda u: u.get_full_name() or "—"),
        ("Role", lambda u: ", ".join(g.name for g in u.groups.all()) or "none"),
        ("Departments", lambda u: "all" if u.sees_all_departments else ", ".join(d.name for d in u.departments.all())),
        ("Active", lambda u: yes_no(u.is_active)),
    ),
)

ELSEWHERE = (
    (
        gettext_lazy("Closed days"),
        "closed-day-list",
        gettext_lazy("Holidays and days on which a machine is down: plans go around them."),
    ),
    ("Payers", "payer-list", gettext_lazy("Who is billed, and of which kind.")),
    (
        gettext_lazy("Fee schedule"),
        "price-list",
        gettext_lazy("What the organization charges for a code, from a date of service on."),
    ),
    (
        gettext_lazy("Contract rates"),
        "rate-list",
        gettext_lazy("What payers have agreed to pay for a code, by setting, from a date of service on."),
    ),
    (
        gettext_lazy("Official files"),
        "reference-list",
        gettext_lazy("National tables: NCCI pairs and unit limits, rates, diagnosis codes, and how old they are."),
    ),
)


def setup_sections(user: User) -> list[dict[str, str]]:
    """The cards of the set-up page, each with its address."""
    cards = [(s.title, s.list_url, s.purpose) for s in (DEPARTMENTS, MACHINES, PHYSICIANS)]
    cards += [*ELSEWHERE, (USERS.title, USERS.list_url, USERS.purpose)]
    if user.has_perm("portal.change_setup"):
        cards.append(
            ("Organization", "organization-amend", _("Its name, and whether a second person publishes policies."))
        )
    return [{"title": title, "url": reverse(url), "purpose": purpose} for title, url, purpose in cards]
