"""Every finding that a page may name has a title in words."""

from coding.engine.findings import CATALOGUE, NAME_OF_EDIT
from portal.presenters.rulings import SHARED_TITLES


def test_every_name_of_a_finding_has_a_title_of_its_own():
    names = {NAME_OF_EDIT.get(edit, wording.name) for edit, wording in CATALOGUE.items()}

    assert {name for name in names if name.lower() not in CATALOGUE} == set(SHARED_TITLES)
