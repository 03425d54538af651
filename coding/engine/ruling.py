"""The engine's whole answer for one session."""

from dataclasses import dataclass
from decimal import Decimal

from coding.engine.findings import Finding
from coding.engine.trace import Citation, Step
from coding.engine.vocabulary import ClaimForm, LineRole


@dataclass(frozen=True, slots=True)
class NationalRate:
    """What Medicare pays nationally for one unit, unadjusted; shown beside a line, never charged."""

    amount: Decimal
    schedule: str
    year: int
    citation: Citation


@dataclass(frozen=True, slots=True)
class Charge:
    """One line of one claim. `place_of_service` on professional and global claims, `revenue_code` on institutional ones.

    `diagnosis_pointers` count from 1 in the order of the facts' diagnoses, at most four.
    """

    claim_form: ClaimForm
    role: LineRole
    code: str
    modifiers: tuple[str, ...]
    units: int
    place_of_service: str
    revenue_code: str
    diagnosis_pointers: tuple[int, ...] = ()
    national_rate: NationalRate | None = None


@dataclass(frozen=True, slots=True)
class Ruling:
    """Charges of every claim form that was asked for, every finding, and the steps that led there.

    A finding with an error severity refuses the lines that it applies to: they show the correction and stay draft.
    """

    charges: tuple[Charge, ...]
    findings: tuple[Finding, ...]
    trace: tuple[Step, ...]

    def trace_of(self, charge: Charge) -> tuple[Step, ...]:
        """The steps that a reader of this line needs: those of the session, of its claim form and of its role."""
        return tuple(
            step
            for step in self.trace
            if step.claim_form in (None, charge.claim_form) and step.role in (None, charge.role)
        )
