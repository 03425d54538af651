"""Print one digest of all live charge lines of an organization: equal digests, equal charges."""

import hashlib
import json
from datetime import UTC

from django.core.management.base import BaseCommand, CommandParser

from coding.models import ChargeLine
from portal.management.organizations import add_organization_option, organization_named


class Command(BaseCommand):
    help = "The last line is the SHA-256 of the live charge lines, without ids or clock times."

    def add_arguments(self, parser: CommandParser) -> None:
        add_organization_option(parser)

    def handle(self, *args: object, **options: object) -> None:
        organization = organization_named(options["organization"])
        lines = (
            ChargeLine.objects.live()
            .filter(organization=organization)
            .values_list(
                "organization__slug",
                "session__course__patient__number",
                "session__started_at",
                "claim_form",
                "code",
                "modifiers",
                "units",
                "place_of_service",
                "revenue_code",
                "diagnoses",
                "state",
            )
        )
        rows = sorted(
            json.dumps([slug, patient, started_at.astimezone(UTC).isoformat(), *rest])
            for slug, patient, started_at, *rest in lines.iterator(chunk_size=5000)
        )
        self.stdout.write(f"lines: {len(rows)}")
        self.stdout.write(hashlib.sha256("\n".join(rows).encode()).hexdigest())
