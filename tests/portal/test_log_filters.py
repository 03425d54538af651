"""No patient's data in the log, even when a database error quotes the row."""

import io
import logging

from portal.log_filters import NoValues


def test_exception_is_named_and_placed_without_its_text():
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.addFilter(NoValues())
    logger = logging.Logger("of this test")
    logger.addHandler(handler)

    try:
        raise ValueError("Key (name)=(Wendeline Featherstone) already exists")
    except ValueError:
        logger.exception("The session could not be recorded")

    assert "The session could not be recorded" in written.getvalue()
    assert "ValueError at " in written.getvalue()
    assert "test_log_filters.py:" in written.getvalue()
    assert "Featherstone" not in written.getvalue()
