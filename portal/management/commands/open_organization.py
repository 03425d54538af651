"""Open an organization: its roles, its payers with their first policies, and an administrator."""

import getpass
import os

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from payers.pack_services import install_packs
from portal.models import Organization, User
from portal.roles import install_roles


class Command(BaseCommand):
    help = "Make an organization and its first administrator; the password is asked for, or read from ADMIN_PASSWORD."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("slug")
        parser.add_argument("--administrator", required=True, metavar="USERNAME")

    @transaction.atomic
    def handle(self, *args: object, **options: object) -> None:
        name, slug, username = options["name"], options["slug"], options["administrator"]
        if Organization.objects.filter(slug=slug).exists() or User.objects.filter(username=username).exists():
            raise CommandError(f"{slug} or the user {username} exists already", returncode=2)
        password = os.environ.get("ADMIN_PASSWORD") or getpass.getpass("Password of the administrator: ")
        try:
            validate_password(password)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages), returncode=2) from error
        organization = Organization.objects.create(name=name, slug=slug)
        administrator = User(username=username, organization=organization)
        administrator.set_password(password)
        administrator.save()
        administrator.groups.add(install_roles()["admin"])
        install_packs(organization=organization, by=administrator)
        self.stdout.write(f"{name} is open; {username} signs in and sets up departments and people.")
