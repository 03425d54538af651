"""The engine's whole answer for one session."""

from dataclasses import dataclass
from decimal import Decimal

from coding.engine.facts import ChargedUnits
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
    """One line of one claim: `revenue_code` on institutional claims, `place_of_service` on the others.

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
    `counted` is what this session itself adds to the patient's day, by claim form and code: also where its units stand
    on the line of a later session (a payer that counts units up). A later session's facts carry it as `charged`.
    """

    charges: tuple[Charge, ...]
    findings: tuple[Finding, ...]
    trace: tuple[Step, ...]
    counted: tuple[ChargedUnits, ...] = ()

    def trace_of(self, charge: Charge) -> tuple[Step, ...]:
        """The steps that a reader of this line needs: those of the session, of its claim form and of its role."""
        return tuple(
            step
            for step in self.trace
            if step.claim_form in (None, charge.claim_form) and step.role in (None, charge.role)
        )
