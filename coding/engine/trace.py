"""The grounds of a ruling, recorded while it is decided and read the same in ten years."""

from dataclasses import dataclass
from datetime import date

from coding.engine.vocabulary import ClaimForm, LineRole


@dataclass(frozen=True, slots=True)
class Citation:
    """The source of a value: what a biller opens to check it. `published` is as the source shows it, or empty."""

    title: str
    url: str = ""
    published: str = ""
    section: str = ""
    reviewed_on: date | None = None


def cited(*groups: tuple[Citation, ...]) -> tuple[Citation, ...]:
    """Citations of several grounds together, each once."""
    return tuple(dict.fromkeys(citation for group in groups for citation in group))


@dataclass(frozen=True, slots=True)
class Step:
    """One decision: the facts it looked at, the rule, what it decided and on whose word.

    `result` is empty where the rule was tried and did not apply; `sentence` then says why it did not.
    `claim_form` and `role` say which line the step is about; None means the whole session.
    `clause` is the key of a payer term, where a payer's clause decided; `is_house_default` marks a term on which the
    version in force is silent. `absent` names each modifier that the rule left off the line, with the reason in words
    that stand in a sentence.
    """

    rule: str
    title: str
    facts: tuple[tuple[str, str], ...]
    sentence: str
    result: str
    citations: tuple[Citation, ...]
    claim_form: ClaimForm | None = None
    role: LineRole | None = None
    clause: str = ""
    is_house_default: bool = False
    absent: tuple[tuple[str, str], ...] = ()
