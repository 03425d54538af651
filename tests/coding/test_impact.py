"""The preview of an unpublished version: its rows and counts, its pages and file, and that no charge changes."""

import csv
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from coding.impact_services import ask_preview, run_preview
from coding.jobs import KINDS
from coding.models import ChargeLine, ImpactPreview, ImpactRow, SessionHold, SessionRuling
from coding.policy_preview import preview_policy
from coding.presenters.impact import changed_row, impact_page, step_pairs
from coding.services import capture_from, mark_exported
from payers.draft_services import discard_draft
from payers.models import PolicyVersion, VersionStatus
from portal.models import Job
from portal.services.jobs import cancel_job, work_off
from tests.builders import (
    make_department,
    make_organization,
    make_policy_version,
    make_session,
    make_treated_course,
    make_user,
)

pytestmark = pytest.mark.django_db
FIRST, LAST = date(2025, 12, 1), date(2025, 12, 31)


@pytest.fixture
def admin(roles):
    return make_user(make_organization(), role="admin")


@pytest.fixture
def course(admin):
    """Two twice-treated days, 12/03 and 12/10, all captured."""
    course = make_treated_course(admin.organization)
    course.prescriptions.update(sessions_a_day=2)
    for number, (day, hour) in enumerate([(3, 13), (3, 20), (10, 13), (10, 20)], start=1):
        make_session(course, fraction=number, started_at=datetime(2025, 12, day, hour, tzinfo=UTC))
    capture_from(patient=course.patient, day=FIRST, by=admin)
    return course


@pytest.fixture
def draft(course) -> PolicyVersion:
    """A draft from 12/01/2025 under which second sessions take 59."""
    payer = course.patient.coverages.get().payer
    return make_policy_version(payer, terms={"bid": "59"}, publish=False, effective_from=FIRST)


def previewed(draft: PolicyVersion, by, **changes) -> ImpactPreview:
    preview = ask_preview(version=draft, by=by, **{"first": FIRST, "last": LAST} | changes)
    work_off(kinds=KINDS)
    preview.refresh_from_db()
    return preview


def charges() -> tuple[str, int, int]:
    out = StringIO()
    call_command("charges_digest", stdout=out)
    return out.getvalue(), SessionRuling.objects.count(), SessionHold.objects.count()


def rows_of_file(response) -> list[list[str]]:
    text = b"".join(response.streaming_content).decode().removeprefix("\ufeff")
    return list(csv.reader(StringIO(text)))


def test_preview_keeps_the_rows_that_change_and_counts_them(draft, admin) -> None:
    preview = previewed(draft, admin)

    assert (preview.sessions, preview.changed, preview.rows.count()) == (4, 2, 2)
    row = preview.rows.first()
    assert (row.date_of_service, row.lines_before, row.lines_after) == (
        date(2025, 12, 3),
        "77386-76 x1 rev 0333 + 77014-26-76 x1 pos 22",
        "77386-59 x1 rev 0333 + 77014-26-59 x1 pos 22",
    )


def test_preview_counts_what_the_command_counts(draft, admin) -> None:
    mark_exported(lines=ChargeLine.objects.filter(modifiers=["76"], state="ready"), by=admin)
    told = preview_policy(policy=draft.policy, draft=draft.as_terms(), first=FIRST, last=LAST)

    preview = previewed(draft, admin)

    assert (preview.sessions, preview.changed) == (told.sessions, len(told.rows))
    assert (preview.holds_added, preview.holds_removed) == (told.holds_added, told.holds_removed)
    assert (preview.exported_affected, preview.amount_difference) == (told.exported_affected, told.amount_difference)
    assert preview.exported_affected > 0


def test_preview_changes_no_charge(draft, admin) -> None:
    before = charges()

    previewed(draft, admin)

    assert charges() == before


def test_preview_that_is_cancelled_half_way_leaves_nothing(draft, admin) -> None:
    before = charges()
    preview = ask_preview(version=draft, first=FIRST, last=LAST, by=admin)

    def cancelled_half_way(job, progress) -> None:
        def cancel_and_tell(done: int, total: int) -> None:
            cancel_job(job=job, by=admin)
            progress(done, total)

        run_preview(job, cancel_and_tell)

    work_off(kinds={"preview_policy": cancelled_half_way})

    preview.job.refresh_from_db()
    assert (preview.job.state, ImpactRow.objects.count(), charges()) == ("cancelled", 0, before)


def test_preview_in_place_of_one_that_waits(draft, admin) -> None:
    waiting = ask_preview(version=draft, first=FIRST, last=LAST, by=admin)

    previewed(draft, admin, first=date(2025, 12, 10))

    waiting.job.refresh_from_db()
    assert waiting.job.state == "cancelled"
    assert [preview.changed for preview in ImpactPreview.objects.all()] == [1]


