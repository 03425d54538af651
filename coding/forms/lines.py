"""Filters of charge review and of the other lists of work, and the reason for a void."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from coding.engine.findings import CATALOGUE, NAME_OF_EDIT
from coding.engine.vocabulary import Severity
from coding.lag import Lag
from coding.models import HELD_BY_HAND, LineState
from coding.reports import NO_MODIFIERS, NO_PAYER, NO_PHYSICIAN, SETTING_LABELS, ChargeFilters, ExpectedBy, Missing
from payers.models import Payer
from portal import clock
from portal.models import FIRST_DAY, LAST_DAY, Department, Machine, Physician, User, name_of_physician, name_of_user
from portal.roles import roles_with
from portal.services.answers import Given, GivenKeys, Query, answer


def reasons_of(severity: Severity) -> list[tuple[str, str]]:
    """The findings of one severity by name, each with its title, in order of title."""
    named = {
        NAME_OF_EDIT.get(edit, wording.name): wording.title
        for edit, wording in CATALOGUE.items()
        if wording.severity is severity
    }
    return sorted(named.items(), key=lambda reason: reason[1])


HOLD_REASONS = [*reasons_of(Severity.HOLD), (HELD_BY_HAND, _("Held by hand"))]
ERRORS = reasons_of(Severity.ERROR)
ME, NOBODY = "me", "nobody"
PASSED = "passed"
DEADLINES = [
    ("", _("Any")),
    (PASSED, _("Passed")),
    ("7", _("Within 7 days")),
    ("14", _("Within 14 days")),
    ("30", _("Within 30 days")),
    ("60", _("Within 60 days")),
    ("90", _("Within 90 days")),
]


def day_field(label: Any) -> forms.DateField:
    """An optional day, picked or typed."""
    return forms.DateField(
        label=label,
        required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", "min": FIRST_DAY, "max": LAST_DAY}),
        error_messages={"invalid": _("Must be a real date, like 11/23/2026.")},
    )


class FilterChoices:
    """What the lists of one person can be narrowed to, each looked up once and only where a form asks for it."""

    def __init__(self, user: User) -> None:
        self.user = user

    @property
    def departments(self) -> list[Department]:
        return self.user.seen_departments

    @cached_property
    def payers(self) -> dict[str, Payer]:
        return {payer.slug: payer for payer in Payer.objects.filter(organization=self.user.organization_id)}

    @cached_property
    def machines(self) -> list[tuple[str, str]]:
        keys = [department.pk for department in self.departments]
        rows = answer(_machines(), departments=keys)
        if len(keys) < 2:
            return [(str(pk), name) for pk, name, _department in rows]
        return [(str(pk), f"{department}: {name}") for pk, name, department in rows]

    @cached_property
    def physicians(self) -> list[tuple[str, str]]:
        return [
            (str(pk), name_of_physician(*names))
            for pk, *names in answer(_physicians(), organization=self.user.organization_id)
        ]

    @cached_property
    def owners(self) -> list[tuple[str, str]]:
        return [
            (str(pk), name_of_user(*names)) for pk, *names in answer(_owners(), organization=self.user.organization_id)
        ]

    @property
    def today(self) -> date:
        """The day at the first department that the person sees."""
        return clock.today(self.user.zone)


def possible_owners(user: User) -> QuerySet:
    """The people of the organization who may work on holds."""
    return _people().filter(organization=user.organization_id)


def _people() -> QuerySet:
    people = User.objects.filter(is_active=True, groups__name__in=roles_with("coding.change_sessionhold"))
    return people.order_by("last_name", "first_name", "username").distinct()


# Every list asks these.
@cache
def _owners() -> Query:
    people = _people().filter(organization=Given("organization"))
    return people.values_list("pk", "first_name", "last_name", "username").query.sql_with_params()


@cache
def _physicians() -> Query:
    physicians = Physician.objects.filter(organization=Given("organization"))
    return physicians.values_list("pk", "family_name", "given_name").query.sql_with_params()


@cache
def _machines() -> Query:
    machines = Machine.objects.filter(department__in=GivenKeys("departments")).order_by("department__name", "name")
    return machines.values_list("pk", "name", "department__name").query.sql_with_params()


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that is set, as a person reads it, and the address of the list without it."""

    label: str
    value: str
    url: str


