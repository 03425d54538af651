"""The policies of payers: who has which version in force, what one says, what it changes, and what keeps it back."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from coding.engine.codebook import Codebook
from coding.engine.terms import in_force
from coding.engine.vocabulary import PayerKind
from coding.policy_checks import days_of
from coding.publishing import VersionCheck
from coding.shaping import REVIEW_OVERDUE_AFTER_DAYS, is_review_overdue, last_reviewed_on
from payers.models import ClauseTopic, Payer, PolicyVersion, VersionStatus
from payers.presenters.overrides import override_in_words
from payers.presenters.terms import TERM_TOPICS, TERM_WORDS, default_in_words, stored_in_words
from payers.presenters.versions import comparison_of
from payers.reading_services import predecessor
from payers.services import needs_second_person, overrides_of
from portal.models import AuditEvent, Organization
from portal.presenters.setup import yes_no


def policy_rows(organization: Organization | int, *, today: date) -> list[dict[str, Any]]:
    """Every payer with its version in force today, the next one, and the one not published yet, in four queries."""
    payers = list(Payer.objects.filter(organization=organization).select_related("policy"))
    versions: dict[int, list[PolicyVersion]] = {payer.pk: [] for payer in payers}
    every = PolicyVersion.objects.filter(policy__payer__in=payers).with_terms().prefetch_related("reviews")
    for version in every.order_by("effective_from", "revision"):
        versions[version.policy.payer_id].append(version)
    return [_row(payer, versions[payer.pk], today) for payer in payers]


def _row(payer: Payer, versions: list[PolicyVersion], today: date) -> dict[str, Any]:
    published = [version for version in versions if version.status == VersionStatus.PUBLISHED]
    current = in_force(published, today)
    return {
        "payer": payer,
        "current": current,
        "reviewed_on": last_reviewed_on(current, today) if current else None,
        "is_overdue": bool(current and is_review_overdue(current, today)),
        "next": next((version for version in published if version.effective_from > today), None),
        "unpublished": next((version for version in versions if version.is_unpublished), None),
    }


def policies_table(organization: Organization | int, *, today: date) -> Iterator[list[str]]:
    """The list of policies as a table for a file."""
    yield [
        *(_("Payer"), _("Active"), _("In force from"), _("Next from"), _("Not published yet"), _("From")),
        *(_("Reviewed on"), _("Review overdue")),
    ]
    for row in policy_rows(organization, today=today):
        current, following, unpublished = row["current"], row["next"], row["unpublished"]
        yield [
            row["payer"].name,
            yes_no(row["payer"].is_active),
            current.effective_from.isoformat() if current else _("none: its sessions are held"),
            following.effective_from.isoformat() if following else "",
            unpublished.get_status_display() if unpublished else "",
            unpublished.effective_from.isoformat() if unpublished else "",
            row["reviewed_on"].isoformat() if row["reviewed_on"] else "",
            yes_no(row["is_overdue"]),
        ]


def overdue_rows(organization: Organization | int, *, today: date) -> list[dict[str, Any]]:
    """The versions in force of active payers whose review is overdue, the longest first."""
    rows = [
        {
            "payer": row["payer"],
            "version": row["current"],
            "reviewed_on": row["reviewed_on"],
            "days_over": (today - row["reviewed_on"]).days - REVIEW_OVERDUE_AFTER_DAYS,
            "unpublished": row["unpublished"],
        }
        for row in policy_rows(organization, today=today)
        if row["is_overdue"] and row["payer"].is_active
    ]
    return sorted(rows, key=lambda row: row["reviewed_on"])


def policy_page(payer: Payer, *, today: date) -> dict[str, Any]:
    """One policy: its versions newest first, each with its standing, and whether there is a draft."""
    versions = list(
        payer.policy.versions.with_terms()
        .select_related("drafted_by", "submitted_by", "published_by", "retired_by")
        .prefetch_related("reviews")
        .order_by("-effective_from", "-revision")
    )
    published = [version for version in reversed(versions) if version.status == VersionStatus.PUBLISHED]
    current = in_force(published, today)
    return {
        "payer": payer,
        "policy": payer.policy,
        "current": current,
        "is_overdue": bool(current and is_review_overdue(current, today)),
        "unpublished": next((version for version in versions if version.is_unpublished), None),
        "versions": [
            {
                "version": version,
                "standing": standing(version, published, current),
                "reviewed_on": last_reviewed_on(version, today),
            }
            for version in versions
        ],
        "is_published_alone": not payer.organization.publishing_needs_second_person,
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
        return _("Corrected")
    if current is None or version.effective_from > current.effective_from:
        return _("Scheduled")
    return _("Superseded")


def how_it_stands(version: PolicyVersion, *, today: date) -> dict[str, Any]:
    """How one version stands on a day, when it was last compared with its sources, and whether that is overdue."""
    published = list(version.policy.versions.published().order_by("effective_from", "revision"))
    current = in_force(published, today)
    return {
        "standing": standing(version, published, current),
        "reviewed_on": last_reviewed_on(version, today),
        "is_overdue": version == current and is_review_overdue(version, today),
    }


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
        "is_in_review": version.status == VersionStatus.IN_REVIEW,
        "is_published": version.status == VersionStatus.PUBLISHED,
        "groups": term_groups(version, codebook),
        "statements": statements(version),
        "reviews": version.reviews.select_related("by"),
        "sent_back": sent_back(version),
        "overrides": [override_in_words(key, version.terms[key]) for key in overrides_of(version.terms)],
        "events": AuditEvent.objects.about(version).select_related("by"),
    }


def check_page(version: PolicyVersion, check: VersionCheck, *, codebook: Codebook) -> dict[str, Any]:
    """A version before its next step: what it changes, what its examples are answered with, what keeps it back."""
    return comparison_of(version, predecessor(version)) | {
        "answers": check.answers,
        "reasons": check.reasons,
        "groups": term_groups(version, codebook),
        "last_day": days_of(version).last_day,
        "overrides": [override_in_words(key, version.terms[key]) for key in overrides_of(version.terms)],
        "is_published_alone": not needs_second_person(version),
    }


def sent_back(version: PolicyVersion) -> dict[str, Any] | None:
    """Who sent a draft back from its review, when, and what is to change; None where nobody did."""
    if version.status != VersionStatus.DRAFT:
        return None
    event = AuditEvent.objects.about(version).filter(action="send_back_version").select_related("by").first()
    return {"by": event.by, "at": event.at, "reason": event.changes["reason"][1]} if event else None


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
