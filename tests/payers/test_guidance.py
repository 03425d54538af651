"""Guidance and code pages say what the engine does, for each payer, before and after the change of codes."""

import re
from datetime import UTC, date, datetime

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from coding.codebook_files import load_codebook
from coding.engine.code_session import code_session
from coding.engine.facts import AuthorizationFacts, EarlierSession, SessionFacts
from coding.engine.terms import TERMS
from coding.engine.vocabulary import ClaimForm, Guidance, PayerKind, Setting, Technique
from payers.guidance import Enquiry, payer_book, payer_books
from payers.models import GuidanceReading, Payer
from payers.pack_services import install_packs
from payers.reading_services import ask_readers, record_reading
from payers.services import mark_published
from portal.models import Organization
from tests.builders import make_department, make_organization, make_payer, make_policy_version, make_user

PAYERS = (
    "medicare",
    "aetna",
    "bcbs",
    "cigna",
    "unitedhealthcare",
    "unitedhealthcare-ma",
    "humana-ma",
    "medicaid",
    "workers-compensation",
)
LAST_OLD, FIRST_NEW = date(2025, 12, 30), date(2026, 1, 5)
pytestmark = pytest.mark.django_db


@pytest.fixture
def organization() -> Organization:
    organization = make_organization()
    install_packs(organization=organization, by=None)
    return organization


@pytest.fixture
def coder(organization, roles, client) -> Client:
    client.force_login(make_user(organization, role="coder"))
    return client


def words_of(response) -> str:
    """The page as people read it: no tags, single spaces."""
    text = re.sub(r"<[^>]+>", " ", response.content.decode())
    return " ".join(text.split())


def case(payer: str, /, **changes: str) -> dict[str, str]:
    """The query of a case that is in order."""
    return {
        "payer": payer,
        "date_of_service": "2025-12-30",
        "coded_on": "2026-01-02",
        "setting": "hospital_on_campus",
        "technique": "imrt_complex",
        "isocenters": "single",
        "motion": "none",
        "guidance": "cbct",
        "completion": "complete",
        "session_of_day": "1",
        "physician": "same",
        "authorization": "on_file",
        "diagnoses": "C02.1",
    } | changes


@pytest.mark.parametrize("on", [LAST_OLD, FIRST_NEW])
@pytest.mark.parametrize("slug", PAYERS)
@pytest.mark.parametrize("setting", [Setting.ON_CAMPUS, Setting.FREESTANDING])
def test_guidance_page_shows_the_lines_of_the_engine(coder, organization, slug, on, setting):
    payer = Payer.objects.get(organization=organization, slug=slug)
    version = payer.policy.versions.in_force(on=on).with_terms().first()
    hospital = (ClaimForm.INSTITUTIONAL, ClaimForm.PROFESSIONAL)
    facts = SessionFacts(
        date_of_service=on,
        coded_on=on,
        setting=setting,
        claim_forms=(ClaimForm.GLOBAL,) if setting is Setting.FREESTANDING else hospital,
        payer=slug,
        payer_kind=PayerKind(payer.kind),
        technique=Technique.IMRT_COMPLEX,
        guidance=Guidance.CBCT,
        diagnoses=("C02.1",),
    )
    ruling = code_session(facts, version.as_terms(), load_codebook())

    response = coder.get(reverse("guidance-detail", args=[slug]), {"on": on.isoformat(), "setting": setting.value})

    page = response.context["page"]
    assert [(line.code, line.modifiers, line.units) for line in page["usual"].lines] == [
        (charge.code, charge.modifiers, charge.units) for charge in ruling.charges
    ]
    assert dict(page["glance"])["Delivery"] == ruling.charges[0].code


@pytest.mark.parametrize("slug", PAYERS)
def test_guidance_page_has_an_anchor_for_every_term(coder, slug):
    page = coder.get(reverse("guidance-detail", args=[slug])).content.decode()

    assert all(f'id="term-{key}"' in page for key in TERMS)


