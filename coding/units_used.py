"""Units used of authorizations: kept by authorization, counted anew where visits changed, and read so that both agree.

A patient with a mark is old: what visits used is counted from the sessions until `refresh_units_used` has kept it.
"""

from collections.abc import Collection
from datetime import timedelta

from django.contrib.postgres.expressions import ArraySubquery
from django.db import connection, transaction
from django.db.models import (
    Count,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    QuerySet,
    TextField,
    Value,
    Window,
)
from django.db.models.functions import Cast, Concat, Lag

from coding.models import UnitsMark, UnitsUsed
from payers.models import Authorization
from portal.models import Completion, DeliveredFraction, TreatmentSession

ONE_MINUTE = timedelta(minutes=1)
# Marked patients that one transaction counts.
PATIENTS_AT_ONCE = 2000


def with_units_used(authorizations: QuerySet) -> list[QuerySet]:
    """Authorizations with the units that visits used of each as `used`, the same as `PatientRecord.units_used`.

    In one or two parts that have none in common, what is kept and what is counted, to be asked in one statement: a mark
    that comes or goes moves an authorization from one to the other. Reads the marks in a query of its own.
    """
    marked = list(UnitsMark.objects.order_by().values_list("patient", flat=True).distinct())
    is_marked = Q(course__patient__in=marked)
    # One that was entered since the marks were read has nothing kept, and is left out.
    kept = authorizations.filter(~is_marked, units_used__isnull=False).annotate(used=F("units_used__number"))
    return [kept, _counted(authorizations.filter(is_marked), marked)] if marked else [kept]


def refresh_units_used() -> int:
    """Count the authorizations of marked patients anew; how many patients were. Safe beside whatever is written."""
    number = refreshed = _refresh()
    while refreshed == PATIENTS_AT_ONCE:
        refreshed = _refresh()
        number += refreshed
    return number


@transaction.atomic
def _refresh() -> int:
    """Count anew for some of the marked patients; how many they were.

    A write that commits between taking the marks away and counting leaves a mark that this one did not see, and its
    patient stays marked.
    """
    marks = UnitsMark._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('units used', 0))")
        cursor.execute(
            f"DELETE FROM {marks} WHERE patient_id IN (SELECT DISTINCT patient_id FROM {marks} LIMIT %s) "
            "RETURNING patient_id",
            [PATIENTS_AT_ONCE],
        )
        patients = {patient_id for (patient_id,) in cursor.fetchall()}
        if not patients:
            return 0
        UnitsUsed.objects.filter(authorization__course__patient__in=patients).delete()
        counted = _counted(Authorization.objects.filter(course__patient__in=patients), patients)
        sql, values = counted.order_by().values_list("pk", "used").query.sql_with_params()
        cursor.execute(f"INSERT INTO {UnitsUsed._meta.db_table} (authorization_id, number) {sql}", values)
    return len(patients)


def _counted(authorizations: QuerySet, patients: Collection[int]) -> QuerySet:
    """Authorizations of these patients with `used` counted from the sessions."""
    day = F("course__sessions__date_of_service")
    counts = (
        Q(course__sessions__in=_own_visits(patients))
        & Q(starts_on__lte=day)
        & (Q(ends_on__isnull=True) | Q(ends_on__gte=day))
    )
    return authorizations.annotate(used=Count("course__sessions", filter=counts))


def _own_visits(patients: Collection[int]) -> QuerySet:
    """The ids of the sessions of patients that are visits of their own, told as `coding.shaping` tells them.

    A session entered twice or without beam is none, and none that follows another too soon to be a second visit.
    """
    fractions = DeliveredFraction.objects.filter(session=OuterRef("pk")).order_by("prescription_id")
    told = ArraySubquery(
        fractions.values_list(
            Concat(
                Cast("prescription_id", TextField()),
                Value(" "),
                Cast("fraction_number", TextField()),
                output_field=TextField(),
            )
        )
    )
    standing = TreatmentSession.objects.standing().filter(course__patient__in=patients)
    # The id is added to, and fractions are compared both ways round, so that neither is what rows are looked up by:
    # they are asked only of the few sessions of a course that begin alike.
    entered_before = standing.alias(told=told, entry=F("pk") + 0).filter(
        course=OuterRef("course"),
        started_at=OuterRef("started_at"),
        entry__lt=OuterRef("pk"),
        told__contains=OuterRef("told"),
        told__contained_by=OuterRef("told"),
    )
    one_visit = ExpressionWrapper(F("department__minutes_of_one_visit") * Value(ONE_MINUTE), DurationField())
    return (
        standing.exclude(completion=Completion.NOT_STARTED)
        .alias(told=told)
        .filter(~Exists(entered_before))
        .alias(
            before=Window(
                Lag("started_at"), partition_by=["course__patient", "date_of_service"], order_by=["started_at", "pk"]
            )
        )
        .filter(Q(before__isnull=True) | Q(started_at__gte=F("before") + one_visit))
        .order_by()
        .values("pk")
    )
