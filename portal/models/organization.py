"""Who bills, where it delivers, and who may sign in."""

from datetime import date
from zoneinfo import ZoneInfo

from django.contrib.auth.models import AbstractUser
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.models.choices import Biller, ClaimForm, DepartmentSetting
from portal.npi import validate_npi

FIRST_DAY = date(2000, 1, 1)
LAST_DAY = date(2099, 12, 31)


def validate_time_zone(name: str) -> None:
    """Raise ValidationError unless the name is an IANA time zone."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValidationError(
            _("%(name)s is not a time zone; use an IANA name such as America/New_York.") % {"name": name}
        ) from error


class Organization(models.Model):
    """The billing entity. Everything that a user can look up belongs to one, and is looked up within it."""

    name = models.CharField(max_length=120, unique=True)
    slug = models.SlugField(unique=True)
    publishing_needs_second_person = models.BooleanField(
        gettext_lazy("a second person publishes"),
        default=True,
        help_text=gettext_lazy("The author of a policy version may not publish it."),
    )
    is_fictitious = models.BooleanField(default=False, editable=False)

    class Meta:
        ordering = ["name"]
        permissions = [
            ("view_setup", "Can read departments, machines, physicians, payers and prices"),
            ("change_setup", "Can change departments, machines, physicians, payers and prices"),
            ("manage_users", "Can add users and give roles"),
        ]

    def __str__(self) -> str:
        return self.name


class DepartmentQuerySet(models.QuerySet):
    def visible_to(self, user):
        """The departments of the user's organization that the user may see."""
        departments = self.filter(organization=user.organization_id)
        return departments if user.sees_all_departments else departments.filter(users=user)


