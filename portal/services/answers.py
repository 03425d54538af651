"""Queries that are put together once and asked often: as the database takes them, and as it answers.

Where a page asks the same of every machine's day, putting a query together takes longer than its answer.
"""

from typing import Any

from django.db import connection

# A query and its values.
Query = tuple[str, tuple[Any, ...]]


def answer(query: Query) -> list[tuple[Any, ...]]:
    """The rows of the query, without a record of each."""
    with connection.cursor() as cursor:
        cursor.execute(*query)
        return cursor.fetchall()
