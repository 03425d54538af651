"""What a payer's policy comes to: example sessions put to the engine, so that no page can contradict it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property

from django.utils.translation import gettext as _

from coding.engine.code_session import code_session
from coding.engine.codebook import Codebook
from coding.engine.facts import AuthorizationFacts, EarlierSession, SessionFacts
from coding.engine.findings import Finding
from coding.engine.periods import ONE_DAY
from coding.engine.ruling import Charge, Ruling
from coding.engine.terms import PolicyTerms, TermsInForce, in_force
from coding.engine.vocabulary import (
    BeneficiaryNotice,
    ClaimForm,
    Completion,
    Guidance,
    Isocenters,
    LineRole,
    MotionManagement,
    PayerKind,
    Setting,
    Severity,
    Technique,
)
from payers.models import Payer, PolicyVersion
from portal.models import Organization

# The standing example of the pages: a cancer of the tongue, in the code set of the date of service.
TONGUE = "C02.1"
TONGUE_BEFORE_ICD10 = "141.2"
LONG_AFTER = timedelta(days=3650)
# Far enough apart for every payer, and too close for most.
SECOND_SESSION = EarlierSession(minutes_before=480)
CLAIM_FORMS = {
    Setting.FREESTANDING: (ClaimForm.GLOBAL,),
}
HOSPITAL_FORMS = (ClaimForm.INSTITUTIONAL, ClaimForm.PROFESSIONAL)


@dataclass(frozen=True, slots=True)
class PayerBook:
    """A payer with its published versions, earliest first, a correction after what it corrects."""

    payer: Payer
    versions: tuple[PolicyVersion, ...]

    def version_on(self, day: date) -> PolicyVersion | None:
        """The version in force on a date of service, or None."""
        return in_force(self.versions, day)

    def standing(self) -> list[PolicyVersion]:
        """The versions that are in force on some day: of equal starts the last."""
        return list({version.effective_from: version for version in self.versions}.values())


def payer_books(organization: Organization | int) -> list[PayerBook]:
    """Every active payer of an organization with its published versions, clauses and reviews, in four queries."""
    payers = list(Payer.objects.filter(organization=organization, is_active=True))
    versions: dict[int, list[PolicyVersion]] = {payer.pk: [] for payer in payers}
    published = (
        PolicyVersion.objects.published().filter(policy__payer__in=payers).with_terms().prefetch_related("reviews")
    )
    for version in published.order_by("effective_from", "revision"):
        versions[version.policy.payer_id].append(version)
    return [PayerBook(payer, tuple(versions[payer.pk])) for payer in payers]


def payer_book(payer: Payer) -> PayerBook:
    """One payer with its published versions and their clauses and reviews."""
    published = PolicyVersion.objects.published().filter(policy__payer=payer).with_terms().prefetch_related("reviews")
    return PayerBook(payer, tuple(published.order_by("effective_from", "revision")))


@dataclass(frozen=True)
class Enquiry:
    """Questions about one payer on one date of service, answered by the engine with the version in force."""

    payer: Payer
    version: PolicyVersion | None
    codebook: Codebook
    on: date

    @classmethod
    def of(cls, book: PayerBook, *, on: date, codebook: Codebook) -> "Enquiry":
        """The enquiry about a payer's policy on a date of service."""
        return cls(book.payer, book.version_on(on), codebook, on)

    @cached_property
    def policy(self) -> PolicyTerms | None:
        """The version in force as the engine reads it."""
        return self.version.as_terms() if self.version else None

    @cached_property
    def terms(self) -> TermsInForce:
        """Its terms, with the house default wherever it is silent."""
        kind = PayerKind(self.payer.kind)
        return TermsInForce(self.policy, self.codebook.house_defaults(self.payer.slug, kind))

    def facts(self, setting: Setting = Setting.ON_CAMPUS, **changes: object) -> SessionFacts:
        """The standing example: complex IMRT of a tongue cancer to one isocenter with signed cone-beam guidance.

        Everything is on file and it is coded the same day; `changes` are fields of `SessionFacts`.
        """
        facts = SessionFacts(
            date_of_service=self.on,
            coded_on=self.on,
            setting=setting,
            claim_forms=CLAIM_FORMS.get(setting, HOSPITAL_FORMS),
            payer=self.payer.slug,
            payer_kind=PayerKind(self.payer.kind),
            technique=Technique.IMRT_COMPLEX,
            guidance=Guidance.CBCT,
            diagnoses=(self.diagnosis,),
        )
        return replace(facts, **changes)

    @property
    def diagnosis(self) -> str:
        """The standing example's diagnosis in the code set of the date."""
        return TONGUE if self.on >= self.codebook.diagnoses.icd10_from else TONGUE_BEFORE_ICD10

    def rule(self, facts: SessionFacts) -> Ruling:
        """What the engine says of a session under this payer's version in force."""
        return code_session(facts, self.policy, self.codebook)

    def answer(self, setting: Setting = Setting.ON_CAMPUS, **changes: object) -> Ruling:
        """What the engine says of the standing example with these changes."""
        return self.rule(self.facts(setting, **changes))

    def filing_deadline(self) -> str:
        """The last day for a first claim of this date of service, in words; empty where no limit is known."""
        late = self.answer(coded_on=self.on + LONG_AFTER)
        found = next((finding for finding in late.findings if finding.name == "TIMELY_FILING"), None)
        return dict(found.grounds)["deadline"] if found else ""

    def findings_by_situation(self, setting: Setting) -> Iterator[tuple[str, Finding]]:
        """What goes wrong, situation by situation: each error and hold that the standing example would not have."""
        usual = {(finding.name, finding.grounds) for finding in self.answer(setting).findings}
        seen = set()
        for title, changes in self._situations():
            for finding in self.answer(setting, **changes).findings:
                key = (finding.name, finding.severity)
                if finding.severity is Severity.NOTE or (finding.name, finding.grounds) in usual or key in seen:
                    continue
                seen.add(key)
                yield title, finding

    def _situations(self) -> tuple[tuple[str, dict[str, object]], ...]:
        other_code_set = TONGUE_BEFORE_ICD10 if self.diagnosis == TONGUE else TONGUE
        return (
            (_("No authorization is on file"), {"authorization": None}),
            (_("The authorized sessions are used up"), {"authorization": AuthorizationFacts(units=28, used=28)}),
            (_("The authorization has ended"), {"authorization": AuthorizationFacts(ends_on=self.on - ONE_DAY)}),
            (_("The authorization is for another code"), {"authorization": AuthorizationFacts(codes=("77385",))}),
            (_("A second session starts 4 h after the first"), {"earlier_sessions": (EarlierSession(240),)}),
            (_("A second session starts 1 h after the first"), {"earlier_sessions": (EarlierSession(60),)}),
            (
                _("A second session is not ordered"),
                {"earlier_sessions": (SECOND_SESSION,), "is_twice_daily_ordered": False},
            ),
            (_("A third session of the day"), {"earlier_sessions": (EarlierSession(None), SECOND_SESSION)}),
            (_("The session is entered twice"), {"is_duplicate": True}),
            (_("The beam never went on"), {"completion": Completion.NOT_STARTED}),
            (_("The session was cut short"), {"completion": Completion.PARTIAL}),
            (_("The treatment record is missing"), {"has_treatment_record": False}),
            (_("The prescription is not signed"), {"is_prescription_signed": False}),
            (_("The plan is not approved"), {"is_plan_approved": False}),
            (_("The guidance images are not signed"), {"is_image_review_signed": False}),
            (_("No supervising physician is recorded"), {"is_supervision_documented": False}),
            (_("No physician is recorded"), {"has_rendering_provider": False}),
            (_("The course has no diagnosis"), {"diagnoses": ()}),
            (_("The diagnosis is a category, not a code"), {"diagnoses": ("C02",)}),
            (_("The diagnosis is of the other code set"), {"diagnoses": (other_code_set,)}),
            (_("Z51.0 stands alone"), {"diagnoses": ("Z51.0",)}),
            (_("No malignancy is listed"), {"diagnoses": ("D10.1",)}),
            (_("A denial is expected and no notice is signed"), {"beneficiary_notice": BeneficiaryNotice.NONE}),
            (_("Complex IMRT of the breast"), {"diagnoses": ("C50.911",)}),
            (_("3D conformal treatment"), {"technique": Technique.THREE_D}),
            (
                _("Active motion management without its record"),
                {"motion_management": MotionManagement.ACTIVE, "is_motion_documented": False},
            ),
            (_("Several isocenters in one anatomical site"), {"isocenters": Isocenters.MULTIPLE}),
            (_("Surface guidance alone"), {"guidance": Guidance.SURFACE}),
            (_("A fraction beyond the prescription"), {"fraction_number": 34, "prescribed_fractions": 33}),
            (_("A fraction out of order"), {"fraction_number": 9, "last_charged_fraction": 6}),
            (_("77386 is keyed by hand"), {"requested_code": "77386"}),
            (_("26 is keyed on delivery"), {"requested_modifiers": ("26",)}),
            (_("TC is keyed on delivery"), {"requested_modifiers": ("TC",)}),
            (_("22 is keyed on delivery"), {"requested_modifiers": ("22",)}),
            (_("53 is keyed on delivery"), {"requested_modifiers": ("53",)}),
            (_("73 is keyed on delivery"), {"requested_modifiers": ("73",)}),
            (_("Radiosurgery delivery, 77373, on the same day"), {"other_codes_same_day": ("77373",)}),
            (_("The plan, 77301, on the same day"), {"other_codes_same_day": ("77301",)}),
            (_("The claim is late"), {"coded_on": self.on + LONG_AFTER}),
            (_("The date of service is in the future"), {"coded_on": self.on - ONE_DAY}),
        )


def charge_of(ruling: Ruling, role: LineRole) -> Charge | None:
    """The ruling's first line of a role, or None."""
    return next((charge for charge in ruling.charges if charge.role is role), None)
