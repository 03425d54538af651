"""A number on a page, and the list behind it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _


@dataclass(frozen=True, slots=True)
class Number:
    """A count with the address of a list of exactly so many rows; nothing leads nowhere, and None is not known yet.

    `detail` says more of the rows than how many they are; `tone` is the state that names the count's colour.
    """

    label: str
    count: int | None
    address: str = ""
    tone: str = ""
    detail: str = ""

    @property
    def url(self) -> str:
        return self.address if self.count else ""

    @property
    def text(self) -> str:
        return _("not known yet") if self.count is None else f"{self.count:,}"


def list_of(name: str, filters: Mapping[str, Any] | None = None, **more: Any) -> str:
    """The address of a list with its filters; one that is empty is left out."""
    asked = {key: value for key, value in {**(filters or {}), **more}.items() if value not in ("", None)}
    return reverse(name) + (f"?{urlencode(asked)}" if asked else "")