def test_preview_of_a_published_version_is_refused(course, admin) -> None:
    published = PolicyVersion.objects.get()

    with pytest.raises(ValueError, match="only what is not published"):
        ask_preview(version=published, first=FIRST, last=LAST, by=admin)


def test_preview_of_days_out_of_order_is_refused(draft, admin) -> None:
    with pytest.raises(ValueError, match="lies before the first"):
        ask_preview(version=draft, first=LAST, last=FIRST, by=admin)


def test_preview_before_the_start_changes_nothing(draft, admin) -> None:
    PolicyVersion.objects.filter(pk=draft.pk).update(effective_from=date(2026, 6, 1))

    preview = previewed(draft, admin)

    assert (preview.sessions, preview.changed) == (4, 0)


def test_preview_as_if_it_were_in_force_throughout(draft, admin) -> None:
    PolicyVersion.objects.filter(pk=draft.pk).update(effective_from=date(2026, 6, 1))

    preview = previewed(draft, admin, is_throughout=True)

    assert (preview.sessions, preview.changed) == (4, 2)


def test_preview_of_a_draft_discarded_meanwhile_says_so(draft, admin) -> None:
    ask_preview(version=draft, first=FIRST, last=LAST, by=admin)
    discard_draft(version=draft, by=admin)

    work_off(kinds=KINDS)

    assert Job.objects.get().problem == "The draft was discarded meanwhile."


def test_amount_is_unknown_where_a_row_has_no_rate(draft, admin) -> None:
    draft.terms = {"igrt_pc_code": "77387"}
    draft.save()

    preview = previewed(draft, admin)

    assert preview.amount_difference is None


def test_page_asks_for_days_and_starts_a_job(draft, admin, client) -> None:
    client.force_login(admin)

    answer = client.post(reverse("version-impact-start", args=[draft.pk]), {"window": "last_90_days"})

    preview = ImpactPreview.objects.get()
    assert answer.url == reverse("version-impact", args=[draft.pk])
    assert (preview.first, preview.last) == (date(2026, 8, 26), date(2026, 11, 24))
    assert preview.job.asked_by == admin


def test_page_takes_everything_from_the_start(draft, admin, client) -> None:
    client.force_login(admin)

    client.post(reverse("version-impact-start", args=[draft.pk]), {"window": "since_start"})

    assert ImpactPreview.objects.get().first == FIRST


def test_page_names_the_day_that_is_missing_at_its_field(draft, admin, client) -> None:
    client.force_login(admin)

    answer = client.post(reverse("version-impact-start", args=[draft.pk]), {"window": "days", "start": "2025-12-01"})

    assert answer.status_code == 422
    assert answer.context["form"].errors == {"end": ["Give the day, or choose another window."]}


def test_page_refuses_days_out_of_order(draft, admin, client) -> None:
    client.force_login(admin)
    days = {"window": "days", "start": "2025-12-10", "end": "2025-12-01"}

    answer = client.post(reverse("version-impact-start", args=[draft.pk]), days)

    assert answer.context["form"].errors == {"end": ["It lies before the first day."]}


def test_page_says_that_a_version_begins_after_the_days(draft, admin, client) -> None:
    PolicyVersion.objects.filter(pk=draft.pk).update(effective_from=date(2027, 1, 1))
    client.force_login(admin)

    answer = client.post(reverse("version-impact-start", args=[draft.pk]), {"window": "last_90_days"})

    assert list(answer.context["form"].errors) == ["is_throughout"]


def test_page_shows_the_running_preview_and_keeps_asking(draft, admin, client) -> None:
    ask_preview(version=draft, first=FIRST, last=LAST, by=admin)
    client.force_login(admin)

    page = client.get(reverse("version-impact", args=[draft.pk])).content.decode()

    assert 'hx-trigger="every 1s"' in page
    assert "Waiting for a worker" in page
    assert "No worker is heard" not in page


def test_page_says_that_no_worker_is_heard(draft, admin, client) -> None:
    ask_preview(version=draft, first=FIRST, last=LAST, by=admin)
    Job.objects.update(asked_at=timezone.now() - timedelta(seconds=30))
    client.force_login(admin)

    page = client.get(reverse("version-impact", args=[draft.pk])).content.decode()

    assert "No worker is heard" in page


def test_page_cancels_the_preview(draft, admin, client) -> None:
    ask_preview(version=draft, first=FIRST, last=LAST, by=admin)
    client.force_login(admin)

    client.post(reverse("version-impact-cancel", args=[draft.pk]))

    page = client.get(reverse("version-impact", args=[draft.pk])).content.decode()
    assert Job.objects.get().state == "cancelled"
    assert "The preview was cancelled" in page


def test_page_shows_counts_kinds_and_rows(draft, admin, client) -> None:
    previewed(draft, admin)
    client.force_login(admin)

    result = client.get(reverse("version-impact", args=[draft.pk])).context["page"].result

    assert [kind.number for kind in result.kinds] == [2]
    assert [told.row.date_of_service.day for told in result.rows] == [10, 3]
    assert [part.text for part in result.kinds[0].sides.after if part.is_changed] == [
        "77386-59 x1 rev 0333",
        "77014-26-59 x1 pos 22",
    ]


