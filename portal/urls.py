"""Every address of the portal, put together from the apps."""

from django.contrib.auth import views as auth
from django.urls import include, path, reverse_lazy

from portal.views import (
    audit,
    closed_days,
    courses,
    day_sheets,
    home,
    imports,
    patients,
    patterns,
    recent_courses,
    search,
    sessions,
    setup,
    signing_in,
)

urlpatterns = [
    # Signing in and out
    path("sign-in/", auth.LoginView.as_view(redirect_authenticated_user=True), name="sign-in"),
    path("sign-out/", auth.LogoutView.as_view(), name="sign-out"),
    path(
        "password/",
        auth.PasswordChangeView.as_view(success_url=reverse_lazy("password-changed")),
        name="password-change",
    ),
    path("sign-in/token/", signing_in.form_token, name="form-token"),
    path("password/changed/", auth.PasswordChangeDoneView.as_view(), name="password-changed"),
    # Set-up
    path("setup/", setup.setup_home, name="setup-home"),
    path("setup/organization/", setup.organization_amend, name="organization-amend"),
    path("setup/departments/", setup.department_list, name="department-list"),
    path("setup/departments/new/", setup.department_edit, name="department-create"),
    path("setup/departments/<int:pk>/", setup.department_edit, name="department-amend"),
    path("setup/machines/", setup.machine_list, name="machine-list"),
    path("setup/machines/new/", setup.machine_edit, name="machine-create"),
    path("setup/machines/<int:pk>/", setup.machine_edit, name="machine-amend"),
    path("setup/physicians/", setup.physician_list, name="physician-list"),
    path("setup/physicians/new/", setup.physician_edit, name="physician-create"),
    path("setup/physicians/<int:pk>/", setup.physician_edit, name="physician-amend"),
    path("setup/users/", setup.user_list, name="user-list"),
    path("setup/users/new/", setup.user_edit, name="user-create"),
    path("setup/users/<int:pk>/", setup.user_edit, name="user-amend"),
    path("setup/closed-days/", closed_days.closed_day_list, name="closed-day-list"),
    path("setup/closed-days/new/", closed_days.closed_day_create, name="closed-day-create"),
    path("setup/closed-days/holidays/", closed_days.closed_day_holidays, name="closed-day-holidays"),
    path("setup/closed-days/restore/", closed_days.closed_day_restore, name="closed-day-restore"),
    path("setup/closed-days/<int:pk>/remove/", closed_days.closed_day_remove, name="closed-day-remove"),
    # Patients, courses, prescriptions
    path("patients/", patients.patient_list, name="patient-list"),
    path("patients/new/", patients.patient_create, name="patient-create"),
    path("patients/<int:pk>/", patients.patient_detail, name="patient-detail"),
    path("patients/<int:pk>/amend/", patients.patient_amend, name="patient-amend"),
    path("patients/<int:pk>/courses/new/", courses.course_create, name="course-create"),
    path("courses/<int:pk>/", courses.course_detail, name="course-detail"),
    path("courses/<int:pk>/amend/", courses.course_amend, name="course-amend"),
    path("courses/<int:pk>/prescriptions/new/", courses.prescription_create, name="prescription-create"),
    path("prescriptions/<int:pk>/", courses.prescription_amend, name="prescription-amend"),
    path("prescriptions/<int:pk>/plan/", patterns.fractions_plan, name="fractions-plan"),
    path("prescriptions/<int:pk>/plan/undo/", patterns.fractions_plan_undo, name="fractions-plan-undo"),
    path("fractions/<int:pk>/missed/", courses.fraction_missed, name="fraction-missed"),
    # Home, search
    path("", home.home, name="home"),
    path("search/", search.search, name="search"),
    path("courses/<int:pk>/opened/", recent_courses.course_opened, name="course-opened"),
    # Sessions and day sheets
    path("sessions/new/", sessions.session_create, name="session-create"),
    path("sessions/preview/", sessions.session_preview, name="session-preview"),
    path("sessions/<int:pk>/", sessions.session_detail, name="session-detail"),
    path("sessions/<int:pk>/amend/", sessions.session_amend, name="session-amend"),
    path("sessions/<int:pk>/void/", sessions.session_void, name="session-void"),
    path("day-sheets/", day_sheets.day_sheet_of_machine, name="day-sheet"),
    path("day-sheets/row/", day_sheets.day_sheet_row, name="day-sheet-row"),
    path("day-sheets/save/", day_sheets.day_sheet_save, name="day-sheet-save"),
    # Imports of treatment logs
    path("imports/", imports.import_list, name="import-list"),
    path("imports/new/", imports.import_upload_files, name="import-upload"),
    path("imports/uploads/<int:pk>/", imports.import_preview, name="import-preview"),
    path("imports/uploads/<int:pk>/discard/", imports.import_discard, name="import-discard"),
    path("imports/<int:pk>/", imports.import_detail, name="import-detail"),
    path("imports/candidates/<int:pk>/", imports.candidate_detail, name="candidate-detail"),
    path("imports/candidates/<int:pk>/confirm/", imports.candidate_confirm, name="candidate-confirm"),
    path("imports/candidates/<int:pk>/dismiss/", imports.candidate_dismiss, name="candidate-dismiss"),
    path("imports/candidates/<int:pk>/reopen/", imports.candidate_reopen, name="candidate-reopen"),
    path("imports/candidates/<int:pk>/accept/", imports.candidate_accept, name="candidate-accept"),
    # Audit trail
    path("audit/", audit.audit_list, name="audit-list"),
    path("audit/events.csv", audit.audit_csv, name="audit-csv"),
    path("audit/<str:kind>/<int:pk>/", audit.audit_object, name="audit-object"),
    # The other apps
    path("", include("payers.urls")),
    path("", include("coding.urls")),
]
