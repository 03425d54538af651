"""The preview of other terms: which sessions would change, what it counts, and that it keeps nothing."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from coding.engine.terms import PolicyTerms
from coding.models import ChargeLine, SessionHold, SessionRuling
from coding.policy_preview import PolicyPreview, preview_in_steps, preview_policy
from coding.services import capture_from, mark_exported, recapture_for_policy
from payers.models import PayerPolicy, PolicyVersion
from portal.models import AuditEvent, Course
from tests.builders import make_organization, make_policy_version, make_session, make_treated_course, make_user

pytestmark = pytest.mark.django_db
FIRST, LAST = date(2025, 12, 1), date(2025, 12, 31)


@pytest.fixture
def organization():
    return make_organization()


@pytest.fixture
def coder(organization):
    return make_user(organization)


@pytest.fixture
def course(organization, coder) -> Course:
    """Two twice-treated days, 12/03 and 12/10, all captured."""
    course = make_treated_course(organization)
    course.prescriptions.update(sessions_a_day=2)
    for number, (day, hour) in enumerate([(3, 13), (3, 20), (10, 13), (10, 20)], start=1):
        make_session(course, fraction=number, started_at=datetime(2025, 12, day, hour, tzinfo=UTC))
    capture_from(patient=course.patient, day=FIRST, by=coder)
    return course


@pytest.fixture
def policy(course) -> PayerPolicy:
    return PayerPolicy.objects.get()


def draft(policy: PayerPolicy, effective_from: date = FIRST, **terms) -> PolicyTerms:
    return PolicyTerms(policy=policy.payer.slug, version="a draft", effective_from=effective_from, **terms)


def preview_json(*arguments: str) -> dict:
    out = StringIO()
    call_command("preview_policy", *arguments, "--json", stdout=out)
    return json.loads(out.getvalue())


def test_preview_names_only_the_sessions_that_change(policy) -> None:
    preview = preview_policy(policy=policy, draft=draft(policy, bid="59"), first=FIRST, last=LAST)

    assert preview.sessions == 4
    assert [row.session.date_of_service.day for row in preview.rows] == [3, 10]
    assert preview.rows[0].lines == (
        "77386-76 x1 rev 0333 + 77014-26-76 x1 pos 22",
        "77386-59 x1 rev 0333 + 77014-26-59 x1 pos 22",
    )


def test_preview_leaves_days_before_the_draft_alone(policy) -> None:
    preview = preview_policy(policy=policy, draft=draft(policy, date(2025, 12, 5), bid="59"), first=FIRST, last=LAST)

    assert preview.sessions == 4
    assert [row.session.date_of_service.day for row in preview.rows] == [10]


def test_preview_gives_way_to_a_version_that_begins_later(policy) -> None:
    make_policy_version(policy.payer, effective_from=date(2025, 12, 5))

    preview = preview_policy(policy=policy, draft=draft(policy, bid="59"), first=FIRST, last=LAST)

    assert [row.session.date_of_service.day for row in preview.rows] == [3]


def test_preview_counts_holds_that_appear(policy) -> None:
    preview = preview_policy(policy=policy, draft=draft(policy, min_gap=480), first=FIRST, last=LAST)

    assert (preview.holds_added, preview.holds_removed) == (2, 0)
    assert preview.rows[0].holds_added == ["BID_GAP"]


def test_preview_counts_lines_that_were_sent(policy, coder) -> None:
    sent = ChargeLine.objects.get(code="77386", modifiers=["76"], date_of_service=date(2025, 12, 3))
    mark_exported(lines=[sent], by=coder)

    preview = preview_policy(policy=policy, draft=draft(policy, bid="59"), first=FIRST, last=LAST)

    assert preview.exported_affected == 1


def test_preview_of_a_modifier_without_a_rate_of_its_own_changes_no_amount(policy) -> None:
    preview = preview_policy(policy=policy, draft=draft(policy, bid="59"), first=FIRST, last=LAST)

    assert preview.amount_difference == Decimal(0)


def test_preview_says_what_publishing_then_does(policy, coder) -> None:
    preview = preview_policy(policy=policy, draft=draft(policy, bid="59"), first=FIRST, last=LAST)

    make_policy_version(policy.payer, effective_from=FIRST, terms={"bid": "59"})
    recapture_for_policy(policy=policy, since=FIRST, by=coder)

    live = ChargeLine.objects.live().order_by("role", "id")
    stored = {
        row.session.pk: " + ".join(str(line) for line in live.filter(session=row.session)) for row in preview.rows
    }
    foretold = {row.session.pk: row.lines[1].replace(" rev 0333", "").replace(" pos 22", "") for row in preview.rows}
    assert stored == foretold


def test_preview_stores_nothing(policy) -> None:
    def everything() -> list[int]:
        return [model.objects.count() for model in (ChargeLine, SessionRuling, SessionHold, AuditEvent, PolicyVersion)]

    before = everything()

    preview_policy(policy=policy, draft=draft(policy, bid="units"), first=FIRST, last=LAST)

    assert everything() == before


def test_preview_in_steps_tells_how_far_it_is(policy) -> None:
    preview = PolicyPreview()

    steps = list(preview_in_steps(preview, policy=policy, draft=draft(policy), first=FIRST, last=LAST))

    assert steps == [(1, 1)]


def test_preview_asks_a_fixed_number_of_queries(policy, organization, coder, django_assert_num_queries) -> None:
    more = make_treated_course(organization, payer=policy.payer)
    make_session(more, fraction=1, started_at=datetime(2025, 12, 4, 13, tzinfo=UTC))

    with django_assert_num_queries(14):
        preview_policy(policy=policy, draft=draft(policy, bid="59"), first=FIRST, last=LAST)


def test_command_counts_are_those_of_its_rows(policy) -> None:
    told = preview_json(
        *("--payer", policy.payer.slug, "--set", "bid=59", "--effective-from", "2025-12-01"),
        *("--from", "2025-12-01", "--until", "2025-12-31"),
    )

    assert (told["sessions"], told["changed"], len(told["rows"])) == (4, 2, 2)
    assert told["amount_difference"] == "0"
    assert set(told["rows"][0]) == {
        "session",
        "date_of_service",
        "lines_before",
        "lines_after",
        "findings_before",
        "findings_after",
    }


def test_command_refuses_a_term_that_is_none(policy) -> None:
    with pytest.raises(CommandError, match="min_gapp"):
        preview_json("--payer", policy.payer.slug, "--set", "min_gapp=9", "--effective-from", "2025-12-01")


def test_command_refuses_an_unknown_payer(policy) -> None:
    with pytest.raises(CommandError, match="nobody"):
        preview_json("--payer", "nobody", "--effective-from", "2025-12-01")
