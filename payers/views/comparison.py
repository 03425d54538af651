"""Two versions of a payer's policy beside each other: any two, or a version and the one that it takes over from."""

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from payers.models import PolicyVersion
from payers.policy_forms import CompareForm
from payers.presenters.versions import choices_beside, comparison_of
from payers.reading_services import predecessor


@require_safe
@permission_required("payers.view_policyversion", raise_exception=True)
def version_compare(request: HttpRequest, pk: int) -> HttpResponse:
    """A version beside the one that `with` names; without it, beside the one that it takes over from."""
    version = get_object_or_404(PolicyVersion.objects.visible_to(request.user).with_terms(), pk=pk)
    before = predecessor(version)
    choices = choices_beside(version, version.policy.versions.select_related("policy__payer"))
    form = CompareForm(request.GET or {"with": before.pk if before else ""}, versions=choices)
    is_valid = form.is_valid()
    other = before
    if is_valid and (chosen := form.cleaned_data["with"]):
        other = version.policy.versions.with_terms().get(pk=chosen)
    context = comparison_of(version, other) | {"form": form, "is_predecessor": other == before}
    return render(request, "payers/version_compare.html", context, status=200 if is_valid else 422)
