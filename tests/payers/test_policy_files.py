"""Rule packs: the nine payers, what the loader refuses, and the way there and back."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from coding.case_files import COLUMNS, IGNORED
from coding.engine.terms import TERMS
from payers.pack_files import read_packs
from payers.policy_files import (
    FACTS_OF_EXAMPLES,
    FOLDER,
    Example,
    PolicyFileError,
    Version,
    read_pack,
    write_pack,
)

NINE = {
    "medicare",
    "aetna",
    "bcbs",
    "cigna",
    "unitedhealthcare",
    "unitedhealthcare-ma",
    "humana-ma",
    "medicaid",
    "workers-compensation",
}
PACK = """
schema = 1

[payer]
slug = "sample"
name = "Sample"
kind = "commercial"

[policy]
title = "Sample policy"

[[version]]
effective_from = 2015-01-01
reviewed_on = 2026-11-23
summary = "The first one."

[version.terms]
min_gap = 240

[[version.clause]]
topic = "second_session"
term = "min_gap"
summary = "Four hours apart."
citation = { title = "Manual", section = "3", confidence = "high" }
"""


@pytest.fixture
def pack_file(tmp_path: Path):
    """A file that holds the sample pack with one piece of text exchanged for another."""

    def write(old: str = "", new: str = "") -> Path:
        assert old in PACK
        path = tmp_path / "sample.toml"
        path.write_text(PACK.replace(old, new) if old else PACK)
        return path

    return write


def test_read_packs_gives_the_nine_payers():
    slugs = [pack.slug for pack in read_packs()]

    assert len(slugs) == 9
    assert set(slugs) == NINE


@pytest.mark.parametrize("slug", sorted(NINE))
def test_read_pack_covers_every_date_from_2015(slug):
    pack = read_pack(FOLDER / f"{slug}.toml")

    assert pack.versions[0].effective_from == date(2015, 1, 1)


@pytest.mark.parametrize("slug", sorted(NINE))
def test_read_pack_cites_every_clause(slug):
    pack = read_pack(FOLDER / f"{slug}.toml")

    clauses = [clause for version in pack.versions for clause in version.clauses]
    assert clauses
    assert all(clause.title and clause.summary and clause.url for clause in clauses)


@pytest.mark.parametrize("slug", sorted(NINE))
def test_read_pack_rests_no_term_on_a_weak_source(slug):
    pack = read_pack(FOLDER / f"{slug}.toml")

    setting = [clause for version in pack.versions for clause in version.clauses if clause.term]
    assert all(clause.confidence in ("high", "medium") for clause in setting)


@pytest.mark.parametrize("slug", sorted(NINE))
def test_write_pack_is_read_back_the_same(slug, tmp_path):
    pack = read_pack(FOLDER / f"{slug}.toml")
    path = tmp_path / "copy.toml"

    path.write_text(write_pack(pack))

    assert read_pack(path) == pack


@pytest.mark.parametrize("slug", sorted(NINE))
def test_write_pack_gives_the_file_that_ships(slug):
    path = FOLDER / f"{slug}.toml"

    assert write_pack(read_pack(path)) == path.read_text()


def test_write_pack_keeps_quotes_and_line_ends(pack_file, tmp_path):
    pack = replace(read_pack(pack_file()), title='A "quoted" title\nwith a tab\t, a back\\slash and ü')
    path = tmp_path / "copy.toml"

    path.write_text(write_pack(pack), encoding="utf-8")

    assert read_pack(path) == pack


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('title = "Sample policy"', 'title = "Sample policy"\ntitel = "x"', "sample.toml, policy: key 'titel'"),
        ("min_gap = 240", "min_gapp = 240", "key 'min_gapp' is not known. Remove it, or use one of: authorization"),
        ("min_gap = 240", 'min_gap = "240"', "key 'min_gap' has '240'. Write a whole number"),
        ("min_gap = 240", "min_gap = -1", "Allowed: whole minutes"),
        ("min_gap = 240", "min_gap = true", "Allowed: whole minutes"),
        ('kind = "commercial"', 'kind = "private"', "Use one of: commercial, medicaid"),
        ('slug = "sample"', 'slug = "Sample Payer"', "lower-case letters"),
        ('topic = "second_session"', 'topic = "repeat"', "Use one of: alerts, appeals"),
        ('confidence = "high"', 'confidence = "sure"', "Use one of: high, low, medium"),
        (', confidence = "high"', "", "key 'confidence' is missing"),
        ('title = "Manual", ', "", "key 'title' is missing"),
        ('summary = "Four hours apart."', 'summary = " "', "key 'summary' is empty"),
        ('term = "min_gap"\n', "", "term 'min_gap' has 0 clauses. Cite it in exactly one clause"),
        ('term = "min_gap"', 'term = "bid"', "term 'min_gap' has 0 clauses"),
        ("[version.terms]\nmin_gap = 240\n", "", "cites term 'min_gap', which is not set"),
        ("effective_from = 2015-01-01\n", "", "key 'effective_from' is missing. Add effective_from, a date"),
        ("effective_from = 2015-01-01", 'effective_from = "2015"', "Write a date such as 2026-03-01"),
        ("effective_from = 2015-01-01", "effective_from = 2015-01-01T00:00:00", "Write a date"),
        ("effective_from = 2015-01-01", "effective_from = 1815-01-01", "Write a day from 2000-01-01"),
        ("effective_from = 2015-01-01", "effective_from = 2015-01-01\nrevision = 0", "key 'revision' has 0"),
        (', section = "3"', ', url = "javascript:alert(1)"', "Write an address such as https://"),
        (', section = "3"', ', published = "the spring of the year 2026"', "Keep it to 20 characters"),
        ('title = "Sample policy"', 'title = "Sample\\u0000"', "has a null character. Take it out"),
        ('term = "min_gap"', 'term = "min_gap"\nalert_from = 2026-01-01', "is dated as an alert"),
        ("schema = 1", "schema = 2", "Bring the file to schema 1"),
        ("schema = 1", "schema 1", "is not TOML"),
    ],
)
def test_read_pack_refuses_by_file_key_and_remedy(pack_file, old, new, said):
    path = pack_file(old, new)

    with pytest.raises(PolicyFileError) as refused:
        read_pack(path)

    assert str(refused.value).startswith("sample.toml")
    assert said in str(refused.value)


def test_read_pack_refuses_versions_out_of_order(tmp_path):
    second = PACK[PACK.index("[[version]]") :]
    path = tmp_path / "sample.toml"
    path.write_text(PACK + second)

    with pytest.raises(PolicyFileError, match="not in order of effective_from"):
        read_pack(path)


def test_read_pack_refuses_a_pack_without_versions(tmp_path):
    path = tmp_path / "sample.toml"
    path.write_text(PACK[: PACK.index("[[version]]")])

    with pytest.raises(PolicyFileError, match="Give at least one"):
        read_pack(path)


def test_read_pack_refuses_a_file_that_is_not_there(tmp_path):
    with pytest.raises(PolicyFileError, match=r"none\.toml: cannot be read \(FileNotFoundError\)"):
        read_pack(tmp_path / "none.toml")


def test_read_packs_refuses_one_payer_in_two_files(tmp_path):
    (tmp_path / "a.toml").write_text(PACK)
    (tmp_path / "b.toml").write_text(PACK)

    with pytest.raises(PolicyFileError, match="slug 'sample' stands in two files"):
        read_packs(tmp_path)


def test_write_pack_keeps_guidance_readable_and_whole(pack_file, tmp_path):
    guidance = '\n# In short\n\nBill "one" line,\tnot """three""".\r\nA back\\slash, \x7f and ü\n\nEnd "quoted"'
    version = replace(read_pack(pack_file()).versions[0], guidance=guidance)
    pack = replace(read_pack(pack_file()), versions=(version,))
    path = tmp_path / "copy.toml"

    path.write_text(write_pack(pack), encoding="utf-8")

    assert read_pack(path) == pack
    assert '\n# In short\n\nBill "one" line' in path.read_text()


def test_write_pack_keeps_revisions_examples_and_dated_alerts(pack_file, tmp_path):
    pack = read_pack(pack_file())
    first = pack.versions[0]
    alert = replace(
        first.clauses[0],
        topic="alerts",
        term="",
        reviewed_on=date(2026, 10, 1),
        alert_from=date(2026, 11, 1),
        alert_until=date(2026, 12, 31),
    )
    example = Example("First session", {"date_of_service": "2026-02-03", "technique": "3d"}, "77407 x1 rev 0333", "")
    corrected = replace(first, revision=2, clauses=(*first.clauses, alert), examples=(example,))
    pack = replace(pack, versions=(first, corrected))
    path = tmp_path / "copy.toml"

    path.write_text(write_pack(pack))

    assert read_pack(path) == pack


def test_write_pack_has_one_form_whatever_the_order_of_keys(pack_file):
    terms = {"min_gap": 240, "bid": "76"}
    facts = {"date_of_service": "2026-02-03", "technique": "3d"}
    backwards = dict(reversed(list(terms.items()))), dict(reversed(list(facts.items())))
    pack = read_pack(pack_file())

    def written(terms, facts):
        version = Version(date(2015, 1, 1), date(2026, 1, 1), "S", terms, (), (Example("E", facts),))
        return write_pack(replace(pack, versions=(version,)))

    assert written(terms, facts) == written(*backwards)


EXAMPLE = '[[version.example]]\ntitle = "One"\n[version.example.facts]\ntechnique = "3d"\n'


@pytest.mark.parametrize(
    ("example", "said"),
    [
        (EXAMPLE + EXAMPLE, "two examples are called 'One'. Give each a title of its own"),
        (EXAMPLE.replace("technique", "tecnique"), "example 1, facts: key 'tecnique' is not known"),
        (EXAMPLE.replace('"3d"', "3"), "key 'technique' has 3. Write text in quotes"),
        (EXAMPLE.replace("technique", "payer"), "key 'payer' is not known"),
        ('[[version.example]]\ntitle = "One"\n', "key 'facts' is missing"),
    ],
)
def test_read_pack_refuses_an_example_by_key(pack_file, example, said):
    path = pack_file()
    path.write_text(path.read_text() + example)

    with pytest.raises(PolicyFileError) as refused:
        read_pack(path)

    assert said in str(refused.value)


def test_facts_of_examples_are_the_columns_of_the_coding_cases():
    said_by_the_version = {"case", "payer", "terms", *IGNORED}

    assert set(FACTS_OF_EXAMPLES) == set(COLUMNS) - said_by_the_version


def test_pack_terms_are_terms_of_the_engine():
    used = {key for pack in read_packs() for version in pack.versions for key in version.terms}

    assert used <= set(TERMS)
