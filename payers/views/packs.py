"""Rule packs: taking policies out, bringing others in as drafts, and holding two sets against each other."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from payers import pack_services as services
from payers.draft_services import DraftExists
from payers.models import PolicyVersion
from payers.pack_comparison import paired
from payers.pack_files import PackFolder, folder_files, shipped_packs, zipped
from payers.pack_forms import PRESENT, SHIPPED, BringInForm, ComparePacksForm, PackUploadForm
from payers.policy_files import Pack, parse_pack, write_pack
from payers.presenters.asked import today_of
from payers.presenters.packs import comparison_page, import_page, pack_rows

SALT = "rule packs that were shown"
SHOWN_FOR_SECONDS = 12 * 60 * 60


@require_safe
@permission_required("payers.view_policyversion", raise_exception=True)
def pack_list(request: HttpRequest) -> HttpResponse:
    return render(request, "payers/pack_list.html", {"rows": pack_rows(_present(request))})


@require_safe
@permission_required("payers.view_policyversion", raise_exception=True)
def pack_zip(request: HttpRequest) -> HttpResponse:
    """The published policies of the payers named, or of all, sealed in one zip."""
    slugs = set(request.GET.getlist("payer"))
    packs = services.packs_of(request.user.organization_id, slugs=slugs or None)
    if not packs or slugs - {pack.slug for pack in packs}:
        raise Http404
    today = today_of(request.user)
    content = zipped(folder_files(packs, name=request.user.organization.name, made_on=today))
    return _file(content, f"rule-packs-{today.isoformat()}.zip", "application/zip")


@require_safe
@permission_required("payers.view_policyversion", raise_exception=True)
def pack_toml(request: HttpRequest, slug: str) -> HttpResponse:
    """The published policy of one payer as a file on its own."""
    packs = services.packs_of(request.user.organization_id, slugs=[slug])
    if not packs:
        raise Http404
    return _file(write_pack(packs[0]).encode(), f"{slug}.toml", "application/toml")


@require_http_methods(["GET", "POST"])
@permission_required("payers.add_policyversion", raise_exception=True)
def pack_import(request: HttpRequest) -> HttpResponse:
    """Read a file and show what it would bring; nothing is kept before that is confirmed."""
    form = PackUploadForm(*((request.POST, request.FILES) if request.method == "POST" else ()))
    if request.method == "POST" and form.is_valid():
        return _preview(request, form.cleaned_data["file"])
    return render(request, "payers/pack_import.html", {"form": form}, status=422 if form.is_bound else 200)


@require_POST
@permission_required("payers.add_policyversion", raise_exception=True)
def pack_bring_in(request: HttpRequest) -> HttpResponse:
    """Bring the chosen versions in as drafts."""
    try:
        kept = signing.loads(request.POST.get("kept", ""), salt=SALT, max_age=SHOWN_FOR_SECONDS)
    except signing.BadSignature:
        messages.error(request, _("That preview is too old: choose the file again. Nothing was brought in."))
        return redirect("pack-import")
    folder = PackFolder(
        packs=tuple(parse_pack(name, text.encode()) for name, text in kept["files"].items()), name=kept["name"]
    )
    pairs, waiting = _held_against_present(request, folder)
    form = BringInForm(request.POST, pairs=pairs, waiting=waiting)
    if form.is_valid():
        try:
            drafts = services.import_versions(
                organization=request.user.organization, chosen=form.chosen, by=request.user
            )
        except DraftExists:
            form.add_error(None, _("Somebody began a draft of one of these policies meanwhile: choose again."))
        else:
            told = ngettext("%d draft brought in.", "%d drafts brought in.", len(drafts)) % len(drafts)
            messages.success(request, f"{told} {_('Each is reviewed and published like any other.')}")
            return redirect("version-edit", pk=drafts[0].pk) if len(drafts) == 1 else redirect("policy-list")
    return _preview(request, folder, form)


@require_http_methods(["GET", "POST"])
@permission_required("payers.view_policyversion", raise_exception=True)
def pack_compare(request: HttpRequest) -> HttpResponse:
    """Two sets of packs in words: at first what ships with what is published here. A file is read and forgotten."""
    if request.method == "GET":
        form = ComparePacksForm()
        found = comparison_page(shipped_packs().packs, _present(request))
        return render(request, "payers/pack_compare.html", {"form": form, **found})
    form = ComparePacksForm(request.POST, request.FILES)
    if not form.is_valid():
        return render(request, "payers/pack_compare.html", {"form": form}, status=422)
    sides = (_side(request, form.cleaned_data, key) for key in ("before", "after"))
    return render(request, "payers/pack_compare.html", {"form": form, **comparison_page(*sides)})


def _side(request: HttpRequest, asked: dict[str, Any], key: str) -> list[Pack]:
    if asked[key] == SHIPPED:
        return list(shipped_packs().packs)
    return _present(request) if asked[key] == PRESENT else list(asked["file"].packs)


def _preview(request: HttpRequest, folder: PackFolder, form: BringInForm | None = None) -> HttpResponse:
    """What a file would bring, with the file itself in the form: signed, so that what was shown is what is brought."""
    pairs, waiting = _held_against_present(request, folder)
    shown = form or BringInForm(pairs=pairs, waiting=waiting)
    kept = {"name": folder.name, "files": {f"{pack.slug}.toml": write_pack(pack) for pack in folder.packs}}
    context = import_page(folder, pairs, waiting, shown) | {"kept": signing.dumps(kept, salt=SALT, compress=True)}
    return render(request, "payers/pack_preview.html", context, status=422 if form else 200)


def _held_against_present(request: HttpRequest, folder: PackFolder) -> tuple[list, dict[str, PolicyVersion]]:
    unpublished = PolicyVersion.objects.visible_to(request.user).unpublished().select_related("policy__payer")
    return paired(_present(request), folder.packs), {found.policy.payer.slug: found for found in unpublished}


def _present(request: HttpRequest) -> list[Pack]:
    return services.packs_of(request.user.organization_id)


def _file(content: bytes, name: str, kind: str) -> HttpResponse:
    response = HttpResponse(content, content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
