"""The national provider identifier and its check digit."""

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

# The Luhn sum of an NPI includes the prefix 80840 (ISO/IEC 7812: 80 health, 840 United States), which adds 24.
PREFIX_SUM = 24


def is_npi(number: str) -> bool:
    """Whether these are ten ASCII digits whose last one is the Luhn check digit over 80840 and the first nine."""
    if len(number) != 10 or not number.isascii() or not number.isdigit():
        return False
    doubled = [int(digit) * 2 for digit in number[8::-2]]
    single = [int(digit) for digit in number[7::-2]]
    total = PREFIX_SUM + sum(d - 9 if d > 9 else d for d in doubled) + sum(single)
    return (10 - total % 10) % 10 == int(number[9])


def validate_npi(number: str) -> None:
    """Raise ValidationError unless the number is an NPI with a right check digit."""
    if not is_npi(number):
        raise ValidationError(
            _("%(number)s is not an NPI: ten digits, the last one a check digit. Compare it with NPPES.")
            % {"number": number}
        )
