"""Every report that is one table, by name and in the order in which they are listed."""

from coding.presenters.report_kinds.authorizations import AUTHORIZATIONS
from coding.presenters.report_kinds.denials import DENIALS
from coding.presenters.report_kinds.expected import EXPECTED
from coding.presenters.report_kinds.holds import HOLDS
from coding.presenters.report_kinds.levels import LEVELS
from coding.presenters.report_kinds.people import ACCESS, PRODUCTIVITY
from coding.presenters.report_kinds.seam import SEAM

TABLE_REPORTS = {
    report.name: report for report in (HOLDS, EXPECTED, DENIALS, AUTHORIZATIONS, LEVELS, SEAM, PRODUCTIVITY, ACCESS)
}
