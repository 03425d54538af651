"""Any facts and terms that the portal may hand to the engine, likely ones and odd ones."""

from datetime import date, timedelta

from hypothesis import strategies as st

from coding.engine.facts import AuthorizationFacts, ChargedUnits, EarlierSession, SessionFacts
from coding.engine.terms import PolicyTerms
from coding.engine.vocabulary import (
    BeneficiaryNotice,
    ClaimForm,
    Completion,
    Guidance,
    Isocenters,
    MotionManagement,
    PayerKind,
    Setting,
    Technique,
)
from tests.engine.builders import KINDS

# Days on which a rule changes, and their neighbours, beside any other day.
SEAMS = [date(2015, 1, 1), date(2015, 10, 1), date(2016, 1, 1), date(2017, 1, 1), date(2025, 10, 1), date(2026, 1, 1)]
DAYS = st.one_of(
    st.sampled_from([seam + timedelta(days=shift) for seam in SEAMS for shift in (-1, 0, 1)]),
    st.dates(date(2014, 6, 1), date(2027, 12, 31)),
    st.dates(date(2025, 6, 1), date(2026, 9, 30)),
)
CODES = ["77385", "77386", "77387", "77014", "G6001", "G6002", "G6015", "G6016", "G6017", "77402", "77407", "77412"]
CODES += ["77418", "77373", "77301", "77334", "77427", "99999"]
MODIFIERS = ["26", "TC", "52", "PO", "PN", "59", "XE", "76", "77", "GA", "GZ", "GY", "GC", "Q5", "Q6"]
MODIFIERS += ["22", "53", "73", "74", "KX", "??"]
DIAGNOSES = ["C02.1", "C50.412", "C61", "C34.12", "C79.51", "C06.8", "Z51.0", "M72.2", "R63.4", "141.2", "V58.0"]
DIAGNOSES += ["C50.A1", "D71", "T66.XXXA", "c021", "", "tongue"]
TAXONOMIES = ["2085R0001X", "2085R0203X", "207R00000X", ""]


def mostly(usual, odd, *, of=8):
    """The usual value in most sessions, an odd one in one of so many: else hardly any session would reach a line."""
    return st.sampled_from([usual] * (of - 1) + [odd]).flatmap(lambda chosen: chosen)


def words(kind):
    """A word of the vocabulary; now and then a fact that nobody recorded."""
    return mostly(st.sampled_from(list(kind)), st.none(), of=20)


def tuples(values, longest):
    return st.lists(st.sampled_from(values), max_size=longest).map(tuple)


FORMS_OF_SETTING = {
    Setting.FREESTANDING: [(ClaimForm.GLOBAL,), (ClaimForm.PROFESSIONAL,)],
    Setting.INPATIENT: [(ClaimForm.PROFESSIONAL,)],
}
HOSPITAL_FORMS = [
    (ClaimForm.INSTITUTIONAL,),
    (ClaimForm.PROFESSIONAL,),
    (ClaimForm.INSTITUTIONAL, ClaimForm.PROFESSIONAL),
]


charged_units = st.builds(
    ChargedUnits, claim_form=st.sampled_from(list(ClaimForm)), code=st.sampled_from(CODES), units=st.integers(1, 3)
)
earlier_sessions = st.builds(
    EarlierSession,
    minutes_before=st.one_of(st.none(), st.integers(0, 900), st.sampled_from([179, 180, 239, 240, 359, 360])),
    is_same_physician=st.sampled_from([True, False, None]),
    is_own_visit=st.booleans(),
    charged=st.one_of(st.none(), st.lists(charged_units, max_size=2).map(tuple)),
)
authorizations = st.one_of(
    st.none(),
    st.builds(
        AuthorizationFacts,
        number=st.sampled_from(["", "A1", "A2"]),
        codes=tuples(CODES, 2),
        units=st.one_of(st.none(), st.integers(0, 40)),
        used=st.integers(0, 40),
        starts_on=st.one_of(st.none(), DAYS),
        ends_on=st.one_of(st.none(), DAYS),
    ),
)


