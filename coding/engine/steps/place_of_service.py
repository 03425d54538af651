"""Where the line says that the service took place: a revenue code, or a place of service."""

from datetime import date

from coding.engine.claim import Line
from coding.engine.codebook import Codebook
from coding.engine.trace import Step
from coding.engine.vocabulary import ClaimForm, Setting


def place_of_service(line: Line, setting: Setting, on: date, codebook: Codebook) -> tuple[str, str, Step]:
    """(place of service, revenue code, why): one of the two is empty."""
    if line.claim_form is ClaimForm.INSTITUTIONAL:
        step = Step(
            rule="revenue_code",
            title="Revenue code",
            facts=(("claim form", line.claim_form.value),),
            sentence=f"Radiation therapy lines of an institutional claim carry revenue code {codebook.revenue_code}.",
            result=codebook.revenue_code,
            citations=codebook.revenue_citations,
            claim_form=line.claim_form,
            role=line.role,
        )
        return "", codebook.revenue_code, step
    rules = codebook.settings[setting]
    place = rules.place_of_service(on)
    since = "" if len(rules.places_of_service) == 1 else f" {place.period.words}"
    step = Step(
        rule="place_of_service",
        title="Place of service",
        facts=(("setting", rules.label),),
        sentence=f"Place of service {place.code} for the setting, {rules.label}{since}.",
        result=place.code,
        citations=place.citations,
        claim_form=line.claim_form,
        role=line.role,
    )
    return place.code, "", step
