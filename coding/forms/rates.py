"""The forms of contract rates: which ones to look at, one rate, and a whole schedule as a file."""

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from coding.forms.lines import FilterForm
from coding.models import ContractRate
from coding.rate_files import MODIFIERS, MOST_BYTES
from payers.models import Payer
from portal.models import FIRST_DAY, LAST_DAY, DepartmentSetting, Organization

EVERY_SETTING = ("", gettext_lazy("Every setting"))


class RateFilterForm(FilterForm):
    payer = forms.ChoiceField(label=gettext_lazy("Payer"), required=False)
    code = forms.RegexField(
        r"^\s*[0-9A-Za-z]{1,5}\s*$",
        label=gettext_lazy("Code begins with"),
        required=False,
        max_length=9,
        error_messages={"invalid": gettext_lazy("A code has at most five letters or digits.")},
    )

    def __init__(self, *args: Any, organization: Organization, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        payers = Payer.objects.filter(organization=organization).values_list("slug", "name")
        self.fields["payer"].choices = [("", _("All")), *payers]

    def clean_code(self) -> str:
        return self.cleaned_data["code"].strip().upper()


class RateForm(forms.ModelForm):
    """What a payer has agreed to pay for one unit of a code, from a date of service on."""

    class Meta:
        model = ContractRate
        fields = ["payer", "code", "modifier", "setting", "effective_from", "amount", "source"]
        labels = {
            "effective_from": gettext_lazy("First date of service"),
            "amount": gettext_lazy("Amount of one unit (USD)"),
        }
        help_texts = {
            "modifier": gettext_lazy(
                "26 and TC are rates of the professional and of the technical component; empty is the whole code."
            ),
            "setting": gettext_lazy("A rate of a setting stands before the one for every setting."),
            "effective_from": gettext_lazy(
                "The rate holds from this day on, until the next one of the same payer, code, modifier and setting."
            ),
            "source": gettext_lazy(
                "Where it is written, such as the contract and its page. “Why this line?” cites it."
            ),
        }
        widgets = {"effective_from": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")}
        error_messages = {
            NON_FIELD_ERRORS: {
                "unique_together": gettext_lazy(
                    "There is a rate of this payer, code, modifier and setting with this first day: amend that one."
                )
            }
        }

    def __init__(self, *args: Any, organization: Organization, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.organization = organization
        self.fields["payer"].queryset = Payer.objects.filter(organization=organization)
        self.fields["modifier"] = forms.ChoiceField(
            label=self.fields["modifier"].label,
            help_text=self.fields["modifier"].help_text,
            choices=[(value, value or _("none: the whole code")) for value in MODIFIERS],
            required=False,
        )
        self.fields["setting"].choices = [EVERY_SETTING, *DepartmentSetting.choices]

    def clean_code(self) -> str:
        code = self.cleaned_data["code"].strip().upper()
        if len(code) != 5 or not (code.isascii() and code.isalnum()):
            raise forms.ValidationError(_("A code has five letters or digits, such as 77386 or G6015."))
        return code

    def clean_effective_from(self) -> date:
        day = self.cleaned_data["effective_from"]
        if not FIRST_DAY <= day <= LAST_DAY:
            raise forms.ValidationError(_("Choose a day from 2000 to 2099."))
        return day

    def refuse_second(self) -> None:
        """What the database refused because somebody else was quicker, said where it is cleared."""
        self.add_error(
            "effective_from",
            _("Somebody has just saved a rate of this payer, code, modifier and setting with this first day."),
        )


class RateFileForm(forms.Form):
    file = forms.FileField(
        label=gettext_lazy("Schedule"),
        help_text=gettext_lazy("A CSV file of at most 8 MB and 20,000 rows, with the columns below."),
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,text/csv"}),
        error_messages={
            "required": gettext_lazy("Choose a CSV file."),
            "empty": gettext_lazy("The file is empty."),
        },
    )

    def clean_file(self) -> str:
        """The file's text; spreadsheets save it in either of two ways."""
        file = self.cleaned_data["file"]
        if file.size > MOST_BYTES:
            raise forms.ValidationError(_("The file is larger than 8 MB. Split it."))
        content = file.read()
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("cp1252", errors="replace")
        if "\0" in text:
            raise forms.ValidationError(_("This is no text. Save the spreadsheet as CSV and choose that file."))
        return text


class BringInRatesForm(forms.Form):
    """The one question of a preview: whether the rows that can be read come in without those that cannot."""

    without_refused = forms.BooleanField(
        required=False, widget=forms.CheckboxInput(attrs={"class": "form-check-input"})
    )

    def __init__(self, *args: Any, refused: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not refused:
            del self.fields["without_refused"]
            return
        field = self.fields["without_refused"]
        field.required = True
        field.label = _("Bring the other rows in without the refused ones")
        field.error_messages["required"] = _("Tick the box, or correct the refused rows and choose the file again.")
