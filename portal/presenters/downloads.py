"""Lists as files that a person takes along."""

from collections.abc import Iterable
from datetime import date

from django.http import StreamingHttpResponse


def csv_download(lines: Iterable[str], *, name: str, on: date) -> StreamingHttpResponse:
    """Lines of CSV as a file that leaves row by row; it is named by what is in it and the day, never by a patient."""
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}-{on:%Y-%m-%d}.csv"'
    return response
