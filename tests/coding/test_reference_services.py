"""Loading official files: all or nothing, what changed against the load before, and replacing."""

from datetime import UTC, date, datetime

import pytest

from coding.models import ReferenceKind, ReferenceLoad, ReferenceRow
from coding.reference_files import ReferenceFileError
from coding.reference_services import AlreadyLoaded, load_reference
from portal.models import AuditEvent
from tests.builders import make_organization, make_user
from tests.coding import reference_samples as samples

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 24, 15, tzinfo=UTC)
Q3, Q4 = date(2026, 7, 1), date(2026, 10, 1)


def load(*rows, on=Q3, **changes) -> ReferenceLoad:
    """A load of NCCI pairs with these rows."""
    return load_reference(
        **{
            "kind": ReferenceKind.PTP_HOSPITAL,
            "effective_from": on,
            "release": f"{on:%Y-%m}",
            "files": [samples.as_file(samples.ptp(*rows))],
            "by": None,
            "at": AT,
        }
        | changes
    )


def counts(found: ReferenceLoad) -> tuple[int, int, int]:
    return found.added, found.removed, found.changed


def test_load_reference_keeps_every_row():
    found = load("77386 77387 20150101 * 0", "77386 77402 20150101 * 1")

    assert (found.rows_loaded, counts(found)) == (2, (2, 0, 0))
    assert found.rows.get(key="77386|77402|20150101").values == {"from": "2015-01-01", "indicator": 1}
    assert len(found.file_digest) == 64


def test_load_reference_counts_against_the_load_before():
    load("77386 77387 20150101 * 0", "77386 77402 20150101 * 1", "77386 77407 20150101 * 1")

    found = load("77386 77387 20150101 * 1", "77386 77402 20150101 20260930 1", "77412 77387 20261001 * 0", on=Q4)

    assert counts(found) == (1, 2, 1)


def test_load_reference_does_not_count_what_was_over_before():
    load("77386 77387 20150101 20200101 0")

    found = load("77386 77387 20150101 20200101 0", "77385 77387 20100101 20110101 0", on=Q4)

    assert counts(found) == (0, 0, 0)


def test_load_reference_counts_the_next_load_anew():
    later = load("77386 77387 20150101 * 0", on=Q4)

    load("77386 77387 20150101 * 1", on=Q3)

    later.refresh_from_db()
    assert counts(later) == (0, 0, 1)


def test_load_reference_of_a_loaded_start_asks_first():
    first = load("77386 77387 20150101 * 0")

    with pytest.raises(AlreadyLoaded) as refused:
        load("77386 77387 20150101 * 1")

    assert refused.value.load == first


def test_load_reference_replaces_and_leaves_a_trail():
    organization = make_organization()
    admin = make_user(organization)
    load("77386 77387 20150101 * 0", by=admin)

    found = load("77386 77387 20150101 * 1", by=admin, replace=True)

    assert list(ReferenceLoad.objects.all()) == [found]
    assert [row.values["indicator"] for row in ReferenceRow.objects.all()] == [1]
    events = AuditEvent.objects.filter(organization=organization, by=admin).order_by("id")
    assert [event.action for event in events] == ["load_reference", "replace_reference", "load_reference"]


def test_load_reference_is_in_the_trail_of_every_organization():
    admin = make_user(make_organization())
    other = make_organization()

    found = load("77386 77387 20150101 * 0", by=admin)

    (event,) = AuditEvent.objects.about(found).filter(organization=other)
    assert event.by is None


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (("77386 77387 20150101 * 0", "77386 7738 20150101 * 0"), "column Column 2: '7738' is not allowed"),
        (("77386 77387 20150101 * 0", "77386 77387 20150101 * 1"), "line 10: '77386|77387|20150101' stands in"),
        ((), "has a heading and no row"),
    ],
)
def test_load_reference_loads_nothing_of_a_file_that_is_wrong(rows, said):
    with pytest.raises(ReferenceFileError) as refused:
        load(*rows)

    assert said in str(refused.value)
    assert not ReferenceLoad.objects.exists()
    assert not ReferenceRow.objects.exists()


def test_load_reference_keeps_the_old_load_where_its_replacement_is_wrong():
    load("77386 77387 20150101 * 0")

    with pytest.raises(ReferenceFileError):
        load("77386 77387 20150101 * 8", replace=True)

    assert ReferenceRow.objects.count() == 1
