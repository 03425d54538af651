"""After a version is published: what it answers otherwise is listed, captured again by a person, or kept."""

from datetime import UTC, date, datetime

import pytest
from django.urls import reverse

from coding.hold_services import release_hold
from coding.jobs import KINDS
from coding.models import ChargeLine, LineState, RecaptureItem, SessionHold, SessionRuling
from coding.recapture_services import (
    ask_capture_again,
    capture_again,
    keep_as_it_was,
    list_recapture,
    reopen_items,
)
from coding.services import capture_charges, capture_from, mark_exported, void_charge_line
from payers.models import Payer, PolicyVersion
from portal.models import AuditEvent, Job
from portal.services.jobs import work_off
from tests.builders import (
    make_department,
    make_organization,
    make_policy_version,
    make_session,
    make_treated_course,
    make_user,
)

pytestmark = pytest.mark.django_db
FIRST = date(2025, 12, 1)
AT = datetime(2026, 11, 24, 15, tzinfo=UTC)


@pytest.fixture
def coder(roles):
    return make_user(make_organization(), role="coder")


@pytest.fixture
def course(coder):
    """Two twice-treated days, 12/03 and 12/10, all captured."""
    course = make_treated_course(coder.organization)
    course.prescriptions.update(sessions_a_day=2)
    for number, (day, hour) in enumerate([(3, 13), (3, 20), (10, 13), (10, 20)], start=1):
        make_session(course, fraction=number, started_at=datetime(2025, 12, day, hour, tzinfo=UTC))
    capture_from(patient=course.patient, day=FIRST, by=coder)
    return course


def published(by, effective_from: date = FIRST, **terms) -> PolicyVersion:
    """A version that is published, and its sessions listed."""
    version = make_policy_version(Payer.objects.get(), terms=terms, effective_from=effective_from)
    list_recapture(version=version, by=by)
    work_off(kinds=KINDS)
    return version


def items() -> list[RecaptureItem]:
    return list(RecaptureItem.objects.select_related("session__course__patient").order_by("session__started_at"))


def lines(**wanted) -> list[str]:
    """The standing lines, as code, state and whether they correct another."""
    standing = ChargeLine.objects.standing().filter(**wanted).order_by("role", "session__started_at", "id")
    return [f"{line} {line.state}{' corrects' if line.corrects_id else ''}" for line in standing]


def test_list_has_the_sessions_that_are_answered_otherwise(course, coder) -> None:
    published(coder, bid="59")

    assert [(item.session.date_of_service.day, item.lines_before, item.lines_after) for item in items()] == [
        (day, "77386-76 x1 rev 0333 + 77014-26-76 x1 pos 22", "77386-59 x1 rev 0333 + 77014-26-59 x1 pos 22")
        for day in (3, 10)
    ]


def test_list_leaves_days_before_the_start_alone(course, coder) -> None:
    published(coder, date(2025, 12, 5), bid="59")

    assert [item.session.date_of_service.day for item in items()] == [10]


def test_list_moves_no_line(course, coder) -> None:
    before = list(ChargeLine.objects.order_by("pk").values_list("pk", "state", "replaced_in"))

    published(coder, bid="59")

    assert list(ChargeLine.objects.order_by("pk").values_list("pk", "state", "replaced_in")) == before


def test_day_that_is_answered_alike_is_captured_at_once_under_the_version(course, coder) -> None:
    before = lines()

    version = published(coder, timely_days=180)

    rulings = SessionRuling.objects.current()
    assert items() == []
    assert {ruling.policy_version_id for ruling in rulings} == {version.pk}
    assert lines() == before


def test_hold_that_appears_is_listed(course, coder) -> None:
    published(coder, min_gap=480)

    assert [(item.findings_before, item.findings_after) for item in items()] == [("", "HOLD: BID_GAP")] * 2


def test_release_that_would_no_longer_hold_is_listed(course, coder) -> None:
    published(coder, min_gap=480)
    capture_again(items=items(), by=coder)
    release_hold(hold=SessionHold.objects.open().first(), note="Checked", at=AT, by=coder)

    published(coder, date(2025, 12, 2), min_gap=490)

    told = [(item.findings_before, item.findings_after) for item in items() if item.version.terms["min_gap"] == 490]
    assert ("HOLD: BID_GAP (released)", "HOLD: BID_GAP") in told


