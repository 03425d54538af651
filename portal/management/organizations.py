"""The option that every command takes: which organization it works for."""

from django.core.management.base import CommandError, CommandParser

from portal.models import Organization


def add_organization_option(parser: CommandParser) -> None:
    """Add `--organization SLUG`; without it the first organization is meant."""
    parser.add_argument("--organization", metavar="SLUG", default=None, help="default: the first demo organization")


def organization_named(slug: str | None) -> Organization:
    """The organization with the slug, or the first one. Raises CommandError (exit status 2) where there is none."""
    organizations = Organization.objects.order_by("pk")
    organization = organizations.filter(slug=slug).first() if slug else organizations.first()
    if organization is None:
        known = ", ".join(organizations.values_list("slug", flat=True)) or "none; run seed_demo"
        raise CommandError(f"organization {slug!r} is not known; known: {known}", returncode=2)
    return organization