class Department(models.Model):
    """A place that delivers and bills. Its setting is dated: see DepartmentStatus."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="departments")
    name = models.CharField(max_length=120)
    time_zone = models.CharField(max_length=40, default="America/New_York", validators=[validate_time_zone])
    npi = models.CharField("NPI", max_length=10, validators=[validate_npi])
    taxonomy = models.CharField(max_length=10)
    ccn = models.CharField(gettext_lazy("CMS certification number"), max_length=10, blank=True)
    place_of_service = models.CharField(
        max_length=2,
        help_text=gettext_lazy(
            "As enrolled. The place of service on a line follows the setting on the date of service."
        ),
        validators=[RegexValidator(r"^[0-9]{2}$", gettext_lazy("Two digits, such as 22."))],
    )
    minutes_of_one_visit = models.PositiveSmallIntegerField(
        gettext_lazy("minutes that make one visit"),
        default=180,
        help_text=gettext_lazy("A session that starts sooner after the patient's previous one is the same visit."),
    )
    confirms_matched_rows = models.BooleanField(
        gettext_lazy("confirm all matched rows at once"),
        default=False,
        help_text=gettext_lazy(
            "On the day sheet, for rows that agree with a record of the treatment log in every point."
        ),
    )
    is_active = models.BooleanField("active", default=True)

    objects = DepartmentQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="department_name_once"),
            models.UniqueConstraint(fields=["id", "organization"], name="department_of_organization"),
            models.CheckConstraint(
                condition=models.Q(minutes_of_one_visit__gte=30, minutes_of_one_visit__lte=720),
                name="department_visit_minutes_plausible",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    def setting_on(self, day: date) -> str | None:
        """The setting in force on a day, or None before the first one; reads `statuses`, so prefetch them in a loop."""
        begun = [status for status in self.statuses.all() if status.effective_from <= day]
        return max(begun, key=lambda status: status.effective_from).setting if begun else None


class DepartmentStatus(models.Model):
    """The setting of a department from one date of service on; it ends when the next one begins."""

    department = models.ForeignKey(Department, on_delete=models.CASCADE, related_name="statuses")
    setting = models.CharField(max_length=32, choices=DepartmentSetting)
    effective_from = models.DateField()

    class Meta:
        ordering = ["department", "effective_from"]
        verbose_name_plural = gettext_lazy("department statuses")
        constraints = [
            models.UniqueConstraint(fields=["department", "effective_from"], name="department_status_once_a_day"),
            models.CheckConstraint(
                condition=models.Q(effective_from__gte=FIRST_DAY, effective_from__lte=LAST_DAY),
                name="department_status_date_bounded",
            ),
            models.CheckConstraint(
                condition=models.Q(setting__in=DepartmentSetting.values), name="department_status_setting_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.department} from {self.effective_from}: {self.get_setting_display()}"


class DepartmentBiller(models.Model):
    """Who bills one claim form of a department: hospital, physician group or freestanding owner."""

    department = models.ForeignKey(Department, on_delete=models.CASCADE, related_name="billers")
    claim_form = models.CharField(max_length=16, choices=ClaimForm)
    biller = models.CharField(max_length=20, choices=Biller)
    name = models.CharField(max_length=120)
    npi = models.CharField("NPI", max_length=10, validators=[validate_npi])
    taxonomy = models.CharField(max_length=10)

    class Meta:
        ordering = ["department", "claim_form"]
        constraints = [
            models.UniqueConstraint(fields=["department", "claim_form"], name="department_bills_a_form_once"),
            models.CheckConstraint(
                condition=models.Q(claim_form=ClaimForm.INSTITUTIONAL, biller=Biller.HOSPITAL)
                | models.Q(claim_form=ClaimForm.PROFESSIONAL, biller=Biller.PHYSICIAN_GROUP)
                | models.Q(claim_form=ClaimForm.GLOBAL, biller=Biller.FREESTANDING_OWNER),
                name="department_biller_fits_claim_form",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.get_claim_form_display()}"


class Machine(models.Model):
    """A treatment machine of a department. `source_name` is what the treatment log calls it."""

    department = models.ForeignKey(Department, on_delete=models.PROTECT, related_name="machines")
    name = models.CharField(max_length=60)
    source_name = models.CharField(max_length=60, blank=True)
    is_active = models.BooleanField("active", default=True)

    class Meta:
        ordering = ["department", "name"]
        constraints = [
            models.UniqueConstraint(fields=["department", "name"], name="machine_name_once"),
            models.UniqueConstraint(fields=["id", "department"], name="machine_of_department"),
        ]

    def __str__(self) -> str:
        return self.name


class ClosedDay(models.Model):
    """A day on which a department does not treat, or one of its machines is down: plans go around it."""

    department = models.ForeignKey(Department, on_delete=models.CASCADE, related_name="closed_days")
    machine = models.ForeignKey(
        Machine,
        on_delete=models.CASCADE,
        related_name="closed_days",
        null=True,
        blank=True,
        help_text=gettext_lazy("Empty: the whole department."),
    )
    day = models.DateField()
    reason = models.CharField(max_length=120)

    class Meta:
        ordering = ["department", "day", "machine"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["department", "machine", "day"], nulls_distinct=False, name="closed_day_once_a_machine"
            ),
            models.CheckConstraint(
                condition=models.Q(day__gte=FIRST_DAY, day__lte=LAST_DAY), name="closed_day_bounded"
            ),
            models.CheckConstraint(condition=~models.Q(reason=""), name="closed_day_has_a_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.day}: {self.reason}"


def name_of_physician(family_name: str, given_name: str) -> str:
    """A physician as pages name one, from what a list has looked up."""
    return f"{family_name}, {given_name}"


class Physician(models.Model):
    """A physician who is responsible for sessions and renders the guidance review."""

    class Taxonomy(models.TextChoices):
        RADIATION_ONCOLOGY = "2085R0001X", gettext_lazy("2085R0001X radiation oncology")
        THERAPEUTIC_RADIOLOGY = (
            "2085R0203X",
            gettext_lazy("2085R0203X therapeutic radiology (renamed: prefer 2085R0001X)"),
        )

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="physicians")
    family_name = models.CharField(max_length=80)
    given_name = models.CharField(max_length=80)
    npi = models.CharField("NPI", max_length=10, validators=[validate_npi])
    taxonomy = models.CharField(max_length=10, choices=Taxonomy, default=Taxonomy.RADIATION_ONCOLOGY)
    is_active = models.BooleanField("active", default=True)

    class Meta:
        ordering = ["family_name", "given_name"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "npi"], name="physician_npi_once"),
            models.UniqueConstraint(fields=["id", "organization"], name="physician_of_organization"),
        ]

    def __str__(self) -> str:
        return name_of_physician(self.family_name, self.given_name)


def name_of_user(first_name: str, last_name: str, username: str) -> str:
    """A person as pages name one, from what a list has looked up."""
    return f"{first_name} {last_name}".strip() or username


class User(AbstractUser):
    """A person who signs in. The role is the group; what may be seen is bounded by organization and departments."""

    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="users", null=True, blank=True
    )
    departments = models.ManyToManyField(Department, related_name="users", blank=True)
    sees_all_departments = models.BooleanField(default=True)

    class Meta(AbstractUser.Meta):
        constraints = [
            models.CheckConstraint(
                condition=models.Q(organization__isnull=False) | models.Q(is_superuser=True),
                name="user_belongs_to_an_organization",
            )
        ]

    @property
    def shown_name(self) -> str:
        return name_of_user(self.first_name, self.last_name, self.username)

    @cached_property
    def roles(self) -> list[str]:
        """The names of the person's roles."""
        return list(self.groups.order_by("name").values_list("name", flat=True))

    @cached_property
    def seen_departments(self) -> list[Department]:
        """The departments that the person sees, by name: looked up once for a page."""
        return list(Department.objects.visible_to(self))

    @cached_property
    def seen_machines(self) -> list[Machine]:
        """The machines of those departments, department by department and by name: looked up once for a page."""
        departments = {department.pk: department for department in self.seen_departments}
        machines = list(Machine.objects.filter(department__in=list(departments)).order_by("name"))
        for machine in machines:
            machine.department = departments[machine.department_id]
        order = list(departments)
        return sorted(machines, key=lambda machine: order.index(machine.department_id))

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of the first department that the person sees."""
        return (self.seen_departments[0] if self.seen_departments else Department()).zone
