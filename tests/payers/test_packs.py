"""Rule packs: the shipped ones through the database and back, sealed folders, and what an upload may not be."""

import io
import shutil
import zipfile
from datetime import date

import pytest

from coding.codebook_files import load_codebook
from coding.policy_checks import example_answers
from payers.draft_services import DraftExists
from payers.models import Payer, PolicyVersion, VersionStatus
from payers.pack_files import (
    MANIFEST,
    folder_files,
    read_pack_folder,
    read_packs,
    read_upload,
    shipped_packs,
    zipped,
)
from payers.pack_services import import_versions, install_packs, packs_of
from payers.policy_files import FOLDER, PolicyFileError, write_pack
from portal.models import AuditEvent
from tests.builders import make_organization, make_payer, make_policy_version, make_user

SLUGS = [path.stem for path in sorted(FOLDER.glob("*.toml")) if path.name != MANIFEST]
MADE_ON = date(2026, 11, 24)


@pytest.fixture
def installed(db):
    """An organization with the shipped packs in its database."""
    organization = make_organization()
    install_packs(organization=organization, by=None)
    return organization


@pytest.mark.parametrize("slug", SLUGS)
def test_a_shipped_pack_comes_out_of_the_database_as_it_went_in(installed, slug):
    (pack,) = packs_of(installed.pk, slugs=[slug])

    assert write_pack(pack).encode() == (FOLDER / f"{slug}.toml").read_bytes()


def test_shipped_packs_are_sealed_and_written_in_their_canonical_form():
    shipped = shipped_packs()

    files = folder_files(shipped.packs, name=shipped.name, made_on=shipped.made_on)

    assert files == {path.name: path.read_bytes() for path in FOLDER.glob("*.toml")}


@pytest.mark.parametrize("slug", SLUGS)
def test_a_shipped_pack_has_examples_and_answers_each_as_expected(installed, slug):
    versions = PolicyVersion.objects.filter(policy__payer__organization=installed, policy__payer__slug=slug)

    answers = [answer for version in versions for answer in example_answers(version, load_codebook())]

    assert 2 <= len(answers) <= 4
    assert [answer for answer in answers if not answer.is_as_expected] == []


def test_packs_of_takes_a_fixed_number_of_queries(installed, django_assert_num_queries):
    with django_assert_num_queries(4):
        packs = packs_of(installed.pk)

    assert [pack.slug for pack in packs] == sorted(SLUGS)


def test_packs_of_leaves_out_what_is_not_published(db):
    payer = make_payer(make_organization())
    published = make_policy_version(payer, summary="S")
    make_policy_version(payer, effective_from=date(2026, 1, 1), publish=False)
    make_payer(payer.organization)

    (pack,) = packs_of(payer.organization_id)

    assert pack.slug == payer.slug
    assert [version.effective_from for version in pack.versions] == [published.effective_from]


def test_packs_of_holds_every_revision_of_a_start(db):
    payer = make_payer(make_organization())
    make_policy_version(payer, summary="First")
    make_policy_version(payer, summary="Corrected", revision=2)

    (pack,) = packs_of(payer.organization_id)

    assert [(version.revision, version.summary) for version in pack.versions] == [(1, "First"), (2, "Corrected")]


def test_zipped_gives_equal_bytes_for_equal_packs():
    first = zipped(folder_files(read_packs(), name="Ours", made_on=MADE_ON))
    second = zipped(folder_files(reversed(read_packs()), name="Ours", made_on=MADE_ON))

    assert first == second


def test_read_upload_gives_what_was_zipped():
    content = zipped(folder_files(read_packs(), name="Ours", made_on=MADE_ON))

    folder = read_upload("ours.zip", content)

    assert list(folder.packs) == read_packs()
    assert (folder.name, folder.made_on) == ("Ours", MADE_ON)


def test_read_upload_takes_one_file_alone():
    folder = read_upload("aetna.toml", (FOLDER / "aetna.toml").read_bytes())

    assert [pack.slug for pack in folder.packs] == ["aetna"]


def test_read_upload_takes_a_zip_of_one_folder():
    files = folder_files(read_packs(), name="Ours", made_on=MADE_ON)

    folder = read_upload("ours.zip", zipped({f"packs/{name}": content for name, content in files.items()}))

    assert list(folder.packs) == read_packs()


def changed(**changes):
    """The files of a sealed folder with some exchanged; None takes a file away."""
    files = folder_files(read_packs(), name="Ours", made_on=MADE_ON)
    files |= {name.replace("_", "."): content for name, content in changes.items()}
    return {name: content for name, content in files.items() if content is not None}