@pytest.mark.parametrize(
    ("slug", "on", "said"),
    [
        ("medicare", LAST_OLD, "First claim by 12/30/2026"),
        ("aetna", LAST_OLD, "First claim by 04/29/2026"),
        ("unitedhealthcare", FIRST_NEW, "First claim by 04/05/2026"),
        ("cigna", FIRST_NEW, "First claim by 04/05/2026"),
        ("bcbs", FIRST_NEW, "First claim by no limit known"),
        ("medicare", LAST_OLD, "Authorization not needed"),
        ("workers-compensation", FIRST_NEW, "Authorization needed"),
    ],
)
def test_guidance_page_at_a_glance(coder, slug, on, said):
    response = coder.get(reverse("guidance-detail", args=[slug]), {"on": on.isoformat()})

    assert said in words_of(response)


@pytest.mark.parametrize(
    ("day", "said"),
    [
        ("2026-02-28", "In force: version from 01/01/2026"),
        ("2026-03-01", "In force: version from 03/01/2026"),
        ("2025-12-31", "In force: version from 01/01/2015"),
    ],
)
def test_guidance_page_takes_the_version_of_the_date(coder, day, said):
    response = coder.get(reverse("guidance-detail", args=["unitedhealthcare"]), {"on": day})

    assert said in words_of(response)


def test_guidance_page_before_any_version_says_so(coder):
    response = coder.get(reverse("guidance-detail", args=["aetna"]), {"on": "2014-12-31"})

    assert "No published policy of this payer is in force on 12/31/2014" in words_of(response)


def test_guidance_page_of_a_date_that_is_none_says_so_and_shows_today(coder):
    response = coder.get(reverse("guidance-detail", args=["aetna"]), {"on": "yesterday"})

    assert response.status_code == 422
    assert "There is a problem" in words_of(response)
    assert response.context["page"]["on"] == date(2026, 11, 24)


def test_guidance_page_of_bcbs_lists_its_plans(coder):
    response = coder.get(reverse("guidance-detail", args=["bcbs"]))

    assert "Massachusetts: Carelon" in words_of(response)


def test_guidance_page_marks_the_confidence_of_a_clause(coder):
    response = coder.get(reverse("guidance-detail", args=["medicaid"]))

    assert "confidence low" in words_of(response)


def test_guidance_page_shows_what_changed_between_versions(coder):
    response = coder.get(reverse("guidance-detail", args=["unitedhealthcare"]))

    version, changes = response.context["page"]["changes"][0]
    assert version.effective_from == date(2026, 3, 1)
    assert changes[0].label == "26 on the guidance line"
    assert (changes[0].before, changes[0].after) == ("silent: house default", "with 26")


@pytest.mark.parametrize("slug", PAYERS)
def test_guidance_page_writes_days_of_documents_as_billers_do(coder, slug):
    words = words_of(coder.get(reverse("guidance-detail", args=[slug])))

    assert re.findall(r"\b(?:19|20)\d\d-\d\d\b", words) == []


def test_guidance_page_of_another_organization_is_not_found(coder):
    make_payer(make_organization(), slug="theirs")

    response = coder.get(reverse("guidance-detail", args=["theirs"]))

    assert response.status_code == 404


def test_guidance_page_refuses_a_person_without_a_role(organization, roles, client):
    client.force_login(make_user(organization))

    response = client.get(reverse("guidance-list"))

    assert response.status_code == 403


def test_guidance_list_asks_the_same_number_of_queries_however_many_payers(
    coder, organization, django_assert_max_num_queries
):
    make_payer(organization)
    make_payer(organization)

    with django_assert_max_num_queries(20) as captured:
        response = coder.get(reverse("guidance-list"))
    few = len(captured)
    Payer.objects.filter(organization=organization, slug__startswith="payer-").update(is_active=False)
    with django_assert_max_num_queries(few):
        coder.get(reverse("guidance-list"))

    assert len(response.context["rows"]) == 11


def test_guidance_list_without_payers_says_what_to_do(roles, client):
    client.force_login(make_user(make_organization(), role="coder"))

    response = client.get(reverse("guidance-list"))

    assert "No payers yet" in words_of(response)


def test_payer_books_reads_in_four_queries(organization, django_assert_num_queries):
    with django_assert_num_queries(4):
        books = payer_books(organization)
        terms = [book.version_on(FIRST_NEW).as_terms() for book in books]

    assert len(terms) == 9