def test_list_again_lists_nothing_twice(course, coder) -> None:
    version = published(coder, bid="59")

    list_recapture(version=version, by=coder)
    work_off(kinds=KINDS)

    assert [item.state for item in items()] == ["open", "open"]


def test_list_again_leaves_what_was_kept(course, coder) -> None:
    version = published(coder, bid="59")
    keep_as_it_was(items=items()[:1], reason="Agreed by letter", at=AT, by=coder)

    list_recapture(version=version, by=coder)
    work_off(kinds=KINDS)

    assert [item.state for item in items()] == ["kept", "open"]


def test_line_that_a_person_voided_is_no_difference(course, coder) -> None:
    for line in ChargeLine.objects.filter(modifiers__contains=["76"]):
        void_charge_line(line=line, reason="Not owed", by=coder)
    version = published(coder, timely_days=180)

    assert items() == []
    assert SessionRuling.objects.current().filter(policy_version=version).count() == 4


def test_capturing_again_replaces_ready_lines(course, coder) -> None:
    published(coder, bid="59")

    settled = capture_again(items=items(), by=coder)

    assert settled == 2
    assert [item.state for item in items()] == ["captured", "captured"]
    assert lines(role="delivery", date_of_service=date(2025, 12, 3)) == ["77386 x1 ready", "77386-59 x1 ready"]


def test_capturing_again_drafts_a_correction_beside_an_exported_line(course, coder) -> None:
    sent = ChargeLine.objects.get(code="77386", modifiers=["76"], date_of_service=date(2025, 12, 3))
    mark_exported(lines=[sent], by=coder)
    published(coder, bid="59")
    affected = [item.exported_affected for item in items()]

    capture_again(items=items(), by=coder)

    sent.refresh_from_db()
    assert affected == [1, 0]
    assert (sent.state, sent.replaced_in_id) == (LineState.EXPORTED, None)
    assert lines(role="delivery", date_of_service=date(2025, 12, 3)) == [
        "77386 x1 ready",
        "77386-76 x1 exported",
        "77386-59 x1 draft corrects",
    ]


def test_capturing_again_drafts_a_cancellation_of_a_line_that_is_charged_no_more(course, coder) -> None:
    sent = ChargeLine.objects.get(code="77386", modifiers=[], date_of_service=date(2025, 12, 3))
    mark_exported(lines=[sent], by=coder)
    version = published(coder, bid="units")
    affected = sum(item.exported_affected for item in items())

    capture_again(items=items(), by=coder)

    sent.refresh_from_db()
    assert affected == 1
    assert sent.cancellation_drafted_in is not None
    assert sent.cancellation_drafted_in.policy_version == version


def test_item_is_settled_when_its_session_is_captured_for_another_reason(course, coder) -> None:
    published(coder, bid="59")

    capture_charges(patient=course.patient, date_of_service=date(2025, 12, 3), by=coder)

    assert [item.state for item in items()] == ["captured", "open"]


def test_many_sessions_are_captured_by_the_worker(course, coder) -> None:
    published(coder, bid="59")

    ask_capture_again(items=items(), by=coder)
    work_off(kinds=KINDS)

    assert [item.state for item in items()] == ["captured", "captured"]
    assert Job.objects.get(kind="capture_again").state == "done"


def test_ready_line_of_a_listed_session_is_not_exported(course, coder) -> None:
    published(coder, bid="59")
    line = ChargeLine.objects.get(code="77386", modifiers=["76"], date_of_service=date(2025, 12, 3))

    with pytest.raises(ValueError, match="captured again"):
        mark_exported(lines=[line], by=coder)


def test_kept_session_may_be_exported(course, coder) -> None:
    published(coder, bid="59")
    line = ChargeLine.objects.get(code="77386", modifiers=["76"], date_of_service=date(2025, 12, 3))

    keep_as_it_was(items=items(), reason="Agreed by letter", at=AT, by=coder)

    assert mark_exported(lines=[line], by=coder) == [line]


