"""Rows of the demo copied by SQL, as fast as PostgreSQL writes them."""

import contextlib
from collections.abc import Iterator

from django.db import connection, models
from django.db.backends.utils import CursorWrapper


@contextlib.contextmanager
def unguarded() -> Iterator[CursorWrapper]:
    """A cursor whose writes no trigger looks at; the tables are analyzed at the end."""
    with connection.cursor() as cursor:
        # The guards of single rows would take longer than the rows.
        cursor.execute("SET session_replication_role = replica")
        yield cursor
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("VACUUM ANALYZE")


def copy_rows(cursor: CursorWrapper, model: type[models.Model], joined: str, **changed: str) -> None:
    """Insert a copy of `row` for each row of `joined`, which joins to it; `changed` columns are expressions."""
    columns = [field.column for field in model._meta.concrete_fields]
    kept = [column for column in columns if column != "id" or "id" in changed]
    values = ", ".join(changed.get(column, f"row.{column}") for column in kept)
    cursor.execute(
        f"INSERT INTO {model._meta.db_table} ({', '.join(kept)}) SELECT {values} "
        f"FROM {model._meta.db_table} row {joined}"
    )
