"""Which claim forms a setting bills."""

from coding.engine.codebook import Codebook
from coding.engine.trace import Step
from coding.engine.vocabulary import ClaimForm, Setting


def claim_form(setting: Setting, form: ClaimForm, codebook: Codebook) -> tuple[str, Step]:
    """The name of the finding that refuses the form in this setting, or empty; and why."""
    rules = codebook.settings[setting]
    refusal = rules.refused.get(form, "")
    sentence = (
        f"The setting is {rules.label}: it does not bill this session on the {form} claim."
        if refusal
        else f"The setting is {rules.label}: its side of the session is billed on the {form} claim."
    )
    return refusal, Step(
        rule="claim_form",
        title="Claim form",
        facts=(("setting", rules.label), ("claim form", form)),
        sentence=sentence,
        result="" if refusal else form,
        citations=rules.citations,
        claim_form=form,
    )
