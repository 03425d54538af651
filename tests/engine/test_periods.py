from datetime import date

import pytest

from coding.engine.periods import Period, days_later, in_words, published_in_words, same_date_next_year


@pytest.mark.parametrize(
    ("day", "is_inside"),
    [
        (date(2015, 12, 31), False),
        (date(2016, 1, 1), True),
        (date(2016, 12, 31), True),
        (date(2017, 1, 1), False),
    ],
)
def test_period_both_ends_as_files_write_them(day, is_inside) -> None:
    period = Period.inclusive(date(2016, 1, 1), date(2016, 12, 31))

    assert (day in period) is is_inside


def test_period_open_on_both_sides() -> None:
    assert date.min in Period()
    assert date.max in Period.inclusive(None, date.max)


@pytest.mark.parametrize(
    ("period", "words"),
    [
        (Period(), "on any date"),
        (Period.inclusive(None, date(2025, 12, 31)), "through 12/31/2025"),
        (Period.inclusive(date(2026, 1, 1), None), "from 01/01/2026"),
        (Period.inclusive(date(2015, 1, 1), date(2025, 12, 31)), "from 01/01/2015 through 12/31/2025"),
    ],
)
def test_period_in_words(period, words) -> None:
    assert period.words == words


@pytest.mark.parametrize(
    ("day", "next_year"),
    [
        (date(2025, 11, 23), date(2026, 11, 23)),
        (date(2024, 2, 29), date(2025, 2, 28)),
        (date.max, date.max),
    ],
)
def test_same_date_next_year(day, next_year) -> None:
    assert same_date_next_year(day) == next_year


def test_days_later_stops_at_the_last_day_there_is() -> None:
    assert days_later(date(2025, 12, 16), 90) == date(2026, 3, 16)
    assert days_later(date.max, 90) == date.max


def test_in_words_is_how_billers_write_a_day() -> None:
    assert in_words(date(2026, 3, 1)) == "03/01/2026"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2025-12-31", "12/31/2025"),
        ("2025-12", "12/2025"),
        ("2025", "2025"),
        ("winter 2026", "winter 2026"),
        ("2022 to 2026", "2022 to 2026"),
        ("12/31/2025", "12/31/2025"),
        ("", ""),
    ],
)
def test_published_in_words(text, words) -> None:
    assert published_in_words(text) == words
