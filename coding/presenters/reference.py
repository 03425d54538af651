"""Official files as pages show them: what rules today and how old it is, and what a load changed, in words."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from coding.codebook_in_use import PLACES
from coding.engine.periods import in_words
from coding.models import ReferenceKind, ReferenceLoad
from coding.reference_reports import ROWS_A_PAGE, Change, ChangedRow, KindStanding

PURPOSES: Mapping[str, str] = {
    "pairs": gettext_lazy("Rules: codes that are not billed together."),
    "unit_limits": gettext_lazy("Rules: units of a patient's day."),
    "rates": gettext_lazy("National rate of a line."),
    "diagnoses": gettext_lazy("Rules: whether a diagnosis code is billable."),
    "": gettext_lazy("Shown beside the code in this installation; never exported, never ruled by."),
}
CHANGE_WORDS = {
    Change.ADDED: gettext_lazy("added"),
    Change.DELETED: gettext_lazy("deleted"),
    Change.CHANGED: gettext_lazy("changed"),
    Change.SAME: gettext_lazy("as before"),
}
INDICATORS = {
    0: gettext_lazy("never together (0)"),
    1: gettext_lazy("a modifier may part them (1)"),
    9: gettext_lazy("deleted as if it had never been (9)"),
}


@dataclass(frozen=True, slots=True)
class ShownKind:
    """One kind of file on the list. `warning` is empty where what rules today is new enough."""

    label: str
    purpose: str
    rules: str
    warning: str
    loads: list[ReferenceLoad]


@dataclass(frozen=True, slots=True)
class ShownRow:
    """One row of a load: its codes, and what it said before and says now, in words."""

    name: str
    before: str
    after: str
    change: str


def kind_rows(standings: Iterable[KindStanding], today: date) -> list[ShownKind]:
    return [
        ShownKind(
            label=standing.kind.label,
            purpose=PURPOSES[PLACES.get(standing.kind, ("", ""))[0]],
            rules=_rules(standing, today),
            warning=_warning(standing),
            loads=standing.loads,
        )
        for standing in standings
    ]


def load_page(
    load: ReferenceLoad, before: ReferenceLoad | None, rows: Iterable[ChangedRow], number: int, page: int, form: Any
) -> dict[str, Any]:
    """One load with what it changed, and a page of its rows."""
    return {
        "load": load,
        "before": before,
        "rows": [_row(load.kind, row) for row in rows],
        "pages": _pages(load, number, page, form),
        "form": form,
        "is_ruled_by": load.kind in PLACES,
    }


def _rules(standing: KindStanding, today: date) -> str:
    """What answers today, and since when it is so."""
    if standing.in_force is not None:
        return _("%(release)s, from %(day)s (%(age)s)") % {
            "release": standing.in_force.release,
            "day": in_words(standing.in_force.effective_from),
            "age": _age((today - standing.in_force.effective_from).days),
        }
    if standing.shipped is not None:
        return _("the shipped extract, as of %(day)s (%(age)s)") % {
            "day": in_words(standing.shipped.as_of),
            "age": _age((today - standing.shipped.as_of).days),
        }
    return _("nothing is loaded")


def _age(days: int) -> str:
    return ngettext("%d day old", "%d days old", days) % days


def _warning(standing: KindStanding) -> str:
    if not standing.is_out_of_date or standing.covers_until is None:
        return ""
    return _("Out of date: it is for dates of service through %(day)s. Load the present release.") % {
        "day": in_words(standing.covers_until)
    }


def _row(kind: str, row: ChangedRow) -> ShownRow:
    codes = [part for part in row.key.split("|") if part]
    name = (
        " / ".join(codes[:2])
        if kind in (ReferenceKind.PTP_HOSPITAL, ReferenceKind.PTP_PRACTITIONER)
        else "-".join(codes)
    )
    return ShownRow(name, _in_words(kind, row.before), _in_words(kind, row.after), CHANGE_WORDS[row.change])


def _in_words(kind: str, values: dict[str, Any] | None) -> str:
    return WORDS[kind](values) if values is not None else ""


def _pair(values: dict[str, Any]) -> str:
    said = _("%(indicator)s, from %(day)s") % {
        "indicator": INDICATORS[values["indicator"]],
        "day": in_words(date.fromisoformat(values["from"])),
    }
    if "until" not in values:
        return said
    return _("%(said)s, deleted %(day)s") % {"said": said, "day": in_words(date.fromisoformat(values["until"]))}


def _unit_limit(values: dict[str, Any]) -> str:
    units = ngettext("%d unit a day", "%d units a day", values["units"]) % values["units"]
    return _("%(units)s, indicator %(adjudication)s") % {"units": units, "adjudication": values["adjudication"]}


def _payment(values: dict[str, Any]) -> str:
    amount = f"${Decimal(values['amount']):,.2f}" if "amount" in values else _("no rate")
    return _("%(amount)s, status %(status)s, APC %(apc)s") % {
        "amount": amount,
        "status": values.get("status", "—"),
        "apc": values.get("apc", "—"),
    }


def _relative_value(values: dict[str, Any]) -> str:
    return _("%(units)s units × %(factor)s, status %(status)s") % {
        "units": values.get("units", "—"),
        "factor": values.get("factor", "—"),
        "status": values.get("status", "—"),
    }


def _diagnosis(values: dict[str, Any]) -> str:
    return values["title"] if values["billable"] else _("%(title)s (a heading, not billable)") % values


def _descriptor(values: dict[str, Any]) -> str:
    return values["text"]


WORDS = {
    ReferenceKind.PTP_PRACTITIONER: _pair,
    ReferenceKind.PTP_HOSPITAL: _pair,
    ReferenceKind.MUE_PRACTITIONER: _unit_limit,
    ReferenceKind.MUE_HOSPITAL: _unit_limit,
    ReferenceKind.ADDENDUM_B: _payment,
    ReferenceKind.PFS_RVU: _relative_value,
    ReferenceKind.ICD10CM: _diagnosis,
    ReferenceKind.CPT_DESCRIPTORS: _descriptor,
}


def _pages(load: ReferenceLoad, number: int, page: int, form: Any) -> dict[str, str]:
    asked = {key: value for key, value in form.cleaned_data.items() if value}

    def address(other: int) -> str:
        return f"{reverse('reference-detail', args=[load.pk])}?{urlencode(asked | {'page': other})}"

    return {
        "count_text": ngettext("%(number)s row", "%(number)s rows", number) % {"number": f"{number:,}"},
        "newer_url": address(page - 1) if page > 1 else "",
        "older_url": address(page + 1) if page * ROWS_A_PAGE < number else "",
    }
