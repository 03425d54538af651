"""What an unpublished version would change, as pages and files show it: counts, kinds of change, rows, traces."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, QuerySet, Sum
from django.utils.translation import gettext as _

from coding.answers import digest
from coding.engine.vocabulary import Severity
from coding.impact_services import content_digest
from coding.models import ImpactPreview, ImpactRow
from coding.reports import harmless
from payers.models import PolicyVersion
from portal.models import Job, JobState, User
from portal.presenters.keyset import KeysetPage, keyset_page
from portal.presenters.rulings import finding_title
from portal.services.jobs import is_worker_missing

# The words that make one kind of change: rows that share them are counted together.
KIND = ("lines_before", "lines_after", "findings_before", "findings_after")
KINDS_SHOWN = 12
NAMED_VERSION = re.compile(r"policy version .*? from \d{4}-\d{2}-\d{2}(, revision \d+)?")


@dataclass(frozen=True, slots=True)
class Part:
    """One line or finding in words, and whether the change takes or brings it."""

    text: str
    is_changed: bool


@dataclass(frozen=True, slots=True)
class Sides:
    """What there is and what there would be, in the words of the case files: lines, then errors and holds."""

    before: list[Part]
    after: list[Part]


@dataclass(frozen=True, slots=True)
class ChangeKind:
    """Rows that change alike: from what to what, how many; the address narrows the rows to them."""

    sides: Sides
    number: int
    exported: int
    url: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class HoldCount:
    title: str
    name: str
    appears: int
    vanishes: int


@dataclass(frozen=True, slots=True)
class Running:
    """A job that goes on: how far it is, in pieces, and what a person is told where no worker does it."""

    job: Job
    is_waiting: bool
    is_worker_missing: bool
    percent: int


@dataclass(frozen=True, slots=True)
class ChangedRow:
    row: ImpactRow
    sides: Sides


@dataclass(frozen=True, slots=True)
class Result:
    """A preview that is done. `seen` is how many of its rows the person may see."""

    preview: ImpactPreview
    is_amended_since: bool
    is_throughout: bool
    kinds: list[ChangeKind]
    kinds_more: list[ChangeKind]
    holds: list[HoldCount]
    page: KeysetPage
    rows: list[ChangedRow]
    seen: int
    kept: str
    is_narrowed: bool


@dataclass(frozen=True, slots=True)
class ImpactPage:
    version: PolicyVersion
    running: Running | None
    ended: Job | None
    result: Result | None


@dataclass(frozen=True, slots=True)
class StepPair:
    """A step before and after; one of them is None where the other trace alone has it."""

    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    is_same: bool


def impact_page(version: PolicyVersion, user: User, *, asked: Mapping[str, str]) -> ImpactPage:
    """The version's newest preview as far as it is, and the newest that is done; in a fixed number of queries."""
    previews = list(version.previews.select_related("job")[:20])
    newest = previews[0] if previews else None
    done = next((preview for preview in previews if preview.job.state == JobState.DONE), None)
    is_running = newest is not None and not newest.job.is_over
    has_ended = newest is not None and newest.job.state in (JobState.CANCELLED, JobState.FAILED)
    return ImpactPage(
        version=version,
        running=running(newest.job) if is_running else None,
        ended=newest.job if has_ended else None,
        result=_result(done, version, user, asked) if done else None,
    )


def running(job: Job) -> Running:
    return Running(
        job=job,
        is_waiting=job.state == JobState.WAITING,
        is_worker_missing=is_worker_missing(job),
        percent=job.done * 100 // job.total if job.total else 0,
    )


def rows_of(preview: ImpactPreview, user: User) -> QuerySet:
    """The changed sessions of a preview that the person may see."""
    rows = preview.rows.all()
    return rows if user.sees_all_departments else rows.filter(session__department__users=user)


def narrowed(rows: QuerySet, kind: str) -> QuerySet:
    """The rows of one kind of change; of a kind that is not there, all of them."""
    for words in rows.order_by().values_list(*KIND).distinct():
        if _key(words) == kind:
            return rows.filter(**dict(zip(KIND, words, strict=True)))
    return rows


def impact_csv(rows: QuerySet) -> Iterator[list[str]]:
    """The changed sessions, one a row; as many as the page counts."""
    yield [
        _("Session"),
        _("Date of service"),
        _("Department"),
        _("Patient record number"),
        _("Lines before"),
        _("Lines after"),
        _("Errors and holds before"),
        _("Errors and holds after"),
        _("Holds that appear"),
        _("Holds that vanish"),
        _("Exported lines to correct"),
        _("Difference in dollars"),
    ]
    told = rows.select_related("session__department", "session__course__patient")
    for row in told.order_by("date_of_service", "pk").iterator(chunk_size=500):
        yield [
            str(row.session_id),
            row.date_of_service.isoformat(),
            harmless(row.session.department.name),
            harmless(row.session.course.patient.number),
            row.lines_before,
            row.lines_after,
            row.findings_before,
            row.findings_after,
            str(row.holds_added),
            str(row.holds_removed),
            str(row.exported_affected),
            _("not known") if row.amount_difference is None else str(row.amount_difference),
        ]


