"""The billing checks: one a file, one function of the same name, and the order in which all of them run.

A session edit looks at the facts; a claim edit looks at one claim form's lines as well. Both give a `Finding` in the
catalogue's words, or None, and touch nothing. All run: one complaint never hides another.
"""

from collections.abc import Callable

from coding.engine.claim import Claim
from coding.engine.codebook import Codebook
from coding.engine.edits.auth_code_mismatch import auth_code_mismatch
from coding.engine.edits.auth_expired import auth_expired
from coding.engine.edits.auth_missing import auth_missing
from coding.engine.edits.auth_units_exceeded import auth_units_exceeded
from coding.engine.edits.bid_gap import bid_gap
from coding.engine.edits.bid_not_ordered import bid_not_ordered
from coding.engine.edits.code_deleted import code_deleted
from coding.engine.edits.codebook_stale import codebook_stale
from coding.engine.edits.complexity_documentation import complexity_documentation
from coding.engine.edits.coverage_missing import coverage_missing
from coding.engine.edits.dos_before_code import dos_before_code
from coding.engine.edits.dos_future import dos_future
from coding.engine.edits.duplicate import duplicate
from coding.engine.edits.dx_code_set_date import dx_code_set_date
from coding.engine.edits.dx_invalid import dx_invalid
from coding.engine.edits.dx_malignancy_missing import dx_malignancy_missing
from coding.engine.edits.dx_missing import dx_missing
from coding.engine.edits.dx_not_covered import dx_not_covered
from coding.engine.edits.dx_unverified import dx_unverified
from coding.engine.edits.fact_missing import fact_missing
from coding.engine.edits.fraction_sequence import fraction_sequence
from coding.engine.edits.image_unsigned import image_unsigned
from coding.engine.edits.inpatient_bundled import inpatient_bundled
from coding.engine.edits.level3_documentation import level3_documentation
from coding.engine.edits.liability_review import liability_review
from coding.engine.edits.mod_22_not_applicable import mod_22_not_applicable
from coding.engine.edits.mod_26_invalid import mod_26_invalid
from coding.engine.edits.mod_53_not_for_facility import mod_53_not_for_facility
from coding.engine.edits.mod_73_not_applicable import mod_73_not_applicable
from coding.engine.edits.mod_tc_invalid import mod_tc_invalid
from coding.engine.edits.modifier_left_out import modifier_left_out
from coding.engine.edits.mue_exceeded import mue_exceeded
from coding.engine.edits.ncci_line_yields import ncci_line_yields
from coding.engine.edits.ncci_other_code_refused import ncci_other_code_refused
from coding.engine.edits.ncci_pair_review import ncci_pair_review
from coding.engine.edits.no_professional_component import no_professional_component
from coding.engine.edits.not_delivered import not_delivered
from coding.engine.edits.over_prescription import over_prescription
from coding.engine.edits.partial_review import partial_review
from coding.engine.edits.payer_code_not_accepted import payer_code_not_accepted
from coding.engine.edits.payer_not_ready import payer_not_ready
from coding.engine.edits.payer_policy_required import payer_policy_required
from coding.engine.edits.plan_not_approved import plan_not_approved
from coding.engine.edits.po_pn_conflict import po_pn_conflict
from coding.engine.edits.policy_override_approval import policy_override_approval
from coding.engine.edits.policy_review_overdue import policy_review_overdue
from coding.engine.edits.provider_missing import provider_missing
from coding.engine.edits.record_missing import record_missing
from coding.engine.edits.rx_not_signed import rx_not_signed
from coding.engine.edits.same_session import same_session
from coding.engine.edits.setting_side_mismatch import setting_side_mismatch
from coding.engine.edits.supervision_undocumented import supervision_undocumented
from coding.engine.edits.surface_only_review import surface_only_review
from coding.engine.edits.taxonomy_renamed import taxonomy_renamed
from coding.engine.edits.technique_not_imrt import technique_not_imrt
from coding.engine.edits.timely_filing import timely_filing
from coding.engine.edits.too_many_modifiers import too_many_modifiers
from coding.engine.edits.under_arrangement_bill_hospital import under_arrangement_bill_hospital
from coding.engine.edits.units_differ import units_differ
from coding.engine.facts import SessionFacts
from coding.engine.findings import Finding
from coding.engine.terms import TermsInForce

SessionEdit = Callable[[SessionFacts, TermsInForce, Codebook], Finding | None]
ClaimEdit = Callable[[SessionFacts, TermsInForce, Codebook, Claim], Finding | None]

SESSION_EDITS: tuple[SessionEdit, ...] = (
    coverage_missing,
    payer_policy_required,
    fact_missing,
    provider_missing,
    dos_future,
    dos_before_code,
    duplicate,
    not_delivered,
    same_session,
    technique_not_imrt,
    record_missing,
    rx_not_signed,
    plan_not_approved,
    bid_gap,
    bid_not_ordered,
    over_prescription,
    fraction_sequence,
    auth_missing,
    auth_units_exceeded,
    auth_expired,
    auth_code_mismatch,
    dx_missing,
    dx_invalid,
    dx_code_set_date,
    dx_malignancy_missing,
    dx_not_covered,
    timely_filing,
    dx_unverified,
    taxonomy_renamed,
    policy_review_overdue,
    codebook_stale,
)

CLAIM_EDITS: tuple[ClaimEdit, ...] = (
    setting_side_mismatch,
    inpatient_bundled,
    under_arrangement_bill_hospital,
    no_professional_component,
    code_deleted,
    payer_code_not_accepted,
    mod_26_invalid,
    mod_tc_invalid,
    mod_22_not_applicable,
    mod_53_not_for_facility,
    mod_73_not_applicable,
    po_pn_conflict,
    too_many_modifiers,
    ncci_other_code_refused,
    ncci_line_yields,
    ncci_pair_review,
    policy_override_approval,
    payer_not_ready,
    complexity_documentation,
    level3_documentation,
    surface_only_review,
    partial_review,
    mue_exceeded,
    liability_review,
    image_unsigned,
    supervision_undocumented,
    modifier_left_out,
    units_differ,
)