def test_keeping_is_recorded_with_its_reason(course, coder) -> None:
    published(coder, bid="59")

    keep_as_it_was(items=items()[:1], reason="Agreed by letter", at=AT, by=coder)

    item = items()[0]
    event = AuditEvent.objects.about(item.session).first()
    assert (item.state, item.reason, item.decided_by, item.decided_at) == ("kept", "Agreed by letter", coder, AT)
    assert (event.action, event.sentence, event.by) == ("keep_as_it_was", "Kept as it was: Agreed by letter", coder)


def test_keeping_is_taken_back(course, coder) -> None:
    published(coder, bid="59")
    keep_as_it_was(items=items(), reason="Agreed by letter", at=AT, by=coder)

    reopen_items(items=items()[:1], by=coder)

    assert [(item.state, item.reason) for item in items()] == [("open", ""), ("kept", "Agreed by letter")]


def test_captured_session_is_not_kept(course, coder) -> None:
    published(coder, bid="59")
    before = items()
    capture_again(items=before[:1], by=coder)

    kept = keep_as_it_was(items=before, reason="Agreed by letter", at=AT, by=coder)

    assert [item.pk for item in kept] == [before[1].pk]


def test_session_captured_while_the_others_are_compared_is_not_listed(course, coder) -> None:
    version = make_policy_version(Payer.objects.get(), terms={"bid": "59"}, effective_from=FIRST)
    list_recapture(version=version, by=coder)

    def captured_meanwhile(job, progress) -> None:
        def capture_and_tell(done: int, total: int) -> None:
            capture_charges(patient=course.patient, date_of_service=date(2025, 12, 3), by=coder)
            progress(done, total)

        capture_and_tell.hold = progress.hold
        KINDS["list_recapture"](job, capture_and_tell)

    work_off(kinds={"list_recapture": captured_meanwhile})

    assert [item.session.date_of_service.day for item in items()] == [10]


# Pages


def posted(client, name: str, **data):
    return client.post(reverse(name), data)


def test_page_lists_what_waits_and_menu_and_home_count_it(course, coder, client) -> None:
    published(coder, bid="59")
    client.force_login(coder)

    page = client.get(reverse("recapture-list"))
    home = client.get(reverse("dashboard-needs"))

    assert [row.item.session.date_of_service.day for row in page.context["page"].rows] == [10, 3]
    assert "Sessions to capture again" in home.content.decode()
    assert ("Sessions to capture again", 2) in [
        (number.label, number.count) for number in home.context["content"]["numbers"]
    ]


def test_page_narrows_by_version_and_exported_lines(course, coder, client) -> None:
    sent = ChargeLine.objects.get(code="77386", modifiers=["76"], date_of_service=date(2025, 12, 3))
    mark_exported(lines=[sent], by=coder)
    version = published(coder, bid="59")
    client.force_login(coder)

    page = client.get(reverse("recapture-list"), {"cause": f"version-{version.pk}", "sent": "sent"})

    assert [row.item.session.date_of_service.day for row in page.context["page"].rows] == [3]


def test_page_asks_a_fixed_number_of_queries(course, coder, client, django_assert_max_num_queries) -> None:
    for number, hour in ((5, 13), (6, 20)):
        make_session(course, fraction=number, started_at=datetime(2025, 12, 11, hour, tzinfo=UTC))
    capture_from(patient=course.patient, day=FIRST, by=coder)
    published(coder, bid="59")
    client.force_login(coder)

    with django_assert_max_num_queries(22):
        page = client.get(reverse("recapture-list"))

    assert len(page.context["page"].rows) == 3


def test_preview_says_what_is_drafted_beside_exported_lines(course, coder, client) -> None:
    sent = ChargeLine.objects.get(code="77386", modifiers=["76"], date_of_service=date(2025, 12, 3))
    mark_exported(lines=[sent], by=coder)
    published(coder, bid="59")
    client.force_login(coder)

    answer = posted(client, "recapture-preview", action="capture", item=[item.pk for item in items()])

    text = " ".join(answer.content.decode().split())
    assert "2 sessions will be captured again" in text
    assert "1 exported line stays as it was sent" in text


