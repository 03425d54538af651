"""The ages by which what waits is counted wherever it is: from so many days to so many, both inclusive."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Age:
    """So many days since a hold opened, in words and as the worklist's filters name them; the oldest has no end."""

    least: int
    most: int | None
    label: Any

    @property
    def filters(self) -> dict[str, str]:
        return {"age": str(self.least)} | ({} if self.most is None else {"age_most": str(self.most)})

    def wanted(self, now: datetime, opened: str = "opened_at") -> Q:
        """The holds of this age, or what else began at `opened`; a moment after `now` is of the youngest."""
        return of_age(self.least, self.most, now, opened)


def of_age(least: int | None, most: int | None, now: datetime, opened: str) -> Q:
    """What began at `opened` from so many days to so many before `now`, both inclusive; None leaves an end open."""
    wanted = Q(**{f"{opened}__lte": now - timedelta(days=least)}) if least else Q()
    return wanted if most is None else wanted & Q(**{f"{opened}__gt": now - timedelta(days=most + 1)})


AGES = (
    Age(0, 3, _("up to 3 days")),
    Age(4, 7, _("4 to 7 days")),
    Age(8, 30, _("8 to 30 days")),
    Age(31, None, _("more than 30 days")),
)