def test_enquiry_finds_no_authorization_hold_where_none_is_needed(organization):
    medicare = payer_book(Payer.objects.get(organization=organization, slug="medicare"))
    enquiry = Enquiry.of(medicare, on=FIRST_NEW, codebook=load_codebook())

    names = {finding.name for _, finding in enquiry.findings_by_situation(Setting.ON_CAMPUS)}

    assert not names & {"AUTH_MISSING", "AUTH_EXPIRED", "AUTH_UNITS_EXCEEDED", "AUTH_CODE_MISMATCH"}
    assert {"BID_GAP", "SAME_SESSION", "LEVEL3_DOCUMENTATION", "CODE_DELETED", "TIMELY_FILING"} <= names


@pytest.mark.parametrize(("slug", "is_held"), [("unitedhealthcare", False), ("aetna", True)])
def test_enquiry_holds_an_old_authorization_unless_the_payer_converts(organization, slug, is_held):
    book = payer_book(Payer.objects.get(organization=organization, slug=slug))
    enquiry = Enquiry.of(book, on=FIRST_NEW, codebook=load_codebook())

    ruling = enquiry.answer(authorization=AuthorizationFacts(codes=("77386",)))

    assert ("AUTH_CODE_MISMATCH" in {finding.name for finding in ruling.findings}) is is_held


@pytest.mark.parametrize(("day", "last_day"), [(date(2015, 9, 30), "141.2"), (date(2015, 10, 1), "C02.1")])
def test_enquiry_takes_the_diagnosis_of_the_code_set_of_the_date(organization, day, last_day):
    book = payer_book(Payer.objects.get(organization=organization, slug="medicare"))
    enquiry = Enquiry.of(book, on=day, codebook=load_codebook())

    assert enquiry.facts().diagnoses == (last_day,)
    assert not [finding for finding in enquiry.answer().findings if finding.severity != "note"]


def test_code_list_has_every_code_that_is_charged(coder):
    response = coder.get(reverse("code-list"))

    codes = {row["code"].code for row in response.context["rows"]}
    assert codes >= {"77385", "77386", "77387", "77402", "77407", "77412", "G6015", "G6016", "77014"}


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("77386", "The last date of service of 77386 was 12/31/2025"),
        ("77386", "1 unit a patient's day"),
        ("77386", "26 is absent: 77386 is technical only"),
        ("77386", "$578.47"),
        ("77407", "$394.05"),
        ("77407", "one isocenter without active motion management, level 2"),
        ("77412", "more than one isocenter, level 3"),
        ("77402", "The portal chooses it for no session by itself"),
        ("G6015", "missing"),
        ("G6016", "IMRT with a physical compensator"),
        ("77387", "It has a professional part"),
        ("77385", "2085R0001X"),
    ],
)
def test_code_page_says(coder, code, said):
    response = coder.get(reverse("code-detail", args=[code]))

    assert said in words_of(response)


def test_code_page_gives_each_payers_position_as_the_engine_has_it(coder):
    response = coder.get(reverse("code-detail", args=["G6015"]), {"on": "2025-12-30"})

    takes = {p.payer.slug: [setting for setting, _ in p.takes] for p in response.context["page"]["positions"]}
    assert takes["medicare"] == ["Hospital, off campus, nonexcepted", "Freestanding center"]
    assert takes["aetna"] == []
    assert takes["humana-ma"] == ["Hospital, off campus, nonexcepted", "Freestanding center"]


def test_code_page_after_its_last_day_has_no_payer_that_takes_it(coder):
    response = coder.get(reverse("code-detail", args=["77386"]), {"on": "2026-01-01"})

    assert all(not position.takes for position in response.context["page"]["positions"])


@pytest.mark.parametrize("code", ["99999", "77418"])
def test_code_page_of_a_code_that_is_not_charged_is_not_found(coder, code):
    assert coder.get(reverse("code-detail", args=[code])).status_code == 404


def test_transition_page_sets_both_sides_beside_each_other(coder):
    response = coder.get(reverse("code-transition"))

    page = response.context["page"]
    sides = {label: (before.lines, after.lines) for label, before, after in page["kinds"]}
    before, after = sides["IMRT with active motion management"]
    assert page["payer"].slug == "medicare"
    assert (before[0].code, after[0].code) == ("77386", "77412")
    assert sides["3D conformal, one isocenter"][0] == ()


