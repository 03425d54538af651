"""Messages of an inbox as people read them."""

from collections.abc import Iterable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.template.defaultfilters import filesizeformat

from portal.models import InboxMessage


@dataclass(frozen=True, slots=True)
class ShownMessage:
    """A message and when it came, on the clock of the place."""

    message: InboxMessage
    when: str

    @property
    def is_read(self) -> bool:
        return self.message.read_at is not None

    @property
    def has_file(self) -> bool:
        return bool(self.message.file_name)

    @property
    def file_words(self) -> str:
        """The file's kind and size; asked of a message that was looked up with its file."""
        return f"{self.message.file_name.rpartition('.')[2].upper()}, {filesizeformat(len(self.message.file))}"


def shown_messages(found: Iterable[InboxMessage], *, zone: ZoneInfo) -> list[ShownMessage]:
    return [ShownMessage(message, _when(message, zone)) for message in found]


def _when(message: InboxMessage, zone: ZoneInfo) -> str:
    there = message.sent_at.astimezone(zone)
    return f"{there:%m/%d/%Y} {f'{there:%I:%M %p}'.lstrip('0')}"
