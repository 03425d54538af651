"""One edit run by itself: on the facts, or on one claim form's lines as the pipeline drafts them."""

from importlib import import_module

from coding.codebook_files import load_codebook
from coding.engine.code_session import code_session
from coding.engine.findings import Finding
from tests.engine.builders import make_terms_in_force


def run_on_facts(edit: str, session, **terms) -> Finding | None:
    """What a session edit finds; `terms` are those of the session's payer."""
    codebook = load_codebook()
    function = getattr(import_module(f"coding.engine.edits.{edit}"), edit)
    return function(session, make_terms_in_force(codebook, session.payer or "medicare", **terms), codebook)


def ruled(session, policy=None):
    """The ruling under a policy that is silent on every term, or under the given one."""
    return code_session(session, policy, load_codebook())
