"""The pages of rule packs: what is taken out, what a file would bring in, and two packs held against each other."""

import io
import re
import zipfile
from datetime import date

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from payers.models import PolicyVersion, VersionStatus
from payers.pack_files import folder_files, read_upload, shipped_packs, zipped
from payers.pack_services import install_packs
from payers.policy_files import FOLDER
from tests.builders import make_organization, make_payer, make_policy_version, make_user

pytestmark = pytest.mark.django_db
AETNA = (FOLDER / "aetna.toml").read_bytes()


@pytest.fixture
def admin(roles, client):
    """An administrator of an organization without payers, signed in."""
    person = make_user(make_organization(), role="admin")
    client.force_login(person)
    return person


@pytest.fixture
def installed(admin):
    """The organization with the shipped packs."""
    install_packs(organization=admin.organization, by=None)
    return admin.organization


def upload(client, content, name="aetna.toml"):
    return client.post(reverse("pack-import"), {"file": SimpleUploadedFile(name, content)})


def words(response) -> str:
    """What a page says, without its marks."""
    return " ".join(re.sub(r"<[^>]+>", "", response.content.decode()).split())


def kept(response) -> str:
    """What the preview keeps of the file in its form."""
    return re.search(r'name="kept"\s+value="([^"]+)"', response.content.decode())[1]


def test_pack_list_without_a_published_version_says_so(client, admin):
    page = client.get(reverse("pack-list"))

    assert "Nothing is published yet" in page.content.decode()


def test_pack_list_asks_a_fixed_number_of_queries(client, installed, django_assert_max_num_queries):
    with django_assert_max_num_queries(20):
        page = client.get(reverse("pack-list"))

    assert page.content.decode().count('name="payer"') == 9


def test_pack_zip_holds_the_payers_that_are_ticked(client, installed):
    answer = client.get(reverse("pack-zip"), {"payer": ["aetna", "cigna"]})

    assert answer["Content-Disposition"] == 'attachment; filename="rule-packs-2026-11-24.zip"'
    names = zipfile.ZipFile(io.BytesIO(answer.content)).namelist()
    assert names == ["pack.toml", "aetna.toml", "cigna.toml"]
    assert read_upload("x.zip", answer.content).name == installed.name


def test_pack_zip_holds_every_payer_where_none_is_ticked(client, installed):
    answer = client.get(reverse("pack-zip"))

    assert len(read_upload("x.zip", answer.content).packs) == 9


def test_pack_zip_of_a_payer_that_is_not_there_is_not_found(client, installed):
    answer = client.get(reverse("pack-zip"), {"payer": ["aetna", "nobody"]})

    assert answer.status_code == 404


def test_pack_toml_is_the_file_that_ships(client, installed):
    answer = client.get(reverse("pack-toml", args=["aetna"]))

    assert answer.content == AETNA


def test_pack_import_shows_a_new_payer_and_keeps_nothing(client, admin):
    page = upload(client, AETNA)

    text = page.content.decode()
    assert page.status_code == 200
    assert "Bring in for Aetna" in text
    assert "from 01/01/2015, a new version" in text
    assert not PolicyVersion.objects.exists()


def test_pack_import_says_where_nothing_is_new(client, installed):
    page = upload(client, zipped(folder_files(shipped_packs().packs, name="Ours", made_on=date(2026, 11, 24))), "a.zip")

    text = page.content.decode()
    assert "Nothing here is new" in text
    assert "Bring in as drafts" not in text


def test_pack_import_shows_what_differs_in_words(client, installed):
    page = upload(client, AETNA.replace(b"timely_days = 120", b"timely_days = 90"))

    text = words(page)
    assert "120 days" in text
    assert "90 days" in text
    assert "from 01/01/2026, as a correction" in text


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b'technique = "imrt_complex"', b'technique = "imrt_simple"', "technique imrt_simple"),
        (b'summary = "CPT codes', b'summary = "The CPT codes', "The CPT codes"),
        (b"reviewed_on = 2026-11-23", b"reviewed_on = 2026-11-22", "11/22/2026"),
        (b'topic = "short"', b'topic = "short"\nreviewed_on = 2026-11-21', "Compared on"),
        (b'kind = "commercial"', b'kind = "medicaid"', "Medicaid"),
    ],
)
def test_pack_import_shows_every_kind_of_difference(client, installed, old, new, said):
    page = upload(client, AETNA.replace(old, new, 1))

    assert said in words(page)
    assert "Nothing differs." not in words(page)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (AETNA.replace(b"timely_days = 120", b"timely_dais = 120"), "key &#x27;timely_dais&#x27; is not known"),
        (b"\xff\xfe", "Save the file as UTF-8"),
        (zipped({"aetna.toml": AETNA}), "pack.toml: is missing"),
        (b"", "The file is empty."),
    ],
)
def test_pack_import_refuses_a_file_by_name_key_and_remedy(client, admin, content, said):
    page = upload(client, content)

    assert page.status_code == 422
    assert said in page.content.decode()


def test_pack_bring_in_begins_the_drafts_that_were_chosen(client, installed):
    changed = AETNA.replace(b"timely_days = 120", b"timely_days = 90")
    shown = upload(client, changed)

    answer = client.post(reverse("pack-bring-in"), {"kept": kept(shown), "bring-aetna": "2026-01-01"})

    draft = PolicyVersion.objects.get(policy__payer__organization=installed, status=VersionStatus.DRAFT)
    assert answer.url == reverse("version-edit", args=[draft.pk])
    assert (draft.effective_from, draft.revision, draft.terms["timely_days"]) == (date(2026, 1, 1), 2, 90)


def test_pack_bring_in_without_a_choice_asks_for_one(client, admin):
    shown = upload(client, AETNA)

    page = client.post(reverse("pack-bring-in"), {"kept": kept(shown), "bring-aetna": ""})

    assert page.status_code == 422
    assert "Choose at least one version" in page.content.decode()


def test_pack_bring_in_refuses_a_file_that_was_not_shown(client, admin):
    answer = client.post(reverse("pack-bring-in"), {"kept": "made up", "bring-aetna": "2015-01-01"}, follow=True)

    assert "That preview is too old" in answer.content.decode()
    assert not PolicyVersion.objects.exists()


def test_pack_import_offers_nothing_where_a_version_waits(client, admin):
    payer = make_payer(admin.organization, slug="aetna", name="Aetna")
    make_policy_version(payer, publish=False)

    page = upload(client, AETNA)

    text = page.content.decode()
    assert "A version of this policy is not published yet" in text
    assert 'name="bring-aetna"' not in text


def test_pack_compare_begins_with_what_ships_and_what_is_here(client, installed):
    page = client.get(reverse("pack-compare"))

    assert "Nothing differs" in page.content.decode()


def test_pack_compare_tells_a_file_from_what_ships(client, admin):
    file = SimpleUploadedFile("aetna.toml", AETNA.replace(b"timely_days = 120", b"timely_days = 90"))

    page = client.post(reverse("pack-compare"), {"before": "shipped", "after": "uploaded", "file": file})

    text = words(page)
    assert "90 days" in text
    assert "Only in the first: Blue Cross Blue Shield, Cigna" in text


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"before": "shipped", "after": "shipped"}, "Choose two that differ."),
        ({"before": "shipped", "after": "uploaded"}, "Choose the file to compare."),
    ],
)
def test_pack_compare_asks_for_two(client, admin, asked, said):
    page = client.post(reverse("pack-compare"), asked)

    assert page.status_code == 422
    assert said in page.content.decode()