def sides(lines_before: str, lines_after: str, findings_before: str, findings_after: str) -> Sides:
    """Both sides of a change, each part marked that the other side does not have."""
    lines = lines_before.split(" + "), lines_after.split(" + ")
    findings = _findings(findings_before), _findings(findings_after)
    return Sides(
        before=_marked(lines[0], lines[1]) + _marked(findings[0], findings[1]),
        after=_marked(lines[1], lines[0]) + _marked(findings[1], findings[0]),
    )


def changed_row(row: ImpactRow) -> ChangedRow:
    return ChangedRow(row, sides(*(getattr(row, name) for name in KIND)))


def step_pairs(row: ImpactRow) -> list[list[StepPair]]:
    """Both traces beside each other, step by step, in runs that are the same or differ."""
    before, after = row.trace_before.steps, row.trace_after.steps
    pairs: list[StepPair] = []
    matcher = SequenceMatcher(a=[_place(s) for s in before], b=[_place(s) for s in after], autojunk=False)
    for _tag, a, b, c, d in matcher.get_opcodes():
        old, new = before[a:b], after[c:d]
        for index in range(max(len(old), len(new))):
            one = old[index] if index < len(old) else None
            other = new[index] if index < len(new) else None
            pairs.append(StepPair(one, other, is_same=bool(one and other and _said(one) == _said(other))))
    runs: list[list[StepPair]] = []
    for pair in pairs:
        if runs and runs[-1][0].is_same == pair.is_same:
            runs[-1].append(pair)
        else:
            runs.append([pair])
    return runs


def _result(preview: ImpactPreview, version: PolicyVersion, user: User, asked: Mapping[str, str]) -> Result:
    rows = rows_of(preview, user)
    groups = list(
        rows.order_by().values_list(*KIND).annotate(n=Count("pk"), sent=Sum("exported_affected")).order_by("-n", *KIND)
    )
    chosen = asked.get("kind", "")
    words = next((tuple(group[:4]) for group in groups if _key(group[:4]) == chosen), None)
    kept = {"kind": chosen} if words else {}
    kinds = [_kind(group, chosen) for group in groups]
    narrow = rows.filter(**dict(zip(KIND, words, strict=True))) if words else rows
    told = narrow.select_related("session__course__patient", "session__department")
    page = keyset_page(told, by="date_of_service", asked=asked, kept=kept)
    return Result(
        preview=preview,
        is_amended_since=preview.content_digest != content_digest(version),
        is_throughout=preview.job.arguments["is_throughout"],
        kinds=kinds[:KINDS_SHOWN],
        kinds_more=kinds[KINDS_SHOWN:],
        holds=_holds(groups),
        page=page,
        rows=[changed_row(row) for row in page.rows],
        seen=sum(group[4] for group in groups),
        kept=urlencode(kept),
        is_narrowed=bool(words),
    )


def _kind(group: tuple, chosen: str) -> ChangeKind:
    *words, number, exported = group
    key = _key(words)
    return ChangeKind(
        sides=sides(*words),
        number=number,
        exported=exported,
        url="?" + urlencode({"kind": key}),
        is_chosen=key == chosen,
    )


def _holds(groups: list[tuple]) -> list[HoldCount]:
    """In how many sessions each hold appears or vanishes."""
    appears: Counter[str] = Counter()
    vanishes: Counter[str] = Counter()
    for _before, _after, findings_before, findings_after, number, _exported in groups:
        before, after = set(_findings(findings_before)), set(_findings(findings_after))
        for counter, found in ((appears, after - before), (vanishes, before - after)):
            for word in found:
                severity, _colon, name = word.partition(": ")
                if severity == Severity.HOLD.upper():
                    counter[name] += number
    return [
        HoldCount(finding_title(name), name, appears[name], vanishes[name]) for name in sorted({*appears, *vanishes})
    ]


def _key(words: tuple | list) -> str:
    """How a kind of change is named in an address."""
    return digest(list(words))[:16]


def _findings(words: str) -> list[str]:
    return [word for word in words.split("; ") if word]


def _marked(words: list[str], other: list[str]) -> list[Part]:
    return [Part(word, is_changed=word not in other) for word in words]


def _place(step: Mapping[str, Any]) -> tuple[str, str, str]:
    return (step["rule"], step.get("claim_form", ""), step.get("role", ""))


def _said(step: Mapping[str, Any]) -> list[Any]:
    """What a reader sees of a step, but for its sources and the version that it names: the two always differ in it."""
    sentence = NAMED_VERSION.sub("", step["sentence"])
    return [step["title"], step["facts"], sentence, step["result"], step.get("is_house_default")]
