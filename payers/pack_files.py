"""Rule packs as they travel: a folder or a zip of files with a manifest that seals them (docs/rule-packs.md)."""

import hashlib
import io
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePosixPath

from payers.policy_files import FOLDER, SCHEMA, Pack, PolicyFileError, pairs, parse_pack, read_table, write_pack

MANIFEST = "pack.toml"
SHIPPED_NAME = "Shipped policies"
# What an upload may hold. The shipped packs together have about 100 KB in ten files.
MOST_FILES = 200
MOST_BYTES_OF_A_FILE = 1024 * 1024
MOST_BYTES = 8 * 1024 * 1024
# Every entry of a zip carries this day, so that equal policies give equal bytes.
STILL = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class PackFolder:
    """Several payers' policies that were sealed together. A file on its own has no name, day or checksum."""

    packs: tuple[Pack, ...]
    name: str = ""
    made_on: date | None = None
    checksum: str = ""


def shipped_packs() -> PackFolder:
    """The packs that come with the portal. Raises PolicyFileError where their files and their manifest differ."""
    return read_pack_folder(FOLDER)


def read_pack_folder(folder: Path) -> PackFolder:
    """A folder with its manifest. Raises PolicyFileError for the first thing that is wrong."""
    return _sealed(_toml_files(folder))


def read_packs(folder: Path = FOLDER) -> list[Pack]:
    """Every payer's pack of a folder in order of file name, sealed or not. Raises PolicyFileError."""
    return _packs({name: content for name, content in _toml_files(folder).items() if name != MANIFEST})


def read_upload(name: str, content: bytes) -> PackFolder:
    """What a person sends: a sealed zip, or the TOML file of one payer. Raises PolicyFileError."""
    if len(content) > MOST_BYTES:
        raise _too_large(name, MOST_BYTES)
    if zipfile.is_zipfile(io.BytesIO(content)):
        return _sealed(_unzipped(name, content))
    if len(content) > MOST_BYTES_OF_A_FILE:
        raise _too_large(name, MOST_BYTES_OF_A_FILE)
    return PackFolder(packs=(parse_pack(name, content),))


def folder_files(packs: Iterable[Pack], *, name: str, made_on: date) -> dict[str, bytes]:
    """The files of a folder by name, the manifest first. The same packs, name and day give the same bytes."""
    files = {f"{pack.slug}.toml": write_pack(pack).encode() for pack in sorted(packs, key=lambda pack: pack.slug)}
    return {MANIFEST: _manifest(files, name=name, made_on=made_on), **files}


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Files as a zip, stored as they are: equal files give equal bytes on every machine."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, date_time=STILL)
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            archive.writestr(entry, content)
    return out.getvalue()


def digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _manifest(files: Mapping[str, bytes], *, name: str, made_on: date) -> bytes:
    digests = {file: digest_of(content) for file, content in files.items()}
    heading = pairs(schema=SCHEMA, name=name, made_on=made_on, checksum=_checksum(digests))
    listed = [f'"{file}" = "{digest}"' for file, digest in sorted(digests.items())]
    return ("\n".join([*heading, "", "[files]", *listed]) + "\n").encode()


def _checksum(digests: Mapping[str, str]) -> str:
    """One checksum over all: that of the list which `sha256sum *.toml` prints for the payers' files."""
    return digest_of("".join(f"{digest}  {file}\n" for file, digest in sorted(digests.items())).encode())


def _sealed(files: Mapping[str, bytes]) -> PackFolder:
    """The packs of files that their manifest vouches for."""
    if MANIFEST not in files:
        raise PolicyFileError(MANIFEST, "is missing", "Export the packs again, or bring in one payer's file alone")
    manifest = read_table(MANIFEST, files[MANIFEST])
    schema = manifest.take("schema", int)
    if schema != SCHEMA:
        raise PolicyFileError(MANIFEST, f"key 'schema' has {schema}", f"Bring the packs to schema {SCHEMA}")
    name, made_on, checksum = manifest.text("name"), manifest.day("made_on"), manifest.text("checksum")
    listed = manifest.table("files")
    content = {file: data for file, data in files.items() if file != MANIFEST}
    for file, data in sorted(content.items()):
        if listed.take(file, str) != digest_of(data):
            raise PolicyFileError(
                f"{MANIFEST}, files",
                f"'{file}' has another checksum: the file was changed after it was sealed",
                "Export the packs again, or bring in this file alone",
            )
    if missing := listed.remaining():
        raise PolicyFileError(f"{MANIFEST}, files", f"'{missing[0]}' is not there", "Add the file, or export again")
    manifest.close()
    if checksum != _checksum({file: digest_of(data) for file, data in content.items()}):
        raise PolicyFileError(MANIFEST, "key 'checksum' does not fit the files that it lists", "Export the packs again")
    return PackFolder(packs=tuple(_packs(content)), name=name, made_on=made_on, checksum=checksum)


def _packs(files: Mapping[str, bytes]) -> list[Pack]:
    packs = [parse_pack(name, content) for name, content in sorted(files.items())]
    seen: set[str] = set()
    for pack in packs:
        if pack.slug in seen:
            raise PolicyFileError("The packs", f"slug '{pack.slug}' stands in two files", "Keep one of them")
        seen.add(pack.slug)
    return packs


def _toml_files(folder: Path) -> dict[str, bytes]:
    try:
        return {path.name: path.read_bytes() for path in sorted(folder.glob("*.toml"))}
    except OSError as error:
        raise PolicyFileError(folder.name, f"cannot be read ({type(error).__name__})", "Restore the files") from error


def _unzipped(name: str, content: bytes) -> dict[str, bytes]:
    """The files of a zip, in one folder at most. Nothing is ever written to disk, and no more is read than allowed."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            if len(entries) > MOST_FILES:
                raise PolicyFileError(name, f"has {len(entries)} files", f"Keep it to {MOST_FILES}")
            folders = {PurePosixPath(entry.filename).parent for entry in entries}
            if len(folders) > 1:
                raise PolicyFileError(name, "has files in several folders", "Zip one folder with its files")
            files: dict[str, bytes] = {}
            for entry in entries:
                file = _file_name(name, entry)
                if file in files:
                    raise PolicyFileError(name, f"'{file}' is in it twice", "Keep one of them")
                files[file] = _content(archive, entry, name, MOST_BYTES - sum(map(len, files.values())))
            return files
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError) as error:
        if isinstance(error, PolicyFileError):
            raise
        raise PolicyFileError(name, f"is a zip that cannot be read ({type(error).__name__})", "Zip it again") from error


def _file_name(name: str, entry: zipfile.ZipInfo) -> str:
    """The name of an entry without its folder; what leads out of the zip, or is no TOML file, is refused."""
    path = PurePosixPath(entry.filename)
    if "\\" in entry.orig_filename or path.is_absolute() or ".." in path.parts or ":" in entry.filename:
        raise PolicyFileError(name, f"'{entry.filename}' leads out of the zip", "Zip the folder itself")
    if len(path.parts) > 2 or path.suffix != ".toml":
        raise PolicyFileError(
            name, f"'{entry.filename}' is no file of a pack", "Leave only pack.toml and payers' files"
        )
    return path.name


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str, left: int) -> bytes:
    most = min(left, MOST_BYTES_OF_A_FILE)
    if entry.file_size > most:
        raise _too_large(f"{name}, {entry.filename}", most)
    with archive.open(entry) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise _too_large(f"{name}, {entry.filename}", most)
    return content


def _too_large(place: str, most: int) -> PolicyFileError:
    return PolicyFileError(place, "is too large", f"Keep it to {most // 1024} KB")