def test_page_narrows_the_rows_to_one_kind(course, draft, admin, client) -> None:
    draft.terms = {"bid": "59", "min_gap": 420}
    draft.save()
    make_session(course, fraction=5, started_at=datetime(2025, 12, 11, 13, tzinfo=UTC))
    make_session(course, fraction=6, started_at=datetime(2025, 12, 11, 19, tzinfo=UTC))
    previewed(draft, admin)
    client.force_login(admin)
    address = reverse("version-impact", args=[draft.pk])
    kinds = client.get(address).context["page"].result.kinds

    narrowed = client.get(address + kinds[1].url).context["page"].result
    rows = rows_of_file(client.get(reverse("version-impact-csv", args=[draft.pk]) + kinds[1].url))

    assert [kind.number for kind in kinds] == [2, 1]
    assert [told.row.date_of_service.day for told in narrowed.rows] == [11]
    assert len(rows) == 2


def test_page_counts_holds_by_name(course, admin, client) -> None:
    payer = course.patient.coverages.get().payer
    strict = make_policy_version(payer, terms={"min_gap": 480}, publish=False, effective_from=FIRST)
    preview = previewed(strict, admin)
    client.force_login(admin)

    result = client.get(reverse("version-impact", args=[strict.pk])).context["page"].result

    assert [(hold.name, hold.appears, hold.vanishes) for hold in result.holds] == [("BID_GAP", 2, 0)]
    assert preview.holds_added == 2


def test_page_says_that_the_draft_was_amended_since(draft, admin, client) -> None:
    previewed(draft, admin)
    draft.terms = {"bid": "units"}
    draft.save()
    client.force_login(admin)

    result = client.get(reverse("version-impact", args=[draft.pk])).context["page"].result

    assert result.is_amended_since


def test_page_of_a_published_version_is_not_there(course, admin, client) -> None:
    client.force_login(admin)

    answer = client.get(reverse("version-impact", args=[PolicyVersion.objects.get().pk]))

    assert answer.status_code == 404


def test_page_tells_a_person_of_one_department_only_of_its_sessions(draft, admin, client) -> None:
    previewed(draft, admin)
    manager = make_user(admin.organization, role="manager", sees_all_departments=False)
    manager.departments.set([make_department(admin.organization)])
    client.force_login(manager)

    result = client.get(reverse("version-impact", args=[draft.pk])).context["page"].result

    assert (result.preview.changed, result.seen, result.rows) == (2, 0, [])


def test_page_asks_a_fixed_number_of_queries(course, draft, admin, django_assert_num_queries) -> None:
    for number, hour in ((5, 13), (6, 20)):
        make_session(course, fraction=number, started_at=datetime(2025, 12, 11, hour, tzinfo=UTC))
    previewed(draft, admin)

    with django_assert_num_queries(4):
        page = impact_page(draft, admin, asked={})

    assert len(page.result.rows) == 3


def test_file_has_the_rows_that_the_page_counts(draft, admin, client) -> None:
    preview = previewed(draft, admin)
    client.force_login(admin)

    header, *rows = rows_of_file(client.get(reverse("version-impact-csv", args=[draft.pk])))

    assert len(rows) == preview.changed
    assert sum(int(row[header.index("Holds that appear")]) for row in rows) == preview.holds_added
    assert sum(int(row[header.index("Exported lines to correct")]) for row in rows) == preview.exported_affected
    assert sum(Decimal(row[header.index("Difference in dollars")]) for row in rows) == preview.amount_difference


def test_file_without_a_preview_is_not_there(draft, admin, client) -> None:
    client.force_login(admin)

    answer = client.get(reverse("version-impact-csv", args=[draft.pk]))

    assert answer.status_code == 404


def test_session_shows_both_traces_and_folds_what_is_the_same(draft, admin) -> None:
    row = previewed(draft, admin).rows.select_related("trace_before", "trace_after").first()

    runs = step_pairs(row)

    differing = [pair.after["rule"] for run in runs for pair in run if not pair.is_same]
    assert {"modifier_repeat"} <= set(differing)
    assert sum(len(run) for run in runs) == len(row.trace_after.steps)
    assert [run[0].is_same for run in runs] == [index % 2 == 0 for index in range(len(runs))]


def test_session_page_is_there_after_the_version_is_published(draft, admin, client) -> None:
    row = previewed(draft, admin).rows.first()
    draft.status, draft.submitted_at = VersionStatus.IN_REVIEW, timezone.now()
    draft.save()
    draft.status, draft.published_at = VersionStatus.PUBLISHED, timezone.now()
    draft.save()
    client.force_login(admin)

    answer = client.get(reverse("version-impact-session", args=[row.pk]))

    assert answer.status_code == 200
    assert changed_row(row).sides.before[0].is_changed
