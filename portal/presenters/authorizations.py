"""The authorizations of a course: what is used and left, until when, and the warning before the last unit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from coding.ledger import AuthorizedUnits, CourseLedger

# So that an extension can be asked for in time.
WARN_AT_UNITS_LEFT = 3
WARN_AT_DAYS_LEFT = 10


@dataclass(frozen=True, slots=True)
class AuthorizationBar:
    """What is used and left of one authorization; `left` is None where units are not counted."""

    number: str
    payer: str
    codes: str
    used: int
    units: int | None
    left: int | None
    starts_on: date
    ends_on: date | None
    amend_url: str
    warnings: tuple[str, ...]
    is_over: bool

    @property
    def in_words(self) -> str:
        """The bar in one line, for the head of the page."""
        used = (
            str(self.used)
            if self.units is None
            else _("%(used)d of %(units)d used") % {"used": self.used, "units": self.units}
        )
        until = _("until %(day)s") % {"day": f"{self.ends_on:%m/%d/%Y}"} if self.ends_on else _("no end")
        return f"{self.number}: {used}, {until}"

    @property
    def shown_used(self) -> int:
        """The length of the bar, which ends at what was authorized."""
        return self.used if self.units is None else min(self.used, self.units)


def authorization_bars(ledger: CourseLedger, today: date) -> list[AuthorizationBar]:
    """Each authorization with what is used of it, as capture counts, and what to be warned of."""
    return [
        AuthorizationBar(
            number=units.authorization.number,
            payer=units.authorization.payer.name,
            codes=", ".join(units.authorization.codes) or _("any code"),
            used=units.used,
            units=units.authorization.units,
            left=units.left,
            starts_on=units.authorization.starts_on,
            ends_on=units.authorization.ends_on,
            amend_url=reverse("authorization-amend", args=[units.authorization.pk]),
            warnings=tuple(_warnings(units, _others(ledger.authorizations, units, today), ledger, today)),
            is_over=units.is_over(today),
        )
        for units in ledger.authorizations
    ]


def authorization_shortage(ledger: CourseLedger) -> str:
    """Which sessions of the prescription nobody has authorized yet, or nothing where enough is left."""
    short = ledger.visits_left - (ledger.authorized_left or 0)
    if ledger.authorized_left is None or short <= 0:
        return ""
    if len(ledger.prescriptions) == 1:
        used = sum(min(units.used, units.authorization.units or 0) for units in ledger.authorizations)
        return _("Fraction %(number)d of %(prescribed)d: %(authorized)d authorized. Ask the payer to extend.") % {
            "number": ledger.visits + ledger.authorized_left + 1,
            "prescribed": ledger.prescribed,
            "authorized": used + ledger.authorized_left,
        }
    return ngettext(
        "%(short)d session more is prescribed than authorized. Ask the payer to extend.",
        "%(short)d sessions more are prescribed than authorized. Ask the payer to extend.",
        short,
    ) % {"short": short}


def _others(all_units: Sequence[AuthorizedUnits], one: AuthorizedUnits, today: date) -> list[AuthorizedUnits]:
    """The authorizations that take over when one is used up or over."""
    return [units for units in all_units if units is not one and units.left != 0 and not units.is_over(today)]


def _warnings(
    units: AuthorizedUnits, others: Sequence[AuthorizedUnits], ledger: CourseLedger, today: date
) -> list[str]:
    authorization, warnings = units.authorization, []
    if authorization.units is not None and units.used > authorization.units:
        beyond = units.used - authorization.units
        warnings.append(
            ngettext(
                "%(beyond)d session more than authorized. Ask the payer to extend.",
                "%(beyond)d sessions more than authorized. Ask the payer to extend.",
                beyond,
            )
            % {"beyond": beyond}
        )
    if units.is_over(today) or others or not ledger.visits_left:
        return warnings
    if units.left is not None and units.left <= WARN_AT_UNITS_LEFT:
        warnings.append(
            ngettext(
                "%(left)d session left, %(needed)d to be delivered.",
                "%(left)d sessions left, %(needed)d to be delivered.",
                units.left,
            )
            % {"left": units.left, "needed": ledger.visits_left}
        )
    if authorization.ends_on is not None and (days := (authorization.ends_on - today).days) <= WARN_AT_DAYS_LEFT:
        warnings.append(
            ngettext("It ends in %(days)d day, on %(day)s.", "It ends in %(days)d days, on %(day)s.", days)
            % {"days": days, "day": f"{authorization.ends_on:%m/%d/%Y}"}
        )
    return warnings
