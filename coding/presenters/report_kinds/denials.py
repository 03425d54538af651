"""What payers refused."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from coding.forms.reports import TableReportForm
from coding.presenters.report_shapes import Cell, Table, TableReport


def _denials_table(form: TableReportForm) -> Table:
    """No remittance has been read yet: the columns stand, and no row says zero."""
    return Table(
        headings=(
            _("Payer"),
            _("Reason"),
            _("Lines exported"),
            _("Lines denied"),
            _("Denial rate, %"),
            _("Amount denied"),
        ),
        words=2,
        rows=[(Cell(_("All payers")), Cell(None), Cell(None), Cell(None), Cell(None), Cell(None))],
    )


DENIALS = TableReport(
    name="denials",
    title=gettext_lazy("Denials"),
    purpose=gettext_lazy("What payers refused, by payer and reason."),
    icon="x-circle",
    asks=("payer", "department", "start", "end"),
    groupings=(),
    table_of=_denials_table,
    note=gettext_lazy(
        "Nothing is known of denials yet: answers of payers (835) are not read here so far. That is not zero."
    ),
)
