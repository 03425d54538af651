"""THE catalogue of findings: every sentence that people read, its severity, and whether a hold may be released."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from coding.engine.trace import Citation, cited
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
    leaves_no_line: bool = False

    @property
    def is_hard(self) -> bool:
        """A hard hold is released by no role: the facts must change."""
        return self.severity is Severity.HOLD and self.name in HARD_HOLDS

    def applies_to(self, claim_form: ClaimForm, role: LineRole) -> bool:
        """Whether this finding refuses or keeps back the line of that claim form and role."""
        return self.claim_form in (None, claim_form) and self.role in (None, role)


@dataclass(frozen=True, slots=True)
class Wording:
    """How one edit speaks. `title` stands alone on a page; `sentence` and `remedy` take the edit's grounds by name.

    `leaves_no_line`: nothing may be billed where it applies, not even as a correction.
    """

    name: str
    severity: Severity
    title: str
    sentence: str
    remedy: str
    leaves_no_line: bool = False


_ERROR, _HOLD, _NOTE = Severity.ERROR, Severity.HOLD, Severity.NOTE

_WORDINGS = (
    # The session and its day
    Wording(
        "DOS_FUTURE",
        _ERROR,
        "Date of service in the future",
        "The date of service {date_of_service} is later than the day of coding, {coded_on}.",
        "Correct the date, or enter the session once it has been delivered.",
        leaves_no_line=True,
    ),
    Wording(
        "DOS_BEFORE_CODE",
        _ERROR,
        "Date of service before the codes",
        "The session is older than every delivery code of the portal: the first of them begin on {first_day}.",
        "Bill it under the codes of its time, outside the portal, or correct the date.",
        leaves_no_line=True,
    ),
    Wording(
        "DUPLICATE",
        _ERROR,
        "Entered twice",
        "The same patient, course, fraction and start time has been entered before.",
        "Void the entry that is wrong; if both were delivered, correct the start time.",
        leaves_no_line=True,
    ),
    Wording(
        "NOT_DELIVERED",
        _ERROR,
        "Beam never on",
        "The session was stopped before the beam went on: no beam, no delivery. Setup imaging is not a treatment.",
        "Record no charge. If beam was delivered, correct how the session ended.",
        leaves_no_line=True,
    ),
    Wording(
        "SAME_SESSION",
        _ERROR,
        "Same visit as the session before",
        "The session started {minutes} min after the patient's previous one; less than {one_visit} min is one visit, "
        "resumed or with a second site, and is charged once.",
        "Leave the charge with the first entry. If these were two separate sessions, correct the start times.",
        leaves_no_line=True,
    ),
    Wording(
        "BID_GAP",
        _HOLD,
        "Sessions close together",
        "Sessions are {gap} apart; this payer asks for {min_gap} ({said_by}).",
        "Check the treatment record, correct the times, or release with a note.",
    ),
    Wording(
        "BID_NOT_ORDERED",
        _HOLD,
        "Second session not ordered",
        "Session {session_of_day} of the day, but the prescription does not order as many sessions a day.",
        "Have the prescription say so with the reason, or release with a note.",
    ),
    Wording(
        "RECORD_MISSING",
        _HOLD,
        "Treatment record missing",
        "The machine's treatment record for the session is missing: without it nothing shows that beam was delivered.",
        "Obtain the record and mark it as present; the lines then appear.",
        leaves_no_line=True,
    ),
    Wording(
        "FACT_MISSING",
        _HOLD,
        "A fact is missing",
        "Not recorded: {facts}.",
        "Amend the record; the charges are captured again by themselves.",
    ),
    # Who pays
    Wording(
        "COVERAGE_MISSING",
        _HOLD,
        "No coverage",
        "No payer is on file for the date of service.",
        "Add the patient's coverage for the date, rank 1 for the payer that is billed.",
        leaves_no_line=True,
    ),
    Wording(
        "PAYER_POLICY_REQUIRED",
        _HOLD,
        "No policy in force",
        "No published policy of this payer is in force on the date of service; payers differ, so nothing is guessed.",
        "Publish a policy version that begins on or before the date.",
        leaves_no_line=True,
    ),
    Wording(
        "PROVIDER_MISSING",
        _HOLD,
        "No physician",
        "No responsible physician is recorded for the session.",
        "Enter the physician who was responsible for the session.",
    ),
    Wording(
        "POLICY_OVERRIDE_APPROVAL",
        _HOLD,
        "Against the national rule",
        "The line carries {what} on this payer's word, against the national rule.",
        "Have the payer's written instruction approved; without it, take the term out of the policy.",
    ),
    Wording(
        "PAYER_NOT_READY",
        _HOLD,
        "Payer not ready for the new codes",
        "The payer takes the codes of this date of service only from {payer_ready}.",
        "Wait until the payer has loaded them, then release. A deleted code is no way round.",
    ),
    Wording(
        "TIMELY_FILING",
        _HOLD,
        "Filing limit passed",
        "The payer's limit for a first claim ended on {deadline} ({limit}); the day of coding is {coded_on}.",
        "Look for an exception or proof of earlier filing, or write the charge off; release with a note.",
    ),
    Wording(
        "LIABILITY_REVIEW",
        _HOLD,
        "Denial at our own cost",
        "GZ says that a denial is expected and no notice was signed: Medicare denies it at the provider's cost.",
        "Have a manager confirm GZ, or produce the signed notice and bill GA.",
    ),
    # Codes and modifiers
    Wording(
        "CODE_DELETED",
        _ERROR,
        "Code deleted",
        "{code} was keyed; its last date of service was {last_day}.",
        "Use the line shown: the date of service decides, not the day of the claim.",
    ),
    Wording(
        "PAYER_CODE_NOT_ACCEPTED",
        _ERROR,
        "Code not accepted",
        "{code} was keyed; for this session this payer takes {instead} on the {claim_form} claim.",
        "Use the line shown, or amend the facts of the session if they are wrong.",
    ),
    Wording(
        "TECHNIQUE_NOT_IMRT",
        _ERROR,
        "Not IMRT",
        "Through {last_day} the portal's codes are for IMRT only; this session's technique is {technique}.",
        "Charge it outside the portal, or correct the technique.",
        leaves_no_line=True,
    ),
    Wording(
        "SETTING_SIDE_MISMATCH",
        _ERROR,
        "Setting and claim form do not fit",
        "The setting, {setting}, does not bill on the {claim_form} claim.",
        "Choose the claim form of this setting, or correct the department's setting.",
        leaves_no_line=True,
    ),
    Wording(
        "INPATIENT_BUNDLED",
        _ERROR,
        "Inside the inpatient payment",
        "Delivery to a hospital inpatient is inside the inpatient payment: no outpatient line.",
        "Let it go to the inpatient account, or correct the patient's status that day.",
        leaves_no_line=True,
    ),
    Wording(
        "UNDER_ARRANGEMENT_BILL_HOSPITAL",
        _ERROR,
        "Bill the hospital",
        "A supplier that treats a hospital's inpatient bills the hospital under arrangement, not the payer.",
        "Invoice the hospital, or correct the patient's status that day.",
        leaves_no_line=True,
    ),
    Wording(
        "NO_PROFESSIONAL_COMPONENT",
        _ERROR,
        "No professional side",
        "Surface guidance through {last_day} is technical only: the physician has no line for it.",
        "Bill nothing for it, or record the other imaging that was reviewed.",
        leaves_no_line=True,
    ),
    Wording(
        "MOD_26_INVALID",
        _ERROR,
        "Modifier 26 does not apply",
        "26 was keyed on {on}, which is technical only: there is no professional part to mark.",
        "Use the line shown; the physician's part is the guidance line.",
    ),
    Wording(
        "MOD_TC_INVALID",
        _ERROR,
        "Modifier TC does not apply",
        "TC was keyed on {on}: {why}.",
        "Use the line shown, without TC.",
    ),
    Wording(
        "MOD_22_NOT_APPLICABLE",
        _ERROR,
        "Modifier 22 does not apply",
        "22 was keyed; it is for procedures with a global period of 0, 10 or 90 days, and these codes have none.",
        "Use the line shown, without 22: a long session is one unit.",
    ),
    Wording(
        "MOD_53_NOT_FOR_FACILITY",
        _ERROR,
        "Modifier 53 does not apply",
        "53 was keyed; it is for procedures that a physician breaks off, not for technical lines.",
        "Use the line shown; a delivery broken off carries 52.",
    ),
    Wording(
        "MOD_73_NOT_APPLICABLE",
        _ERROR,
        "Modifiers 73 and 74 do not apply",
        "{modifier} was keyed; it is for procedures under anaesthesia, which radiation delivery is not.",
        "Use the line shown; record how the session ended instead.",
    ),
    Wording(
        "PO_PN_CONFLICT",
        _ERROR,
        "PO and PN together",
        "PO and PN say the opposite of a department and cannot stand on one line.",
        "Decide which the department is, correct its setting or the keyed modifier; until then there is no line.",
        leaves_no_line=True,
    ),
    Wording(
        "TOO_MANY_MODIFIERS",
        _ERROR,
        "More than four modifiers",
        "The line would carry {count} modifiers ({modifiers}); a claim line holds four.",
        "Decide which four the payer needs and key only those; until then there is no line.",
        leaves_no_line=True,
    ),
    Wording(
        "MODIFIER_LEFT_OUT",
        _NOTE,
        "Keyed modifier left out",
        "Keyed, but not on the line: {left_out}.",
        "Amend the facts of the session if they are wrong.",
    ),
    # Counting
    Wording(
        "MUE_EXCEEDED",
        _HOLD,
        "More units than the day allows",
        "The patient's day counts {units} units of {code}; the {file} table allows {limit} (indicator {adjudication}).",
        "Send it with records, or confirm that this payer allows more, and release with a note.",
    ),
    Wording(
        "NCCI_OTHER_CODE_REFUSED",
        _ERROR,
        "Other code refused",
        "{others} is part of {code} on the same day (NCCI column 2, indicator 0); no modifier opens the pair.",
        "Take the other code off the day; the line shown stands.",
    ),
    Wording(
        "NCCI_LINE_YIELDS",
        _HOLD,
        "Our line yields",
        "{code} is column 2 to {others}, already on the day (NCCI, indicator 0): both cannot be paid on one date.",
        "Take one of them off the day.",
    ),
    Wording(
        "NCCI_PAIR_REVIEW",
        _HOLD,
        "Pair to review",
        "{code} and {others} on one day are an NCCI pair (indicator 1): the column 2 code is paid only when distinct.",
        "If the sessions were separate, put 59 or XE on the column 2 line; release with a note.",
    ),
    # Course and authorization
    Wording(
        "OVER_PRESCRIPTION",
        _HOLD,
        "Beyond the prescription",
        "Fraction {fraction} of {prescribed} prescribed.",
        "Obtain the amended prescription, or correct the fraction's number.",
    ),
    Wording(
        "FRACTION_SEQUENCE",
        _HOLD,
        "Fraction out of order",
        "Fraction {fraction} follows {last}, the last one charged.",
        "Find the missing charge, correct the number, or release with a note.",
    ),
    Wording(
        "AUTH_MISSING",
        _HOLD,
        "No authorization",
        "This payer needs a prior authorization ({said_by}) and none is on file.",
        "Obtain it and enter it with its dates, or release with a note.",
    ),
    Wording(
        "AUTH_UNITS_EXCEEDED",
        _HOLD,
        "Authorized units used up",
        "The authorization covers {units} sessions and {used} are used.",
        "Ask for more units, or release with a note.",
    ),
    Wording(
        "AUTH_EXPIRED",
        _HOLD,
        "Outside the authorization's dates",
        "The date of service {date_of_service} is outside the authorization, which holds {window}.",
        "Have it extended, or release with a note.",
    ),
    Wording(
        "AUTH_CODE_MISMATCH",
        _HOLD,
        "Authorization for another code",
        "The authorization is for {authorized}; the session's code is {code}.",
        "Have the payer convert the authorization to the code of this date, or release with a note.",
    ),
    # Diagnoses
    Wording(
        "DX_MISSING",
        _HOLD,
        "No diagnosis",
        "The course has no diagnosis: the line cannot be linked to a reason for treatment.",
        "Enter the course's diagnoses, the first-listed first.",
    ),
    Wording(
        "DX_INVALID",
        _HOLD,
        "Diagnosis not billable",
        "Not a billable diagnosis code on the date of service: {codes}.",
        "Use the full code; a category or an unfinished code is not billable.",
    ),
    Wording(
        "DX_CODE_SET_DATE",
        _HOLD,
        "Diagnosis of the other code set",
        "The date of service asks for {asked_for} codes (ICD-10-CM from {icd10_from}); entered: {codes}.",
        "Enter the diagnosis in the code set of the date of service.",
    ),
    Wording(
        "DX_MALIGNANCY_MISSING",
        _HOLD,
        "Malignancy missing",
        "Z51.0 is listed, but no malignancy follows it.",
        "Add the malignancy that is treated, after Z51.0.",
    ),
    Wording(
        "DX_NOT_COVERED",
        _HOLD,
        "Diagnosis not covered",
        "No malignancy is among the diagnoses ({codes}); payers cover this treatment by malignancy.",
        "Add the diagnosis that is treated, obtain a notice of liability, or release with a note.",
    ),
    Wording(
        "DX_UNVERIFIED",
        _NOTE,
        "Diagnosis not verified",
        "Well formed, but not checked: the code list holds no codes of the chapter of {codes}.",
        "Check the code in the official list.",
    ),
    # Documentation
    Wording(
        "COMPLEXITY_DOCUMENTATION",
        _HOLD,
        "Why complex",
        "{site} is usually simple IMRT; complex was recorded and {code} is on the line.",
        "Confirm that the record shows why, then release with a note, or correct the technique.",
    ),
    Wording(
        "LEVEL3_DOCUMENTATION",
        _HOLD,
        "Why level 3",
        "{code} rests on {grounds_of_level}.",
        "{what_to_add}; then release with a note, or correct the facts.",
    ),
    Wording(
        "SURFACE_ONLY_REVIEW",
        _HOLD,
        "Surface guidance alone",
        "Only surface guidance was recorded; no source confirms {code} for it.",
        "A coder decides: release with a note, or correct the guidance.",
    ),
    Wording(
        "PARTIAL_REVIEW",
        _HOLD,
        "Partly delivered",
        "{found}; sources differ between a reduced line, the full code and no charge.",
        "A coder decides: release with a note, or correct how the session ended.",
    ),
    Wording(
        "PLAN_NOT_APPROVED",
        _HOLD,
        "Plan not approved",
        "The treatment plan was not approved by the date of service.",
        "Obtain the approved plan and record the approval.",
    ),
    Wording(
        "RX_NOT_SIGNED",
        _HOLD,
        "Prescription not signed",
        "The prescription was not signed by the date of service.",
        "Have it signed and record the signature.",
    ),
    Wording(
        "IMAGE_UNSIGNED",
        _HOLD,
        "Images not signed",
        "The physician has not signed the guidance images; shifts are approved before the next fraction.",
        "Have the images reviewed and signed, and record when. The delivery line is not kept back by it.",
    ),
    Wording(
        "SUPERVISION_UNDOCUMENTED",
        _HOLD,
        "Supervision not recorded",
        "A freestanding center's technical services need direct supervision, and no supervising physician is recorded.",
        "Record who supervised, or release with a note.",
    ),
    # Notes
    Wording(
        "TAXONOMY_RENAMED",
        _NOTE,
        "Taxonomy renamed",
        "The physician's taxonomy {taxonomy} goes by another name now.",
        "Use {use_instead} ({label}).",
    ),
    Wording(
        "UNITS_DIFFER",
        _NOTE,
        "Day's units of another code",
        "The day's one line counts {code}; an earlier session of the day was of {others}.",
        "Check with the payer how the earlier session is to be billed.",
    ),
    Wording(
        "CODEBOOK_STALE",
        _NOTE,
        "Older than the date of service",
        "The date of service is later than these tables cover: {tables}.",
        "Check the current official files, or load them.",
    ),
    Wording(
        "POLICY_REVIEW_OVERDUE",
        _NOTE,
        "Policy review overdue",
        "The policy version was last compared with its sources on {reviewed_on}.",
        "Have it reviewed.",
    ),
)

# An edit is found by its own name; two edits share the name NCCI_INDICATOR_0, one an error and one a hold.
CATALOGUE: Mapping[str, Wording] = MappingProxyType({wording.name.lower(): wording for wording in _WORDINGS})
NAME_OF_EDIT = {"ncci_other_code_refused": "NCCI_INDICATOR_0", "ncci_line_yields": "NCCI_INDICATOR_0"}


def find(
    edit: str,
    citations: tuple[Citation, ...],
    *,
    claim_form: ClaimForm | None = None,
    role: LineRole | None = None,
    **grounds: object,
) -> Finding:
    """The finding of an edit in the catalogue's words. `grounds` fill the sentence and are what a release rests on."""
    wording = CATALOGUE[edit]
    values = {key: str(value) for key, value in grounds.items()}
    words = {**values, "claim_form": str(claim_form)}
    return Finding(
        name=NAME_OF_EDIT.get(edit, wording.name),
        severity=wording.severity,
        sentence=wording.sentence.format_map(words),
        remedy=wording.remedy.format_map(words),
        grounds=tuple(values.items()),
        citations=cited(citations),
        claim_form=claim_form,
        role=role,
        leaves_no_line=wording.leaves_no_line,
    )
