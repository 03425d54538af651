"""Setting up payers: a payer never stands without the shelf on which its policy versions stand."""

from django.db import transaction

from payers.models import Payer, PayerPolicy
from portal.models import User
from portal.services.setup import save_record


@transaction.atomic
def save_payer(*, payer: Payer, by: User) -> Payer:
    """Save a new or amended payer, with an audit row, and see that it has a policy to hold versions."""
    save_record(record=payer, organization=payer.organization, by=by)
    PayerPolicy.objects.get_or_create(payer=payer, defaults={"title": f"{payer.name}: radiation treatment delivery"})
    return payer
