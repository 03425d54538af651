"""What a person is asked to read, and who of an organization has read which version."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, Min, Q
from django.urls import reverse
from django.utils.translation import gettext as _

from payers.models import Attestation, Payer, PolicyVersion, VersionStatus
from payers.presenters.comparison import Difference, differences
from payers.reading_services import is_news, last_reading, predecessors, to_read
from portal.models import User

DONE_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Asked:
    """One version that a person was asked to read, with what it changes. Instants are on the person's clock."""

    attestation: Attestation
    version: PolicyVersion
    before: PolicyVersion | None
    changes: list[Difference]
    asked_at: datetime
    reminded_at: datetime | None
    attested_at: datetime | None

    @property
    def guidance_url(self) -> str:
        """The guidance page on the version's first day."""
        slug, day = self.version.policy.payer.slug, self.version.effective_from
        return f"{reverse('guidance-detail', args=[slug])}?on={day.isoformat()}"


@dataclass(frozen=True, slots=True)
class Reader:
    """One person who was asked, and how that stands. Instants are on the manager's clock."""

    attestation: Attestation
    name: str
    asked_at: datetime
    attested_at: datetime | None
    reminded_at: datetime | None
    reminded_by: str
    days_open: int


def reading_list(user: User, *, zone: ZoneInfo) -> dict[str, Any]:
    """What waits to be read, each with its changes, and what was read last; a fixed number of queries."""
    done = Attestation.objects.filter(user=user, attested_at__isnull=False).select_related("version__policy__payer")
    return {
        "waiting": _asked(list(to_read(user)), zone),
        "done": [
            {"version": read.version, "attested_at": read.attested_at.astimezone(zone)}
            for read in done.order_by("-attested_at", "-pk")[:DONE_SHOWN]
        ],
    }


def asked_page(attestation: Attestation, *, zone: ZoneInfo) -> Asked:
    """One version that a person was asked to read."""
    return _asked([attestation], zone)[0]


def reading_part(
    user: User, payer: Payer, *, shown: PolicyVersion | None, in_force: PolicyVersion | None
) -> dict[str, Any]:
    """What a guidance page says of its reader: asked to attest, what is new since the last reading, or when that was.

    Only the version in force today is news, and only the page that shows it tells it.
    """
    if shown is None or in_force is None or shown.pk != in_force.pk:
        return {}
    zone = user.zone
    asked = to_read(user).filter(version=shown).first()
    if asked is not None:
        return {"asked": asked_page(asked, zone=zone)}
    last = last_reading(user, payer)
    if last is None:
        return {"version": shown, "is_first": True}
    if not is_news(shown, last.version):
        return {"read_at": last.read_at.astimezone(zone)}
    return {
        "version": shown,
        "changes": differences(last.version, shown),
        "since": last.version,
        "last_read_at": last.read_at.astimezone(zone),
    }


def _asked(attestations: list[Attestation], zone: ZoneInfo) -> list[Asked]:
    versions = list(PolicyVersion.objects.filter(pk__in=[asked.version_id for asked in attestations]).with_terms())
    before = predecessors(versions)
    of_key = {version.pk: version for version in versions}
    found = []
    for asked in attestations:
        version = of_key[asked.version_id]
        found.append(
            Asked(
                attestation=asked,
                version=version,
                before=before[version.pk],
                changes=differences(before[version.pk], version),
                asked_at=asked.asked_at.astimezone(zone),
                reminded_at=asked.reminded_at.astimezone(zone) if asked.reminded_at else None,
                attested_at=asked.attested_at.astimezone(zone) if asked.attested_at else None,
            )
        )
    return found


def version_rows(user: User, *, zone: ZoneInfo, now: datetime) -> list[dict[str, Any]]:
    """Each published version whose readers were asked, the latest first, with how many have read it; one query.

    Whoever may not sign in any more is not waited for.
    """
    waits = Q(attestations__attested_at__isnull=True, attestations__user__is_active=True)
    versions = (
        PolicyVersion.objects.visible_to(user)
        .filter(status=VersionStatus.PUBLISHED, attestations__isnull=False)
        .select_related("policy__payer")
        .annotate(
            waiting=Count("attestations", filter=waits),
            read=Count("attestations", filter=Q(attestations__attested_at__isnull=False)),
            waiting_since=Min("attestations__asked_at", filter=waits),
        )
        .order_by("-published_at", "-pk")
    )
    return [
        {
            "version": version,
            "published_at": version.published_at.astimezone(zone),
            "asked": version.read + version.waiting,
            "read": version.read,
            "waiting": version.waiting,
            "days_open": (now - version.waiting_since).days if version.waiting_since else 0,
        }
        for version in versions
    ]


def readers_page(version: PolicyVersion, *, zone: ZoneInfo, now: datetime) -> dict[str, Any]:
    """Who was asked to read a version: those who have not first, the longest asked at the top."""
    asked = version.attestations.select_related("user", "reminded_by").order_by("asked_at", "user__last_name", "pk")
    readers = [_reader(attestation, zone, now) for attestation in asked]
    return {
        "version": version,
        "payer": version.policy.payer,
        "waiting": [reader for reader in readers if reader.attested_at is None and reader.attestation.user.is_active],
        "read": [reader for reader in readers if reader.attested_at is not None],
    }


def readers_csv(page: dict[str, Any]) -> Iterator[list[str]]:
    """The rows of the file of readers, its head first."""
    yield [_("Version"), _("Reader"), _("Asked"), _("Read"), _("Reminded"), _("Reminded by")]
    for reader in page["waiting"] + page["read"]:
        yield [
            page["version"].label,
            reader.name,
            _day(reader.asked_at),
            _day(reader.attested_at),
            _day(reader.reminded_at),
            reader.reminded_by,
        ]


def _reader(attestation: Attestation, zone: ZoneInfo, now: datetime) -> Reader:
    attested_at, reminded_at = attestation.attested_at, attestation.reminded_at
    return Reader(
        attestation=attestation,
        name=attestation.user.shown_name,
        asked_at=attestation.asked_at.astimezone(zone),
        attested_at=attested_at.astimezone(zone) if attested_at else None,
        reminded_at=reminded_at.astimezone(zone) if reminded_at else None,
        reminded_by=attestation.reminded_by.shown_name if attestation.reminded_by else "",
        days_open=0 if attested_at else (now - attestation.asked_at).days,
    )


def _day(at: datetime | None) -> str:
    return f"{at:%m/%d/%Y}" if at else ""