def test_transition_page_says_where_each_payer_stands(coder):
    response = coder.get(reverse("code-transition"), {"payer": "aetna", "setting": "freestanding"})

    stands = {stand["payer"].slug: stand for stand in response.context["page"]["payers"]}
    assert stands["unitedhealthcare"]["authorization"] == "The payer converts old ones"
    assert stands["aetna"]["authorization"] == "Held until the payer has converted it"
    assert stands["medicare"]["authorization"] == "None needed"
    assert stands["aetna"]["deadline"] == "04/30/2026"
    assert stands["aetna"]["is_late"]
    assert not stands["medicare"]["is_late"]


def test_transition_page_without_payers_says_what_to_do(roles, client):
    client.force_login(make_user(make_organization(), role="coder"))

    assert "No payers yet" in words_of(client.get(reverse("code-transition")))


def test_try_a_case_shows_lines_and_steps(coder):
    response = coder.get(reverse("try-a-case"), case("medicare", setting="freestanding"))

    assert [line.code for line in response.context["answer"]["lines"]] == ["G6015", "77014"]
    assert f"{reverse('guidance-detail', args=['medicare'])}?on=2025-12-30#term-freestanding_code" in (
        response.content.decode()
    )


def test_try_a_case_counts_a_second_session(coder, organization):
    query = case("medicare", session_of_day="2", minutes_since_previous="400", physician="another")

    response = coder.get(reverse("try-a-case"), query)

    book = payer_book(Payer.objects.get(organization=organization, slug="medicare"))
    asked = Enquiry.of(book, on=LAST_OLD, codebook=load_codebook()).answer(
        earlier_sessions=(EarlierSession(400, is_same_physician=False),)
    )
    assert [line.modifiers for line in response.context["answer"]["lines"]] == [c.modifiers for c in asked.charges]
    assert response.context["answer"]["lines"][0].modifiers == ("77",)


def test_try_a_case_fragment_has_no_frame(coder):
    response = coder.get(reverse("try-a-case"), case("aetna"), headers={"HX-Request": "true"})

    assert response.status_code == 200
    assert "<html" not in response.content.decode()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"date_of_service": ""}, "Date of service: This field is required."),
        ({"date_of_service": "1999-12-31"}, "Date of service"),
        ({"session_of_day": "2"}, "Say how long after the previous session it started."),
        ({"minutes_since_previous": "-5", "session_of_day": "2"}, "Minutes since the previous session"),
        ({"diagnoses": "C02.1 <script>"}, "does not look like a diagnosis code"),
        ({"payer": "nobody"}, "Payer: Select a valid choice"),
        ({"technique": "magic"}, "Technique: Select a valid choice"),
    ],
)
def test_try_a_case_refuses_and_keeps_what_was_typed(coder, changes, said):
    response = coder.get(reverse("try-a-case"), case("aetna", **changes))

    assert response.status_code == 422
    assert said in words_of(response)
    assert 'value="2026-01-02"' in response.content.decode()


def test_try_a_case_with_no_question_shows_the_form(coder):
    response = coder.get(reverse("try-a-case"))

    assert response.status_code == 200
    assert "appear here" in words_of(response)


def test_try_a_case_of_another_organizations_payer_is_refused(coder):
    make_payer(make_organization(), slug="theirs")

    assert coder.get(reverse("try-a-case"), case("theirs")).status_code == 422


# The person's own department


def test_guidance_page_speaks_of_the_persons_own_department(coder, organization):
    department = make_department(organization, "freestanding", name="River Center")

    response = coder.get(reverse("guidance-detail", args=["medicare"]), {"on": "2025-12-30"})

    glance = dict(response.context["page"]["glance"])
    assert (glance["Department"], glance["Setting"]) == ("River Center", "Freestanding center")
    assert (glance["Claim forms"], glance["Delivery"]) == ("Global", "G6015")
    assert response.context["page"]["place"].asked == f"department-{department.pk}"


def test_guidance_page_of_a_department_takes_its_setting_on_the_date(coder, organization):
    department = make_department(organization)
    department.statuses.create(setting="hospital_off_campus_excepted", effective_from=date(2026, 1, 1))
    address, place = reverse("guidance-detail", args=["medicare"]), f"department-{department.pk}"

    before = coder.get(address, {"on": "2025-12-31", "setting": place})
    after = coder.get(address, {"on": "2026-01-01", "setting": place})

    assert before.context["page"]["setting_label"] == "Hospital, on campus"
    assert after.context["page"]["setting_label"] == "Hospital, off campus, excepted"


