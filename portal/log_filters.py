"""Keeps patients' data out of the log: an exception is named and placed, its values are not written."""

import logging
import traceback


class NoValues(logging.Filter):
    """Replace a record's exception text, which may quote a row, by the exception's name and the lines it passed."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            places = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
            record.exc_text = f"{type(error).__name__} at " + " < ".join(reversed(places))
            record.exc_info = None
        return True
