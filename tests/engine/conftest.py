"""What the engine's tests share: the codebook, read once."""

import pytest

from coding.codebook_files import load_codebook
from coding.engine.codebook import Codebook


@pytest.fixture(scope="session")
def codebook() -> Codebook:
    """The codebook that the portal ships."""
    return load_codebook()
