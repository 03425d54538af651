"""Queries that are put together once and asked often, each time with other values.

Where a page asks a dozen things at every turn, putting a query together takes longer than its answer. So a queryset is
made once, with a `Given` wherever a value will stand, and kept as the database takes it:

    @cache
    def _planned() -> Query:
        return ScheduledFraction.objects.filter(machine=Given("machine")).values_list("pk").query.sql_with_params()

    answer(_planned(), machine=machine.pk)
"""

from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Expression

from portal.models import User

# The words of a query, and its values: those that are given later by their names.
Query = tuple[str, tuple[Any, ...]]


class Person(NamedTuple):
    """All of a person on which it depends what they see: a query that is kept for one is kept under this."""

    pk: int
    organization_id: int | None
    sees_all_departments: bool

    @classmethod
    def of(cls, user: User) -> "Person":
        return cls(user.pk, user.organization_id, user.sees_all_departments)

    @property
    def as_user(self) -> User:
        return User(**self._asdict())


class Given(Expression):
    """The place of a value that is given when the query is asked."""

    sql = "%s"

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        return self.sql, [self]


class GivenKeys(Given):
    """The place of a list of keys, for an `__in`."""

    sql = "(SELECT unnest(%s::bigint[]))"


class GivenTexts(Given):
    """The place of a list of texts, for an `__in`."""

    sql = "(SELECT unnest(%s::text[]))"


def answer(query: Query, **given: Any) -> list[tuple[Any, ...]]:
    """The rows of the query for the values given, as the database has them, without a record of each."""
    sql, values = query
    with connection.cursor() as cursor:
        cursor.execute(sql, [given[value.name] if isinstance(value, Given) else value for value in values])
        return cursor.fetchall()
