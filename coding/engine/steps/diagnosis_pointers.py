"""Which of the course's diagnoses a line points to."""

from coding.engine.claim import Line
from coding.engine.codebook import Codebook
from coding.engine.facts import SessionFacts
from coding.engine.trace import Step

POINTERS_OF_A_LINE = 4


def diagnosis_pointers(line: Line, facts: SessionFacts, codebook: Codebook) -> tuple[tuple[int, ...], Step]:
    """The first four diagnoses in their order, counted from 1; and why."""
    pointers = tuple(range(1, min(len(facts.diagnoses), POINTERS_OF_A_LINE) + 1))
    sentence = (
        "The line points to the diagnoses in the order of the course, four at most."
        if pointers
        else "There is no diagnosis to point to."
    )
    return pointers, Step(
        rule="diagnosis_pointers",
        title="Diagnosis pointers",
        facts=(),
        sentence=sentence,
        result=" ".join(map(str, pointers)),
        citations=codebook.house_rule("Diagnoses"),
        claim_form=line.claim_form,
        role=line.role,
    )
