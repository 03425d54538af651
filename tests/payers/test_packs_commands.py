"""Rule packs on the command line: out to a folder or a zip, sealed by hand, and in as drafts."""

import shutil
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from payers.models import PolicyVersion
from payers.pack_files import read_pack_folder, read_upload, shipped_packs
from payers.pack_services import install_packs
from payers.policy_files import FOLDER
from tests.builders import make_organization, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def installed():
    """The organization that commands work for, with the shipped packs."""
    organization = make_organization()
    install_packs(organization=organization, by=None)
    return organization


def run(*arguments) -> str:
    out = StringIO()
    call_command(*map(str, arguments), stdout=out)
    return out.getvalue()


def test_export_packs_writes_a_sealed_folder(installed, tmp_path):
    told = run("export_packs", tmp_path / "out")

    assert "9 payers, 19 published versions" in told
    assert read_pack_folder(tmp_path / "out").packs == shipped_packs().packs
    assert (tmp_path / "out" / "aetna.toml").read_bytes() == (FOLDER / "aetna.toml").read_bytes()


def test_export_packs_writes_a_zip_of_one_payer(installed, tmp_path):
    run("export_packs", tmp_path / "out.zip", "--payer", "aetna")

    folder = read_upload("out.zip", (tmp_path / "out.zip").read_bytes())
    assert [pack.slug for pack in folder.packs] == ["aetna"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("export_packs", "{tmp}"), "File exists"),
        (("export_packs", "{tmp}/a.zip", "--payer", "nobody"), "nobody: no such payer"),
        (("import_packs", "{tmp}/nothing.zip"), "No such file"),
        (("import_packs", "{tmp}"), "pack.toml: is missing"),
        (("import_packs", FOLDER, "--payer", "nobody"), "nobody: not in"),
        (("import_packs", FOLDER, "--as", "nobody"), "nobody of the organization who may draft"),
        (("seal_packs", "{tmp}"), "no TOML file of a payer"),
    ],
)
def test_commands_of_packs_refuse_with_what_is_wrong(installed, tmp_path, arguments, said):
    with pytest.raises(CommandError) as refused:
        run(*(str(argument).format(tmp=tmp_path) for argument in arguments))

    assert said in str(refused.value)


def test_import_packs_tells_what_differs_and_changes_nothing(installed, tmp_path):
    content = (FOLDER / "aetna.toml").read_bytes()
    (tmp_path / "aetna.toml").write_bytes(content.replace(b"timely_days = 120", b"timely_days = 90"))

    told = run("import_packs", tmp_path / "aetna.toml")

    assert "from 2026-01-01: differs" in told
    assert "90 days instead of 120 days" in told
    assert not PolicyVersion.objects.unpublished().exists()


def test_import_packs_brings_the_first_version_of_each_payer_in(roles, tmp_path):
    organization = make_organization()
    admin = make_user(organization, role="admin")

    told = run("import_packs", FOLDER, "--as", admin.username)

    assert "9 drafts brought in" in told
    assert PolicyVersion.objects.unpublished().count() == 9
    assert not PolicyVersion.objects.published().exists()


def test_import_packs_brings_nothing_in_for_a_person_who_may_not(roles, installed):
    coder = make_user(installed, role="coder")

    with pytest.raises(CommandError, match="nobody of the organization who may draft"):
        run("import_packs", FOLDER, "--as", coder.username)


def test_seal_packs_seals_what_was_changed_by_hand(tmp_path):
    shutil.copytree(FOLDER, tmp_path, dirs_exist_ok=True)
    changed = (FOLDER / "aetna.toml").read_bytes().replace(b"timely_days = 120", b"timely_days   = 90")
    (tmp_path / "aetna.toml").write_bytes(changed)

    run("seal_packs", tmp_path, "--name", "Ours")

    assert read_pack_folder(tmp_path).name == "Ours"
    assert b"timely_days = 90" in (tmp_path / "aetna.toml").read_bytes()
