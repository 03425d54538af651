"""Loading official reference files: all of a file or nothing, and what it changed against the load before it."""

import hashlib
import json
from collections.abc import Sequence
from datetime import date, datetime

from django.db import connection, transaction
from psycopg.errors import UniqueViolation

from coding.models import ReferenceLoad, ReferenceRow
from coding.recapture_services import list_recapture_of_load
from coding.reference_files import ReferenceFile, ReferenceFileError, place_of_second, read_rows
from portal.models import Organization, User
from portal.services.audit import record_event

COPY_ROWS = 'COPY coding_referencerow (load_id, key, "values") FROM STDIN'
# A pair with a deletion date is in the file and no longer in force: it counts as deleted, and its return as added.
COUNT_CHANGES = """
    WITH before AS (
        SELECT key, "values" FROM coding_referencerow WHERE load_id = %(before)s AND NOT "values" ? 'until'
    ), after AS (
        SELECT key, "values" FROM coding_referencerow WHERE load_id = %(after)s AND NOT "values" ? 'until'
    )
    SELECT count(*) FILTER (WHERE before.key IS NULL),
           count(*) FILTER (WHERE after.key IS NULL),
           count(*) FILTER (WHERE before."values" <> after."values")
    FROM before FULL JOIN after ON before.key = after.key
"""


class AlreadyLoaded(Exception):
    """A file of this kind with this first day is loaded; `load` is it. Loading again must be asked for."""

    def __init__(self, load: ReferenceLoad) -> None:
        super().__init__(str(load))
        self.load = load


@transaction.atomic
def load_reference(
    *,
    kind: str,
    effective_from: date,
    release: str,
    files: Sequence[ReferenceFile],
    by: User | None,
    at: datetime,
    replace: bool = False,
) -> ReferenceLoad:
    """Load the files of one release, for dates of service from a day on; several files are the parts of one table.

    Counts what the load adds, deletes and changes against the one of its kind that began before it, and counts the
    next one anew. The worker lists the sessions that it answers otherwise than they were charged. Raises
    ReferenceFileError, and AlreadyLoaded unless the load with that start is to be replaced.
    """
    # Two people who load at once take turns: the second sees what the first has loaded.
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE coding_referenceload IN SHARE ROW EXCLUSIVE MODE")
    existing = ReferenceLoad.objects.filter(kind=kind, effective_from=effective_from).first()
    if existing is not None:
        if not replace:
            raise AlreadyLoaded(existing)
        _remove(existing, by)
    load = ReferenceLoad.objects.create(
        kind=kind,
        effective_from=effective_from,
        release=release,
        file_name=", ".join(file.name for file in files)[:200],
        file_digest=digest_of(files),
        loaded_by=by,
        loaded_at=at,
    )
    load.rows_loaded = _copy(load, files)
    if not load.rows_loaded:
        raise ReferenceFileError(load.file_name, "has a heading and no row", "Download it again")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE coding_referencerow")
    _count_changes(load)
    following = ReferenceLoad.objects.filter(kind=kind, effective_from__gt=effective_from).order_by("effective_from")
    if (later := following.first()) is not None:
        _count_changes(later)
    _record(load, "load_reference", f"{load} loaded for dates of service from {effective_from.isoformat()}", by)
    list_recapture_of_load(load=load, by=by)
    return load


def load_before(load: ReferenceLoad) -> ReferenceLoad | None:
    """The load of the same kind that began before, or None for the first."""
    earlier = ReferenceLoad.objects.filter(kind=load.kind, effective_from__lt=load.effective_from)
    return earlier.order_by("-effective_from").first()


def digest_of(files: Sequence[ReferenceFile]) -> str:
    """SHA-256 over the bytes of the files in their order."""
    found = hashlib.sha256()
    for file in files:
        with file.open() as stream:
            while chunk := stream.read(1024 * 1024):
                found.update(chunk)
    return found.hexdigest()


def _copy(load: ReferenceLoad, files: Sequence[ReferenceFile]) -> int:
    number = 0
    try:
        with transaction.atomic(), connection.cursor() as cursor, cursor.copy(COPY_ROWS) as copy:
            for _place, (key, values) in read_rows(load.kind, files):
                copy.write_row((load.pk, key, json.dumps(values)))
                number += 1
    except UniqueViolation as error:
        key = _key_of(error)
        raise ReferenceFileError(
            place_of_second(load.kind, files, key), f"'{key}' stands in the file twice", "Send each part once"
        ) from error
    return number


def _key_of(error: UniqueViolation) -> str:
    """The key in what PostgreSQL says of it: Key (load_id, key)=(1, 77386) already exists."""
    detail = error.diag.message_detail or ""
    return detail.partition("=(")[2].partition(", ")[2].rpartition(")")[0]


def _count_changes(load: ReferenceLoad) -> None:
    before = load_before(load)
    with connection.cursor() as cursor:
        cursor.execute(COUNT_CHANGES, {"before": before.pk if before else None, "after": load.pk})
        load.added, load.removed, load.changed = cursor.fetchone()
    load.save(update_fields=["rows_loaded", "added", "removed", "changed"])


def _remove(load: ReferenceLoad, by: User | None) -> None:
    _record(load, "replace_reference", f"{load} from {load.effective_from.isoformat()} taken out to be replaced", by)
    ReferenceRow.objects.filter(load=load)._raw_delete("default")
    load.delete()


def _record(load: ReferenceLoad, action: str, sentence: str, by: User | None) -> None:
    """Add the act to the trail of every organization, for the facts are the same for all; only its own sees who did."""
    for organization in Organization.objects.order_by("pk"):
        is_own = by is not None and by.organization_id == organization.pk
        record_event(
            subject=load,
            action=action,
            sentence=sentence,
            by=by if is_own else None,
            organization=organization,
            changes={"rows": (None, load.rows_loaded), "file": (None, load.file_digest)},
        )