def test_preview_of_all_takes_what_the_filters_leave(course, coder, client) -> None:
    published(coder, bid="59")
    client.force_login(coder)

    answer = posted(client, "recapture-preview", action="capture", all="1", query="start=2025-12-05")

    assert (answer.context["preview"].number, answer.context["preview"].is_all) == (1, True)


def test_carrying_out_captures_the_ticked_sessions(course, coder, client) -> None:
    published(coder, bid="59")
    client.force_login(coder)

    answer = posted(client, "recapture-carry-out", action="capture", item=items()[0].pk, query="sent=")

    assert answer.status_code == 302
    assert [item.state for item in items()] == ["captured", "open"]


def test_carrying_out_many_asks_the_worker(course, coder, client, monkeypatch) -> None:
    monkeypatch.setattr("coding.views.recapture.CAPTURED_AT_ONCE", 1)
    published(coder, bid="59")
    client.force_login(coder)

    posted(client, "recapture-carry-out", action="capture", all="1", query="")

    page = client.get(reverse("recapture-list"))
    assert [running.job.kind for running in page.context["jobs"]] == ["capture_again"]
    assert [item.state for item in items()] == ["open", "open"]


def test_work_that_failed_is_told_and_asked_for_once_more(course, coder, client) -> None:
    version = make_policy_version(Payer.objects.get(), terms={"bid": "59"}, effective_from=FIRST)
    job = list_recapture(version=version, by=coder)
    Job.objects.filter(pk=job.pk).update(state="failed", ended_at=AT, problem="The log names it.")
    client.force_login(coder)
    told = client.get(reverse("recapture-list")).content.decode()

    client.post(reverse("recapture-ask-again", args=[job.pk]))
    work_off(kinds=KINDS)

    assert "The log names it." in told
    assert "The log names it." not in client.get(reverse("recapture-list")).content.decode()
    assert len(items()) == 2


def test_keeping_without_a_reason_is_refused_at_the_field(course, coder, client) -> None:
    published(coder, bid="59")
    client.force_login(coder)

    answer = posted(client, "recapture-carry-out", action="keep", item=items()[0].pk, reason=" ")

    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == ["reason"]


def test_keeping_is_undone_on_the_page(course, coder, client) -> None:
    published(coder, bid="59")
    client.force_login(coder)
    posted(client, "recapture-carry-out", action="keep", item=items()[0].pk, reason="Agreed by letter")
    kept = [item.state for item in items()]

    posted(client, "recapture-set-back", item=items()[0].pk)

    assert (kept, [item.state for item in items()]) == (["kept", "open"], ["open", "open"])


def test_unknown_action_is_refused(course, coder, client) -> None:
    client.force_login(coder)

    answer = posted(client, "recapture-preview", action="forget")

    assert answer.status_code == 400


def test_person_of_another_department_sees_no_item(course, coder, client) -> None:
    published(coder, bid="59")
    other = make_user(coder.organization, role="coder", sees_all_departments=False)
    other.departments.set([make_department(coder.organization)])
    client.force_login(other)

    listed = client.get(reverse("recapture-list")).context["page"].rows
    posted(client, "recapture-carry-out", action="keep", item=[item.pk for item in items()], reason="Not mine")

    assert listed == []
    assert [item.state for item in items()] == ["open", "open"]


def test_person_of_another_organization_moves_no_item(course, coder, client) -> None:
    published(coder, bid="59")
    client.force_login(make_user(make_organization(), role="coder"))

    posted(client, "recapture-carry-out", action="capture", item=[item.pk for item in items()])

    assert [item.state for item in items()] == ["open", "open"]


def test_session_page_says_that_it_is_to_be_captured_again(course, coder, client) -> None:
    published(coder, bid="59")
    client.force_login(coder)

    page = client.get(reverse("session-detail", args=[items()[0].session_id]))

    assert "be captured again: Payer" in " ".join(page.content.decode().split())
