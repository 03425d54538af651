"""The policy editor: who has which version in force, what a draft says, and what it changes."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from coding.engine.codebook import Codebook
from coding.engine.terms import in_force
from coding.engine.vocabulary import PayerKind
from coding.shaping import is_review_overdue
from payers.models import ClauseTopic, Payer, PolicyVersion, VersionStatus
from payers.presenters.comparison import differences
from payers.presenters.terms import TERM_TOPICS, TERM_WORDS, default_in_words, stored_in_words
from portal.models import AuditEvent, Organization


def policy_rows(organization: Organization | int, *, today: date) -> list[dict[str, Any]]:
    """Every payer with its version in force today, the next one, and its draft, in two queries."""
    payers = list(Payer.objects.filter(organization=organization).select_related("policy"))
    versions: dict[int, list[PolicyVersion]] = {payer.pk: [] for payer in payers}
    every = PolicyVersion.objects.filter(policy__payer__in=payers).select_related("policy__payer")
    for version in every.order_by("effective_from", "revision"):
        versions[version.policy.payer_id].append(version)
    return [_row(payer, versions[payer.pk], today) for payer in payers]


def _row(payer: Payer, versions: list[PolicyVersion], today: date) -> dict[str, Any]:
    published = [version for version in versions if version.status == VersionStatus.PUBLISHED]
    current = in_force(published, today)
    return {
        "payer": payer,
        "current": current,
        "is_overdue": bool(current and is_review_overdue(current, today)),
        "next": next((version for version in published if version.effective_from > today), None),
        "draft": next((version for version in versions if version.status == VersionStatus.DRAFT), None),
    }


def policy_page(payer: Payer, *, today: date) -> dict[str, Any]:
    """One policy: its versions newest first, each with its standing, and whether there is a draft."""
    versions = list(
        payer.policy.versions.select_related("policy__payer", "drafted_by", "published_by", "retired_by").order_by(
            "-effective_from", "-revision"
        )
    )
    published = [version for version in reversed(versions) if version.status == VersionStatus.PUBLISHED]
    current = in_force(published, today)
    return {
        "payer": payer,
        "policy": payer.policy,
        "current": current,
        "is_overdue": bool(current and is_review_overdue(current, today)),
        "draft": next((version for version in versions if version.status == VersionStatus.DRAFT), None),
        "versions": [(version, standing(version, published, current)) for version in versions],
    }


def standing(version: PolicyVersion, published: list[PolicyVersion], current: PolicyVersion | None) -> str:
    """How a version stands today: superseded is derived, never stored. `published` are in order of start."""
    if version.status != VersionStatus.PUBLISHED:
        return version.get_status_display()
    if version == current:
        return _("In force")
    corrected = any(
        other.effective_from == version.effective_from and other.revision > version.revision for other in published
    )
    if corrected:
        return "Corrected"
    if current is None or version.effective_from > current.effective_from:
        return "Scheduled"
    return "Superseded"


def term_groups(version: PolicyVersion, codebook: Codebook) -> list[dict[str, Any]]:
    """The terms of a version under the headings that a biller thinks in, each set or left to the house."""
    payer = version.policy.payer
    defaults = codebook.house_defaults(payer.slug, PayerKind(payer.kind))
    clauses = {clause.term: clause for clause in version.clauses.all() if clause.term}
    groups = []
    for topic in TERM_TOPICS:
        rows = [
            {
                "key": words.key,
                "label": words.label,
                "is_set": words.key in version.terms,
                "value": stored_in_words(words.key, version.terms[words.key]) if words.key in version.terms else "",
                "default": default_in_words(words.key, defaults),
                "clause": clauses.get(words.key),
            }
            for words in TERM_WORDS
            if words.topic is topic
        ]
        groups.append({"title": topic.label, "rows": rows})
    return groups


def statements(version: PolicyVersion) -> list[tuple[str, list[Any]]]:
    """The clauses that set no term, under their headings."""
    clauses = [clause for clause in version.clauses.all() if not clause.term]
    groups = [(topic.label, [clause for clause in clauses if clause.topic == topic]) for topic in ClauseTopic]
    return [(label, of_topic) for label, of_topic in groups if of_topic]


def version_page(version: PolicyVersion, *, codebook: Codebook) -> dict[str, Any]:
    """One version in full: terms, statements, and what was done with it."""
    return {
        "version": version,
        "payer": version.policy.payer,
        "is_draft": version.status == VersionStatus.DRAFT,
        "is_published": version.status == VersionStatus.PUBLISHED,
        "groups": term_groups(version, codebook),
        "statements": statements(version),
        "events": AuditEvent.objects.about(version).select_related("by"),
    }


def comparison_page(version: PolicyVersion) -> dict[str, Any]:
    """A version beside the one that it takes over from, field by field."""
    before = predecessor(version)
    return {
        "version": version,
        "payer": version.policy.payer,
        "before": before,
        "changes": differences(before, version),
    }


def form_page(
    form: object, *, title: str, payer: Payer, version: PolicyVersion | None = None, submit_label: str = ""
) -> dict[str, Any]:
    """A form on a page of its own, with the way back to the draft or the policy."""
    crumbs = [(_("Policies"), reverse("policy-list")), (payer.name, reverse("policy-detail", args=[payer.slug]))]
    if version:
        crumbs.append((_("Draft"), reverse("version-edit", args=[version.pk])))
    return {
        "form": form,
        "title": title,
        "crumbs": crumbs,
        "cancel_url": crumbs[-1][1],
        "submit_label": submit_label or _("Save"),
    }


def predecessor(version: PolicyVersion) -> PolicyVersion | None:
    """The published version that would hold on its first day without it: what it corrects, or the one before."""
    older: Iterable[PolicyVersion] = (
        version.policy.versions.in_force(on=version.effective_from).with_terms().exclude(pk=version.pk)
    )
    for other in older:
        if (other.effective_from, other.revision) < (version.effective_from, version.revision):
            return other
    return None
