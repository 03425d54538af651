"""Rulings as they are saved: JSON of findings and traces, and the digests that tell one answer from another."""

import hashlib
import json
from dataclasses import fields, is_dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any

from coding.engine.findings import Finding
from coding.engine.ruling import Ruling


def as_json(value: Any) -> Any:
    """Engine values as JSON keeps them: dataclasses as objects, pairs as lists, absent words as empty text."""
    if is_dataclass(value):
        return {field.name: as_json(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple | list):
        return [as_json(item) for item in value]
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return "" if value is None else value


def finding_as_json(finding: Finding) -> dict[str, Any]:
    """A finding as a ruling keeps it, with whether a person may release it."""
    return {**as_json(finding), "is_hard": finding.is_hard}


def digest(value: Any) -> str:
    """SHA-256 of the value's JSON in one canonical spelling."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def trace_as_json(ruling: Ruling) -> list[dict[str, Any]]:
    """The steps of a ruling as a TraceRecord keeps them."""
    return [as_json(step) for step in ruling.trace]
