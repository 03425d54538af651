"""Addresses of payers: who covers whom, and on what terms."""

from django.urls import path

from payers.views import attestations, codes, comparison, coverage, drafts, examples, guidance, matrix, packs, policies

urlpatterns = [
    # Coverages and authorizations
    path("patients/<int:pk>/coverages/new/", coverage.coverage_create, name="coverage-create"),
    path("coverages/<int:pk>/", coverage.coverage_amend, name="coverage-amend"),
    path("courses/<int:pk>/authorizations/new/", coverage.authorization_create, name="authorization-create"),
    path("authorizations/<int:pk>/", coverage.authorization_amend, name="authorization-amend"),
    # Guidance and codes
    path("guidance/", guidance.guidance_list, name="guidance-list"),
    path("guidance-search/", guidance.guidance_search, name="guidance-search"),
    path("guidance/<slug:slug>/", guidance.guidance_detail, name="guidance-detail"),
    path("guidance/<slug:slug>/read/", guidance.guidance_read, name="guidance-read"),
    path("try-a-case/", guidance.try_a_case, name="try-a-case"),
    path("payer-matrix/", matrix.matrix, name="matrix"),
    path("payer-matrix/matrix.csv", matrix.matrix_csv, name="matrix-csv"),
    path("codes/", codes.code_list, name="code-list"),
    path("code-transition/", codes.code_transition, name="code-transition"),
    path("codes/<slug:code>/", codes.code_detail, name="code-detail"),
    # Reading and attesting
    path("to-read/", attestations.attestation_list, name="attestation-list"),
    path("to-read/<int:pk>/", attestations.attestation_detail, name="attestation-detail"),
    path("to-read/<int:pk>/read/", attestations.attestation_attest, name="attestation-attest"),
    path("readers/", attestations.reader_list, name="reader-list"),
    path("readers/<int:pk>/", attestations.reader_detail, name="reader-detail"),
    path("readers/<int:pk>/readers.csv", attestations.reader_csv, name="reader-csv"),
    path("readers/<int:pk>/remind/", attestations.reader_remind, name="reader-remind"),
    # Policies
    path("policies/", policies.policy_list, name="policy-list"),
    path("policies.csv", policies.policy_list_csv, name="policy-list-csv"),
    path("policy-reviews/", policies.policy_review_list, name="policy-review-list"),
    path("overrides/", policies.policy_override_list, name="policy-override-list"),
    path("policies/<slug:slug>/", policies.policy_detail, name="policy-detail"),
    path("policies/<slug:slug>/draft/", drafts.version_draft, name="version-draft"),
    path("policy-versions/<int:pk>/", policies.version_detail, name="version-detail"),
    path("policy-versions/<int:pk>/edit/", drafts.version_edit, name="version-edit"),
    path("policy-versions/<int:pk>/terms/<slug:key>/", drafts.version_term, name="version-term"),
    path("policy-versions/<int:pk>/statements/new/", drafts.clause_create, name="clause-create"),
    path("policy-statements/<int:pk>/", drafts.clause_amend, name="clause-amend"),
    path("policy-statements/<int:pk>/remove/", drafts.clause_remove, name="clause-remove"),
    path("policy-versions/<int:pk>/free-text/", drafts.version_free_text, name="version-free-text"),
    path("policy-versions/<int:pk>/try/", examples.version_try, name="version-try"),
    path("policy-versions/<int:pk>/examples/new/", examples.example_create, name="example-create"),
    path("policy-examples/<int:pk>/", examples.example_amend, name="example-amend"),
    path("policy-versions/<int:pk>/examples/move/", examples.example_move_all, name="example-move-all"),
    path("policy-examples/<int:pk>/move/", examples.example_move, name="example-move"),
    path("policy-examples/<int:pk>/remove/", examples.example_remove, name="example-remove"),
    path("policy-versions/<int:pk>/compare/", comparison.version_compare, name="version-compare"),
    path("policy-versions/<int:pk>/submit/", policies.version_submit, name="version-submit"),
    path("policy-versions/<int:pk>/send-back/", policies.version_send_back, name="version-send-back"),
    path("policy-versions/<int:pk>/review/", policies.version_review, name="version-review"),
    path("policy-versions/<int:pk>/publish/", policies.version_publish, name="version-publish"),
    path("policy-versions/<int:pk>/retire/", policies.version_retire, name="version-retire"),
    path("policy-versions/<int:pk>/discard/", drafts.version_discard, name="version-discard"),
    # Rule packs
    path("rule-packs/", packs.pack_list, name="pack-list"),
    path("rule-packs/rule-packs.zip", packs.pack_zip, name="pack-zip"),
    path("rule-packs/<slug:slug>.toml", packs.pack_toml, name="pack-toml"),
    path("rule-packs/bring-in/", packs.pack_import, name="pack-import"),
    path("rule-packs/bring-in/drafts/", packs.pack_bring_in, name="pack-bring-in"),
    path("rule-packs/compare/", packs.pack_compare, name="pack-compare"),
]
