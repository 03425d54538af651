"""A message that says what was done, with the button that takes it back."""

from django.middleware.csrf import get_token
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _


def told_with_undo(request, sentence: str, *, url: str, **fields: object) -> SafeString:
    """The sentence and a button that posts `fields` to `url`; it works without script and with a keyboard."""
    hidden = format_html_join("", '<input type="hidden" name="{}" value="{}">', fields.items())
    return format_html(
        '<form method="post" action="{}" class="d-inline"><input type="hidden" name="csrfmiddlewaretoken" value="{}">'
        '{}{} <button class="btn btn-secondary btn-sm ms-2">{}</button></form>',
        url,
        get_token(request),
        hidden,
        sentence,
        _("Undo"),
    )