def test_guidance_page_of_a_department_shows_the_lines_that_it_bills(coder, organization):
    department = make_department(organization)
    department.billers.filter(claim_form="professional").delete()

    response = coder.get(
        reverse("guidance-detail", args=["medicare"]), {"on": "2026-01-05", "setting": f"department-{department.pk}"}
    )

    assert {line.claim_form for line in response.context["page"]["usual"].lines} == {"Institutional"}


def test_guidance_page_of_a_department_before_its_first_setting_says_so(coder, organization):
    department = make_department(organization, name="River Center")
    query = {"on": "2009-12-31", "setting": f"department-{department.pk}"}

    response = coder.get(reverse("guidance-detail", args=["medicare"]), query)

    assert response.status_code == 422
    assert "River Center has no setting on 12/31/2009" in words_of(response)


def test_guidance_page_offers_only_departments_that_the_person_sees(coder, organization):
    elsewhere = make_department(make_organization())

    response = coder.get(reverse("guidance-detail", args=["medicare"]), {"setting": f"department-{elsewhere.pk}"})

    assert response.status_code == 422


# Alerts, free text, what comes, what is overdue


@pytest.fixture
def payer(organization) -> Payer:
    return make_payer(organization, slug="example", name="Example Health")


def page_of(coder: Client, on: str):
    return coder.get(reverse("guidance-detail", args=["example"]), {"on": on})


@pytest.mark.parametrize(
    ("on", "said"),
    [
        ("2026-02-28", "Coming, from 03/01/2026 through 03/31/2026: Portal closed."),
        ("2026-03-01", "From 03/01/2026 through 03/31/2026: Portal closed."),
        ("2026-03-31", "From 03/01/2026 through 03/31/2026: Portal closed."),
    ],
)
def test_guidance_page_shows_an_alert_on_its_days_and_says_that_it_comes(coder, payer, on, said):
    version = make_policy_version(payer, publish=False)
    version.clauses.create(
        topic="alerts",
        summary="Portal closed.",
        citation_title="Bulletin",
        alert_from=date(2026, 3, 1),
        alert_until=date(2026, 3, 31),
    )
    publish(version)

    assert said in words_of(page_of(coder, on))


def test_guidance_page_leaves_out_an_alert_whose_days_are_over(coder, payer):
    version = make_policy_version(payer, publish=False)
    version.clauses.create(
        topic="alerts", summary="Portal closed.", citation_title="Bulletin", alert_until=date(2026, 3, 31)
    )
    publish(version)

    assert "Portal closed." not in words_of(page_of(coder, "2026-04-01"))


def test_guidance_page_shows_the_free_text_and_runs_no_html_of_it(coder, payer):
    make_policy_version(payer, guidance="## Before the first session\n\nCall **early**. <script>alert(1)</script>")

    page = page_of(coder, "2026-01-05").content.decode()

    assert "<strong>early</strong>" in page
    assert "<script>alert(1)</script>" not in page


def test_guidance_page_tells_which_version_comes_next(coder, payer):
    make_policy_version(payer)
    make_policy_version(payer, effective_from=date(2026, 3, 1), summary="76 no longer.")

    assert "Another version applies from 03/01/2026 on: 76 no longer." in words_of(page_of(coder, "2026-02-28"))
    assert "Another version applies" not in words_of(page_of(coder, "2026-03-01"))


def test_guidance_page_marks_a_statement_whose_review_is_overdue(coder, payer):
    version = make_policy_version(payer, publish=False)
    version.clauses.create(topic="short", summary="Old news.", citation_title="Manual", reviewed_on=date(2024, 1, 15))
    version.clauses.create(topic="short", summary="Fresh news.", citation_title="Manual")
    publish(version)

    said = words_of(page_of(coder, "2026-01-05"))

    assert "compared on 01/15/2024 review overdue" in said
    assert said.count("review overdue") == 1


def test_guidance_page_asks_the_same_number_of_queries_however_many_versions(coder, payer):
    make_policy_version(payer, terms={"bid": "76"})
    make_policy_version(payer, terms={"bid": "59"}, effective_from=date(2026, 1, 1))
    with CaptureQueriesContext(connection) as few:
        page_of(coder, "2026-01-05")
    make_policy_version(payer, terms={"bid": "76"}, effective_from=date(2026, 2, 1))
    make_policy_version(payer, terms={"bid": "59"}, effective_from=date(2026, 3, 1))

    with CaptureQueriesContext(connection) as many:
        page_of(coder, "2026-01-05")

    assert len(many) <= len(few)