AETNA = (FOLDER / "aetna.toml").read_bytes()


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (changed(aetna_toml=AETNA + b"\n"), "'aetna.toml' has another checksum: the file was changed"),
        (changed(aetna_toml=None), "'aetna.toml' is not there. Add the file, or export again"),
        (changed(other_toml=AETNA), "key 'other.toml' is missing"),
        (changed(pack_toml=None), "pack.toml: is missing. Export the packs again"),
        (changed(pack_toml=b"schema = 2\n"), "Bring the packs to schema 1"),
        (
            changed(pack_toml=b'schema = 1\nname = "x"\nmade_on = 2026-01-01\nchecksum = "1"\n[files]\n'),
            "key 'aetna.toml' is missing",
        ),
    ],
)
def test_read_upload_refuses_what_its_manifest_does_not_vouch_for(files, said):
    with pytest.raises(PolicyFileError) as refused:
        read_upload("ours.zip", zipped(files))

    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("../aetna.toml", "leads out of the zip"),
        ("/etc/aetna.toml", "leads out of the zip"),
        ("..\\aetna.toml", "leads out of the zip"),
        ("C:aetna.toml", "leads out of the zip"),
        ("a/b/aetna.toml", "is no file of a pack"),
        ("aetna.exe", "is no file of a pack"),
    ],
)
def test_read_upload_refuses_a_name_that_is_none_of_a_pack(name, said):
    with pytest.raises(PolicyFileError) as refused:
        read_upload("ours.zip", zipped({name: AETNA}))

    assert said in str(refused.value)


def test_read_upload_refuses_files_in_several_folders():
    content = zipped({"a/aetna.toml": AETNA, "b/aetna.toml": AETNA})

    with pytest.raises(PolicyFileError, match="has files in several folders"):
        read_upload("ours.zip", content)


def test_read_upload_refuses_a_zip_bomb():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("aetna.toml", b"#" * 50_000_000)

    with pytest.raises(PolicyFileError, match=r"aetna\.toml: is too large. Keep it to 1024 KB"):
        read_upload("ours.zip", out.getvalue())


def test_read_upload_refuses_a_zip_that_lies_about_its_size():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("aetna.toml", b"#" * 3_000_000)
    real, told = (3_000_000).to_bytes(4, "little"), (1_000).to_bytes(4, "little")

    with pytest.raises(PolicyFileError):
        read_upload("ours.zip", out.getvalue().replace(real, told))


def test_read_upload_refuses_too_many_files():
    content = zipped({f"p{n}.toml": b"" for n in range(201)})

    with pytest.raises(PolicyFileError, match="has 201 files"):
        read_upload("ours.zip", content)


def test_read_upload_refuses_a_large_file():
    with pytest.raises(PolicyFileError, match="is too large"):
        read_upload("a.toml", b"#" * 1_100_000)


def test_read_upload_refuses_a_broken_zip():
    content = zipped(folder_files(read_packs(), name="Ours", made_on=MADE_ON))

    with pytest.raises(PolicyFileError, match="is a zip that cannot be read"):
        read_upload("ours.zip", content[:200] + b"\x00" * 20 + content[220:])


def test_read_pack_folder_refuses_a_file_that_was_changed(tmp_path):
    shutil.copytree(FOLDER, tmp_path, dirs_exist_ok=True)
    (tmp_path / "aetna.toml").write_bytes(AETNA.replace(b"120", b"121"))

    with pytest.raises(PolicyFileError, match="has another checksum"):
        read_pack_folder(tmp_path)


def test_import_versions_brings_a_draft_that_nobody_published(db):
    organization = make_organization()
    admin = make_user(organization)
    (pack,) = read_upload("aetna.toml", AETNA).packs

    (draft,) = import_versions(organization=organization, chosen=[(pack, pack.versions[0])], by=admin)

    payer = Payer.objects.get(organization=organization, slug="aetna")
    assert draft.policy.payer == payer
    assert (draft.status, draft.drafted_by) == (VersionStatus.DRAFT, admin)
    assert draft.clauses.count() == len(pack.versions[0].clauses)
    assert draft.examples.count() == len(pack.versions[0].examples)
    assert AuditEvent.objects.about(draft).filter(by=admin, action="import_version").count() == 1


def test_import_versions_of_a_start_that_is_there_is_its_correction(installed):
    (pack,) = read_upload("aetna.toml", AETNA).packs

    (draft,) = import_versions(organization=installed, chosen=[(pack, pack.versions[1])], by=make_user(installed))

    assert (draft.effective_from, draft.revision) == (pack.versions[1].effective_from, 2)


def test_import_versions_brings_all_or_none(installed):
    packs = read_packs()
    admin = make_user(installed)
    import_versions(organization=installed, chosen=[(packs[1], packs[1].versions[0])], by=admin)

    with pytest.raises(DraftExists):
        import_versions(organization=installed, chosen=[(pack, pack.versions[0]) for pack in packs], by=admin)

    assert PolicyVersion.objects.unpublished().count() == 1