class FilterForm(forms.Form):
    """Filters that combine and stand in the address; an empty one leaves everything. None of them names a patient.

    `first_names` are the fields that always show; the others open on demand, and by themselves where one is set.
    """

    first_names: tuple[str, ...] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            is_choice = isinstance(field, forms.ChoiceField)
            field.widget.attrs["class"] = "form-select form-select-sm" if is_choice else "form-control form-control-sm"

    @cached_property
    def kept(self) -> dict[str, str]:
        """The filters as an address carries them on."""
        return self._known(self.data)

    @cached_property
    def query(self) -> str:
        """The filters as a query string: equal for two addresses that ask for the same."""
        return urlencode(self.kept)

    def query_of(self, query: str) -> str:
        """The filters of another query string as `query` gives these."""
        return urlencode(self._known(QueryDict(query))) if query else ""

    def _known(self, data: Mapping[str, str]) -> dict[str, str]:
        return {bound.name: data[bound.name] for bound in self.filter_fields if data.get(bound.name)}

    @property
    def filter_fields(self) -> list[forms.BoundField]:
        """The fields that narrow the list."""
        return list(self)

    @property
    def first_fields(self) -> list[forms.BoundField]:
        return [bound for bound in self.filter_fields if bound.name in self.first_names]

    @property
    def more_fields(self) -> list[forms.BoundField]:
        return [bound for bound in self.filter_fields if bound.name not in self.first_names]

    @property
    def is_more_open(self) -> bool:
        return any(self.data.get(bound.name) or bound.errors for bound in self.more_fields)

    @property
    def in_words(self) -> list[tuple[str, str]]:
        """Each filter that is set with its value as a person reads it."""
        return [(label, value) for _name, label, value in self._said()]

    @property
    def chips(self) -> list[Chip]:
        """Each filter that is set, with the address that takes it away."""
        return [
            Chip(label, value, "?" + urlencode({key: one for key, one in self.kept.items() if key != name}))
            for name, label, value in self._said()
        ]

    def _said(self) -> Iterator[tuple[str, str, str]]:
        for bound in self.filter_fields:
            value = self.cleaned_data.get(bound.name)
            if isinstance(value, date):
                yield bound.name, str(bound.label), f"{value:%m/%d/%Y}"
            elif value or value == 0:
                labels = dict(bound.field.choices) if isinstance(bound.field, forms.ChoiceField) else {}
                yield bound.name, str(bound.label), str(labels.get(value, value))


