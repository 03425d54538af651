"""Addresses of charges: review, why, holds, reports, prices and payers (their sessions are captured again)."""

from itertools import chain

from django.urls import path

from coding.presenters.report_tables import TABLE_REPORTS
from coding.views import (
    authorizations,
    dashboards,
    filing,
    hold_actions,
    holds,
    impact,
    level_guard,
    line_actions,
    lines,
    prices,
    rates,
    recapture,
    reconciliation,
    reference,
    report_schedules,
    reports,
    sessions,
)
from payers.views import payer_setup
from portal.presenters.dashboards import PANELS
from portal.views import saved_views

urlpatterns = [
    # Charge review and "why this line"
    path("charges/", lines.charge_review, name="charge-review"),
    path("charges/lines.csv", lines.charge_review_csv, name="charge-review-csv"),
    path("charges/preview/", line_actions.lines_preview, name="line-preview"),
    path("charges/carry-out/", line_actions.lines_carry_out, name="line-carry-out"),
    path("charges/set-back/", line_actions.lines_set_back, name="line-set-back"),
    path("charges/without-a-line/", lines.sessions_without_line, name="sessions-without-line"),
    path("charges/without-a-line.csv", lines.sessions_without_line_csv, name="sessions-without-line-csv"),
    path("charges/<int:pk>/why/", lines.line_why, name="line-why"),
    path("charges/<int:pk>/void/", lines.line_void, name="line-void"),
    path("sessions/<int:pk>/why/", lines.session_why, name="session-why"),
    # Sessions, and the panels of the home page
    path("sessions/", sessions.session_list, name="session-list"),
    path("sessions.csv", sessions.session_list_csv, name="session-list-csv"),
    *(
        path(f"home/{panel.name}/", dashboards.dashboard_panel, {"name": panel.name}, name=panel.url_name)
        for panel in PANELS
    ),
    # Saved views of the lists of work
    path("views/save/", saved_views.saved_view_save, name="saved-view-save"),
    path("views/restore/", saved_views.saved_view_restore, name="saved-view-restore"),
    path("views/<int:pk>/rename/", saved_views.saved_view_rename, name="saved-view-rename"),
    path("views/<int:pk>/remove/", saved_views.saved_view_remove, name="saved-view-remove"),
    # Holds
    path("holds/", holds.hold_list, name="hold-list"),
    path("holds.csv", holds.hold_list_csv, name="hold-list-csv"),
    path("holds/preview/", hold_actions.holds_preview, name="hold-preview"),
    path("holds/carry-out/", hold_actions.holds_carry_out, name="hold-carry-out"),
    path("holds/set-back/", hold_actions.holds_set_back, name="hold-set-back"),
    path("holds/<int:pk>/", holds.hold_detail, name="hold-detail"),
    path("holds/<int:pk>/act/", hold_actions.hold_act, name="hold-act"),
    path("holds/<int:pk>/assign/", holds.hold_assign, name="hold-assign"),
    path("holds/<int:pk>/note/", holds.hold_note, name="hold-note"),
    path("holds/<int:pk>/release/", holds.hold_release, name="hold-release"),
    path("holds/<int:pk>/reopen/", holds.hold_reopen, name="hold-reopen"),
    # Captured again under a version published since
    path("capture-again/", recapture.recapture_list, name="recapture-list"),
    path("capture-again/preview/", recapture.recapture_preview, name="recapture-preview"),
    path("capture-again/carry-out/", recapture.recapture_carry_out, name="recapture-carry-out"),
    path("capture-again/set-back/", recapture.recapture_set_back, name="recapture-set-back"),
    path("capture-again/work/<int:pk>/again/", recapture.recapture_ask_again, name="recapture-ask-again"),
    # What an unpublished version would change
    path("policy-versions/<int:pk>/impact/", impact.version_impact, name="version-impact"),
    path("policy-versions/<int:pk>/impact/start/", impact.version_impact_start, name="version-impact-start"),
    path("policy-versions/<int:pk>/impact/cancel/", impact.version_impact_cancel, name="version-impact-cancel"),
    path("policy-versions/<int:pk>/impact.csv", impact.version_impact_csv, name="version-impact-csv"),
    path("changed-sessions/<int:pk>/", impact.version_impact_session, name="version-impact-session"),
    # Reports
    path("reports/", reports.report_list, name="report-list"),
    path("reports/saved/<int:pk>/delivery/", report_schedules.report_schedule, name="report-schedule"),
    path("reports/deliveries/<int:pk>/stop/", report_schedules.report_schedule_stop, name="report-schedule-stop"),
    path("reports/charges/", reports.report_charges, name="report-charges"),
    path("reports/charges.csv", reports.report_charges_csv, name="report-charges-csv"),
    path("reports/charges.xlsx", reports.report_charges_xlsx, name="report-charges-xlsx"),
    *chain.from_iterable(
        (
            path(f"reports/{name}/", reports.report_table, {"name": name}, name=f"report-{name}"),
            path(f"reports/{name}.csv", reports.report_table_csv, {"name": name}, name=f"report-{name}-csv"),
            path(f"reports/{name}.xlsx", reports.report_table_xlsx, {"name": name}, name=f"report-{name}-xlsx"),
        )
        for name in TABLE_REPORTS
    ),
    # Filing clock
    path("filing/", filing.filing_clock, name="filing-clock"),
    path("filing/lines.csv", filing.filing_clock_csv, name="filing-clock-csv"),
    path("filing/deleted-codes/", filing.filing_sunset, name="filing-sunset"),
    path("filing/deleted-codes.csv", filing.filing_sunset_csv, name="filing-sunset-csv"),
    path("filing/limits/", filing.filing_limits_by_payer, name="filing-limits"),
    path("filing/lines/<int:pk>/proof/", filing.filing_proof, name="filing-proof"),
    # Authorizations across courses
    path("authorizations/", authorizations.authorization_ledger, name="authorization-ledger"),
    # Level 3 guard
    path("level-guard/", level_guard.level_guard, name="level-guard"),
    path("level-guard/sessions/", level_guard.level_guard_sessions, name="level-guard-sessions"),
    path("level-guard/courses/<int:pk>/", level_guard.level_guard_course, name="level-guard-course"),
    # Reconciliation
    path("reconciliation/", reconciliation.reconciliation, name="reconciliation"),
    path("reconciliation/table.csv", reconciliation.reconciliation_csv, name="reconciliation-csv"),
    path("reconciliation/visits/", reconciliation.reconciliation_visits, name="reconciliation-visits"),
    path("reconciliation/visits.csv", reconciliation.reconciliation_visits_csv, name="reconciliation-visits-csv"),
    path("reconciliation/departments/<int:pk>/", reconciliation.reconciliation_day, name="reconciliation-day"),
    path(
        "reconciliation/departments/<int:pk>/reason/",
        reconciliation.reconciliation_reason,
        name="reconciliation-reason",
    ),
    path(
        "reconciliation/departments/<int:pk>/sign-off/",
        reconciliation.reconciliation_sign_off,
        name="reconciliation-sign-off",
    ),
    path(
        "reconciliation/departments/<int:pk>/withdraw/",
        reconciliation.reconciliation_withdraw,
        name="reconciliation-withdraw",
    ),
    path(
        "reconciliation/reasons/<int:pk>/back/",
        reconciliation.reconciliation_reason_back,
        name="reconciliation-reason-back",
    ),
    # Set-up
    path("setup/payers/", payer_setup.payer_list, name="payer-list"),
    path("setup/payers/new/", payer_setup.payer_edit, name="payer-create"),
    path("setup/payers/<int:pk>/", payer_setup.payer_edit, name="payer-amend"),
    path("setup/official-files/", reference.reference_list, name="reference-list"),
    path("setup/official-files/load/", reference.reference_load, name="reference-load"),
    path("setup/official-files/<int:pk>/", reference.reference_detail, name="reference-detail"),
    path("setup/prices/", prices.price_list, name="price-list"),
    path("setup/prices/new/", prices.price_edit, name="price-create"),
    path("setup/prices/<int:pk>/", prices.price_edit, name="price-amend"),
    path("setup/rates/", rates.rate_list, name="rate-list"),
    path("setup/rates.csv", rates.rate_list_csv, name="rate-list-csv"),
    path("setup/rates/new/", rates.rate_edit, name="rate-create"),
    path("setup/rates/import/", rates.rate_import, name="rate-import"),
    path("setup/rates/import/bring-in/", rates.rate_bring_in, name="rate-bring-in"),
    path("setup/rates/work/<int:pk>/again/", rates.rate_follow_again, name="rate-follow-again"),
    path("setup/rates/<int:pk>/", rates.rate_edit, name="rate-amend"),
]
