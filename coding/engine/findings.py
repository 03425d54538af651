"""What an edit may find: every name, its severity, and whether a hold may be released."""

from dataclasses import dataclass

from coding.engine.trace import Citation
from coding.engine.vocabulary import ClaimForm, LineRole, Severity

HARD_HOLDS = frozenset(
    {
        "PAYER_POLICY_REQUIRED",
        "POLICY_OVERRIDE_APPROVAL",
        "RECORD_MISSING",
        "RX_NOT_SIGNED",
        "PLAN_NOT_APPROVED",
        "IMAGE_UNSIGNED",
        "DX_MISSING",
        "DX_INVALID",
        "DX_CODE_SET_DATE",
        "NCCI_INDICATOR_0",
        "COVERAGE_MISSING",
        "FACT_MISSING",
        "PROVIDER_MISSING",
    }
)


@dataclass(frozen=True, slots=True)
class Finding:
    """What an edit found: the sentence says what was found and what it was held against, the remedy what to do next.

    `grounds` are the facts it rests on: a release holds as long as they are equal. `claim_form` and `role` say which
    lines it applies to; None means all of them.
    """

    name: str
    severity: Severity
    sentence: str
    remedy: str
    grounds: tuple[tuple[str, str], ...]
    citations: tuple[Citation, ...]
    claim_form: ClaimForm | None = None
    role: LineRole | None = None

    @property
    def is_hard(self) -> bool:
        """A hard hold is released by no role: the facts must change."""
        return self.severity is Severity.HOLD and self.name in HARD_HOLDS

    def applies_to(self, claim_form: ClaimForm, role: LineRole) -> bool:
        """Whether this finding refuses or keeps back the line of that claim form and role."""
        return self.claim_form in (None, claim_form) and self.role in (None, role)