@st.composite
def facts(draw) -> SessionFacts:
    """A session, in most of its facts as departments record them."""
    day = draw(DAYS)
    payer = draw(mostly(st.sampled_from(list(KINDS)), st.sampled_from([None, "unheard-of"]), of=12))
    kind = draw(mostly(st.just(KINDS.get(payer)), st.sampled_from([None, *PayerKind]), of=20))
    setting = draw(words(Setting))
    forms = st.sampled_from(FORMS_OF_SETTING.get(setting, HOSPITAL_FORMS))
    none_yet = st.just(())
    return draw(
        st.builds(
            SessionFacts,
            date_of_service=st.just(day),
            coded_on=mostly(st.just(day), st.one_of(DAYS, st.integers(-2, 800).map(lambda n: day + timedelta(days=n)))),
            setting=st.just(setting),
            claim_forms=mostly(forms, tuples(list(ClaimForm), 3)),
            payer=st.just(payer),
            payer_kind=st.just(kind),
            technique=words(Technique),
            isocenters=words(Isocenters),
            motion_management=words(MotionManagement),
            guidance=words(Guidance),
            diagnoses=mostly(tuples(DIAGNOSES[:5], 4), tuples(DIAGNOSES, 6), of=3),
            fraction_number=st.one_of(st.none(), st.integers(1, 40)),
            prescribed_fractions=st.one_of(st.none(), st.integers(1, 40)),
            last_charged_fraction=st.one_of(st.none(), st.integers(0, 40)),
            completion=mostly(st.just(Completion.COMPLETE), st.sampled_from(list(Completion)), of=3),
            earlier_sessions=mostly(none_yet, st.lists(earlier_sessions, max_size=3).map(tuple), of=2),
            later_visits=st.sampled_from([0, 0, 1, 2]),
            minutes_of_one_visit=st.sampled_from([180, 60]),
            requested_code=mostly(
                st.just(""), st.sampled_from([*CODES, "77386-26", "77014-26", "-", "77386-TC-59"]), of=3
            ),
            requested_modifiers=mostly(none_yet, tuples(MODIFIERS, 6), of=3),
            other_codes_same_day=mostly(none_yet, tuples(CODES, 3), of=3),
            authorization=mostly(st.just(AuthorizationFacts()), authorizations, of=2),
            beneficiary_notice=mostly(st.none(), st.sampled_from(list(BeneficiaryNotice)), of=4),
            rendering_taxonomy=st.sampled_from(TAXONOMIES),
            has_treatment_record=mostly(st.just(True), st.just(False), of=12),
            is_duplicate=mostly(st.just(False), st.just(True), of=12),
            **dict.fromkeys(FLAGS, st.booleans()),
        )
    )


FLAGS = (
    "is_twice_daily_ordered",
    "is_prescription_signed",
    "is_plan_approved",
    "is_image_review_signed",
    "is_supervision_documented",
    "is_motion_documented",
    "is_locum",
    "has_resident",
    "has_rendering_provider",
)


def or_silent(values):
    return st.one_of(st.none(), values)


terms = st.builds(
    PolicyTerms,
    policy=st.just("payer"),
    version=st.just("payer from 2015-01-01"),
    effective_from=st.just(date(2015, 1, 1)),
    freestanding_code=or_silent(st.sampled_from(["cpt", "hcpcs"])),
    igrt_pc_code=or_silent(st.sampled_from(["77014", "77387", "G6002", "99999"])),
    igrt_pc_modifier=or_silent(st.sampled_from(["26", "none"])),
    bid=or_silent(st.sampled_from(["76", "59", "units"])),
    min_gap=or_silent(st.sampled_from([240, 360])),
    technical_modifier=or_silent(st.sampled_from(["TC", "none"])),
    keep_until=or_silent(DAYS),
    payer_ready=or_silent(DAYS),
    po_pn=or_silent(st.booleans()),
    multi_isocenter_review=or_silent(st.booleans()),
    timely_days=or_silent(st.integers(0, 400)),
    authorization_required=or_silent(st.booleans()),
    authorization_converts=or_silent(st.booleans()),
    partial_modifier=or_silent(st.sampled_from(["52", "none"])),
    reviewed_on=or_silent(DAYS),
    is_review_overdue=st.booleans(),
)
any_terms = mostly(terms, st.none())