# What is new since the last reading


def publish(version) -> None:
    mark_published(version, at=datetime(2026, 11, 24, 12, tzinfo=UTC), by=None)


@pytest.fixture
def reader(organization, coder):
    return organization.users.get(groups__name="coder")


def test_guidance_page_read_for_the_first_time_marks_itself(coder, payer):
    make_policy_version(payer)

    page = coder.get(reverse("guidance-detail", args=["example"])).content.decode()

    assert 'hx-trigger="load delay:2s, submit"' in page
    assert "Mark as read" in page


def test_guidance_page_is_not_marked_as_read_by_looking(coder, payer):
    make_policy_version(payer)

    coder.get(reverse("guidance-detail", args=["example"]))

    assert not GuidanceReading.objects.exists()


def test_guidance_read_is_kept_and_told(coder, payer, reader):
    version = make_policy_version(payer)

    response = coder.post(reverse("guidance-read", args=["example"]), {"version": version.pk}, follow=True)

    assert GuidanceReading.objects.get(user=reader).version == version
    assert "You read this version on" in words_of(response)


def test_guidance_read_answers_a_script_with_a_fragment(coder, payer):
    version = make_policy_version(payer)

    response = coder.post(
        reverse("guidance-read", args=["example"]), {"version": version.pk}, headers={"HX-Request": "true"}
    )

    assert "<html" not in response.content.decode()
    assert "You read this version on" in words_of(response)


@pytest.mark.parametrize("key", ["", "x", "0"])
def test_guidance_read_of_no_version_is_not_found(coder, payer, key):
    assert coder.post(reverse("guidance-read", args=["example"]), {"version": key}).status_code == 404


def test_guidance_read_of_a_draft_is_not_found(coder, payer):
    draft = make_policy_version(payer, publish=False)

    assert coder.post(reverse("guidance-read", args=["example"]), {"version": draft.pk}).status_code == 404


def test_guidance_page_tells_what_changed_since_it_was_read(coder, payer, reader):
    record_reading(
        version=make_policy_version(payer, terms={"bid": "76"}), at=datetime(2026, 11, 2, 15, tzinfo=UTC), by=reader
    )
    make_policy_version(payer, terms={"bid": "59"}, effective_from=date(2026, 6, 1))

    response = coder.get(reverse("guidance-detail", args=["example"]))

    said = words_of(response)
    assert "Changed since you last read this page, on 11/02/2026" in said
    assert response.context["reading"]["changes"][0].label == "A second session of the day"
    assert "load delay" not in response.content.decode()


def test_guidance_page_of_another_day_tells_no_news(coder, payer, reader):
    record_reading(
        version=make_policy_version(payer, terms={"bid": "76"}), at=datetime(2026, 11, 2, 15, tzinfo=UTC), by=reader
    )
    make_policy_version(payer, terms={"bid": "59"}, effective_from=date(2026, 6, 1))

    response = page_of(coder, "2026-05-31")

    assert response.context["reading"] == {}


def test_guidance_page_asks_its_reader_to_attest(coder, payer, reader):
    version = make_policy_version(payer, terms={"bid": "59"})
    ask_readers(version=version, at=datetime(2026, 11, 24, 12, tzinfo=UTC))

    said = words_of(coder.get(reverse("guidance-detail", args=["example"])))

    assert "Example Health changed what applies here" in said
    assert "Mark as read" not in said


def test_guidance_page_of_a_version_that_was_compared_again_says_when(organization, coder, payer):
    version = make_policy_version(payer, terms={"bid": "59"}, reviewed_on=date(2024, 1, 15))
    version.reviews.create(
        reviewed_on=date(2026, 11, 20),
        by=make_user(organization, role="admin"),
        at=datetime(2026, 11, 20, 15, tzinfo=UTC),
    )

    response = page_of(coder, "2026-01-05")

    assert "Compared with its sources on 11/20/2026" in words_of(response)
    assert "overdue" not in words_of(response)
    assert [citation.reviewed_on for citation, _ in response.context["page"]["sources"]] == [date(2026, 11, 20)]
