"""What the ledger of authorizations is narrowed to."""

from datetime import date, timedelta
from typing import Any

from django import forms
from django.db.models import Q, TextChoices
from django.utils.translation import gettext_lazy as _

from coding.forms.lines import FilterChoices, FilterForm
from portal.models import User
from portal.presenters.authorizations import WARN_AT_DAYS_LEFT


class Show(TextChoices):
    """Which authorizations are shown by their last day, which is theirs too."""

    HOLDING = "holding", _("Holding now")
    ENDING = "ending", _("Ending within 10 days")
    OVER = "over", _("Over")
    ALL = "all", _("All")


class AuthorizationLedgerForm(FilterForm):
    """Last day, payer and department; without a choice those that hold."""

    show = forms.ChoiceField(label=_("Show"), required=False, choices=Show.choices)
    payer = forms.ChoiceField(label=_("Payer"), required=False)
    department = forms.ChoiceField(label=_("Department"), required=False)
    first_names = ("show", "payer", "department")

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user, self.choices = user, FilterChoices(user)
        payers = ((slug, payer.name) for slug, payer in self.choices.payers.items())
        departments = ((str(department.pk), department.name) for department in self.choices.departments)
        self.fields["payer"].choices = [("", _("All")), *payers]
        self.fields["department"].choices = [("", _("All")), *departments]

    @property
    def today(self) -> date:
        return self.choices.today

    @property
    def wanted(self) -> Q:
        """The authorizations that a valid form leaves."""
        chosen, today = self.cleaned_data, self.today
        wanted = {
            Show.HOLDING: Q(ends_on__isnull=True) | Q(ends_on__gte=today),
            Show.ENDING: Q(ends_on__range=(today, today + timedelta(days=WARN_AT_DAYS_LEFT))),
            Show.OVER: Q(ends_on__lt=today),
            Show.ALL: Q(),
        }[Show(chosen["show"] or Show.HOLDING)]
        if chosen["payer"]:
            wanted &= Q(payer__slug=chosen["payer"])
        if chosen["department"]:
            wanted &= Q(course__department=chosen["department"])
        return wanted
