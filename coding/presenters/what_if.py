"""What would change a line, in words: one other fact, and the answer that the engine gives with it."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from coding.codebook_files import load_codebook
from coding.engine.findings import Finding
from coding.engine.periods import in_words
from coding.engine.ruling import Charge
from coding.engine.vocabulary import Isocenters, MotionManagement, Severity
from coding.models import ChargeLine
from coding.what_if import RuledSession, WhatIf, charge_of_today, what_would_change
from portal.presenters.rulings import finding_title


@dataclass(frozen=True, slots=True)
class Change:
    """One fact changed, in words, and the line then: its charge, or none, and what comes or goes with it."""

    words: str
    charge: Charge | None
    consequences: list[str]


def changes_of(asked: RuledSession, line: ChargeLine) -> list[Change]:
    """What would give the line another answer, the likeliest first.

    Where what is recorded today gives another one already, that alone is said: capturing again changes the line.
    """
    if not is_as_ruled_today(asked, line):
        charge = charge_of_today(asked, claim_form=line.claim_form, role=line.role)
        return [Change(_("Captured again, with what is recorded today"), charge, [])]
    found = what_would_change(asked, claim_form=line.claim_form, role=line.role)
    return [Change(_words(change, asked), change.charge, _consequences(change)) for change in found]


def is_as_ruled_today(asked: RuledSession, line: ChargeLine) -> bool:
    """Whether the session as it is recorded now gets the line that is saved."""
    charge = charge_of_today(asked, claim_form=line.claim_form, role=line.role)
    return charge is not None and (
        (charge.code, list(charge.modifiers), charge.units, charge.place_of_service, charge.revenue_code)
        == (line.code, line.modifiers, line.units, line.place_of_service, line.revenue_code)
    )


def minutes_in_words(minutes: int) -> str:
    """A time between two sessions: 6 h 15 min."""
    hours, rest = divmod(minutes, 60)
    if not hours:
        return _("%(rest)s min") % {"rest": rest}
    if not rest:
        return _("%(hours)s h") % {"hours": hours}
    return _("%(hours)s h %(rest)s min") % {"hours": hours, "rest": rest}


def _words(change: WhatIf, asked: RuledSession) -> str:
    facts = change.facts
    if change.fact == "date_of_service":
        day = {"day": in_words(facts.date_of_service)}
        is_later = facts.date_of_service > asked.facts.date_of_service
        return _("Date of service %(day)s or later") % day if is_later else _("Date of service %(day)s") % day
    if change.fact == "minutes_before":
        gap = minutes_in_words(facts.earlier_sessions[-1].minutes_before)
        return _("Started %(gap)s after the session before") % {"gap": gap}
    if change.fact == "setting":
        label = load_codebook().settings[facts.setting].label
        return _("Delivered at: %(setting)s") % {"setting": label}
    return FIXED_WORDS[change.fact, _is_yes(change)]()


def _is_yes(change: WhatIf) -> bool:
    """Which of two wordings fits: whether the changed fact now says yes, several, active, or another session."""
    facts = change.facts
    answers = {
        "earlier_sessions": bool(facts.earlier_sessions),
        "is_same_physician": bool(facts.earlier_sessions and facts.earlier_sessions[-1].is_same_physician),
        "motion_management": facts.motion_management is MotionManagement.ACTIVE,
        "isocenters": facts.isocenters is Isocenters.MULTIPLE,
        "is_motion_documented": facts.is_motion_documented,
    }
    return answers.get(change.fact, True)


FIXED_WORDS = {
    ("has_treatment_record", True): lambda: _("With a treatment record"),
    ("is_prescription_signed", True): lambda: _("With the prescription signed by the day"),
    ("is_plan_approved", True): lambda: _("With the plan approved by the day"),
    ("is_image_review_signed", True): lambda: _("With the image review signed"),
    ("is_supervision_documented", True): lambda: _("With supervision documented"),
    ("is_twice_daily_ordered", True): lambda: _("With this many sessions a day ordered"),
    ("is_motion_documented", True): lambda: _("With motion management documented"),
    ("is_motion_documented", False): lambda: _("Without documentation of motion management"),
    ("guidance", True): lambda: _("Without image guidance"),
    ("earlier_sessions", True): lambda: _("As the second session of the day, 8 h after the first"),
    ("earlier_sessions", False): lambda: _("As the first session of the day"),
    ("is_same_physician", True): lambda: _("Under the same physician as the session before"),
    ("is_same_physician", False): lambda: _("Under another physician than the session before"),
    ("motion_management", True): lambda: _("With active motion management"),
    ("motion_management", False): lambda: _("Without active motion management"),
    ("isocenters", True): lambda: _("With several isocenters"),
    ("isocenters", False): lambda: _("With one isocenter"),
    ("inpatient", True): lambda: _("Patient admitted as an inpatient"),
    ("completion", True): lambda: _("Cut short after beam on"),
}


def _consequences(change: WhatIf) -> list[str]:
    """Why there is no line, what refuses or holds it then, and what no longer does."""
    added = [_consequence(finding) for finding in change.added]
    return [*added, *(_("no longer: %(title)s") % {"title": _title(finding)} for finding in change.cleared)]


def _consequence(finding: Finding) -> str:
    title = {"title": _title(finding)}
    if finding.leaves_no_line:
        return _("because: %(title)s") % title
    return _("held: %(title)s") % title if finding.severity is Severity.HOLD else _("refused: %(title)s") % title


def _title(finding: Finding) -> str:
    title = finding_title(finding.name)
    return f"{title[0].lower()}{title[1:]}"