class DepartmentFilterForm(FilterForm):
    """What every list of sessions and lines can be narrowed to: department, and days of service."""

    department = forms.ChoiceField(label=_("Department"), required=False)
    start = day_field(_("Date of service from"))
    end = day_field(_("Date of service through"))

    def __init__(self, *args: Any, user: User, choices: FilterChoices | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user, self.choices = user, choices or FilterChoices(user)
        # Choices are looked up where a field is shown or set: a report asks for few of them.
        self.fields["department"].choices = lambda: [
            ("", _("All")),
            *((str(department.pk), department.name) for department in self.choices.departments),
        ]

    def again(self, query: str) -> "DepartmentFilterForm":
        """The same filters, set as another query string has them; nothing is looked up anew."""
        return type(self)(QueryDict(query), user=self.user, choices=self.choices)

    def clean(self) -> dict[str, Any]:
        found = super().clean()
        first, last = found.get("start"), found.get("end")
        if first and last and last < first:
            self.add_error("end", _("Must not be before the first day."))
        return found


class WaitingFilterForm(DepartmentFilterForm):
    """What lists of work are narrowed to alike: charge review, sessions without a line, and holds."""

    payer = forms.ChoiceField(label=_("Payer"), required=False)
    machine = forms.ChoiceField(label=_("Machine"), required=False)
    physician = forms.ChoiceField(label=_("Physician"), required=False)
    reason = forms.ChoiceField(label=_("Held for"), required=False, choices=[("", _("Any reason")), *HOLD_REASONS])
    owner = forms.ChoiceField(label=_("Owner of the hold"), required=False)
    age = forms.IntegerField(label=_("Days held, at least"), required=False, min_value=0, max_value=3650)
    filing = forms.ChoiceField(label=_("Filing deadline"), required=False, choices=DEADLINES)
    code = forms.RegexField(
        r"^\s*[0-9A-Za-z]{5}\s*$",
        label=_("Code"),
        required=False,
        max_length=9,
        error_messages={"invalid": _("A code has five characters, like 77407.")},
    )
    setting = forms.ChoiceField(label=_("Setting"), required=False, choices=[("", _("All")), *SETTING_LABELS.items()])
    modifier = forms.RegexField(
        r"^\s*[0-9A-Za-z]{2}\s*$",
        label=_("Carries modifier"),
        required=False,
        max_length=6,
        error_messages={"invalid": _("A modifier has two characters, like 26.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["payer"].choices = lambda: [
            ("", _("All")),
            *((slug, payer.name) for slug, payer in self.choices.payers.items()),
            (NO_PAYER, _("No payer")),
        ]
        self.fields["machine"].choices = lambda: [("", _("All")), *self.choices.machines]
        self.fields["physician"].choices = self.physician_choices
        self.fields["owner"].choices = lambda: [
            ("", _("Anyone")),
            (ME, _("Me")),
            (NOBODY, _("Nobody")),
            *self.choices.owners,
        ]

    def physician_choices(self) -> list[tuple[str, Any]]:
        return [("", _("All")), *self.choices.physicians]

    def clean_code(self) -> str:
        return self.cleaned_data["code"].strip().upper()

    def clean_modifier(self) -> str:
        return self.cleaned_data["modifier"].strip().upper()

    @property
    def owner_id(self) -> int | None:
        """Whose holds are asked for; a shared view that says “me” means whoever opens it."""
        chosen = self.cleaned_data.get("owner", "")
        if chosen == ME:
            return self.user.pk
        return int(chosen) if chosen.isdigit() else None

    @property
    def is_without_owner(self) -> bool:
        return self.cleaned_data.get("owner") == NOBODY

    @property
    def held_since(self) -> datetime | None:
        """The last instant at which a hold of the asked age was opened."""
        age = self.cleaned_data.get("age")
        return None if age is None else clock.now() - timedelta(days=age)

    @property
    def file_between(self) -> tuple[date | None, date | None]:
        """The first and the last filing deadline that are asked for, both inclusive."""
        chosen = self.cleaned_data.get("filing", "")
        if not chosen:
            return None, None
        today = self.choices.today
        if chosen == PASSED:
            return None, today - timedelta(days=1)
        return today, today + timedelta(days=int(chosen))


class ChargeFilterForm(WaitingFilterForm):
    """The filters of charge review."""

    state = forms.ChoiceField(
        label=_("State"),
        required=False,
        choices=[("", _("All")), *(choice for choice in LineState.choices if choice[0] != LineState.VOID)],
    )
    modifiers = forms.RegexField(
        rf"^\s*({NO_MODIFIERS}|[0-9A-Za-z]{{2}}(-[0-9A-Za-z]{{2}}){{0,3}})\s*$",
        label=_("Modifiers, exactly these"),
        required=False,
        max_length=20,
        error_messages={"invalid": _("Write the modifiers in their order, like 26-PO, or none.")},
    )
    missing = forms.ChoiceField(
        label=_("Missing"),
        required=False,
        choices=[("", _("Nothing asked")), *Missing.choices],
    )
    expected_by = forms.ChoiceField(
        label=_("Expected amount by"), required=False, choices=[("", _("Any")), *ExpectedBy.choices]
    )
    lag = forms.ChoiceField(label=_("First line captured"), required=False, choices=[("", _("Any")), *Lag.choices])
    first_names = ("state", "reason", "payer", "owner", "filing")
    field_order = (
        "state",
        "reason",
        "payer",
        "owner",
        "filing",
        "department",
        "machine",
        "physician",
        "setting",
        "code",
        "modifier",
        "modifiers",
        "start",
        "end",
        "age",
        "missing",
        "expected_by",
        "lag",
    )

    def physician_choices(self) -> list[tuple[str, Any]]:
        return [*super().physician_choices(), (NO_PHYSICIAN, _("No physician"))]

    @property
    def all_modifiers(self) -> tuple[str, ...] | None:
        """All the modifiers of a line, in their order; None where nobody asked."""
        chosen = self.cleaned_data.get("modifiers", "").strip()
        if not chosen:
            return None
        return () if chosen == NO_MODIFIERS else tuple(chosen.upper().split("-"))

    @cached_property
    def filters(self) -> ChargeFilters:
        """The filters as queries take them; to be asked of a valid form."""
        chosen = self.cleaned_data
        file_from, file_through = self.file_between
        return ChargeFilters(
            payer=self.choices.payers.get(chosen["payer"]),
            is_without_payer=chosen["payer"] == NO_PAYER,
            department_id=_key(chosen["department"]),
            machine_id=_key(chosen["machine"]),
            physician_id=None if chosen["physician"] == NO_PHYSICIAN else _key(chosen["physician"]),
            is_without_physician=chosen["physician"] == NO_PHYSICIAN,
            setting=chosen.get("setting", ""),
            state=chosen.get("state", ""),
            code=chosen.get("code", ""),
            modifier=chosen.get("modifier", ""),
            modifiers=self.all_modifiers,
            reason=chosen["reason"],
            owner_id=self.owner_id,
            is_without_owner=self.is_without_owner,
            held_since=self.held_since,
            missing=chosen.get("missing", ""),
            expected_by=chosen.get("expected_by", ""),
            lag=chosen.get("lag", ""),
            start=chosen["start"],
            end=chosen["end"],
            file_from=file_from,
            file_through=file_through,
        )


def _key(chosen: str) -> int | None:
    return int(chosen) if chosen else None


class WithoutLineFilterForm(ChargeFilterForm):
    """What sessions without a line can be narrowed to: an error, too, says why there is none."""

    first_names = ("reason", "payer", "department", "start", "end")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("state", "setting", "code", "modifier", "modifiers", "missing", "expected_by", "lag"):
            del self.fields[name]
        self.fields["reason"].label = _("Because of")
        self.fields["reason"].choices = [("", _("Any reason")), *ERRORS, *HOLD_REASONS]


class VoidLineForm(forms.Form):
    reason = forms.CharField(
        max_length=300,
        label=_("Why is this line void?"),
        help_text=_("Everyone who opens the line reads it. Write no patient's name."),
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": _("Say why, so that the next reader knows.")},
    )
