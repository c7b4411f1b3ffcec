import os
import sys
from pathlib import Path

import pytest

# Slow decoders and strategies are modules beside the tests; `tests` itself is no package.
sys.path.insert(0, str(Path(__file__).parent))

ROOT = Path(__file__).parents[3]


@pytest.fixture
def real_files() -> Path:
    """The folder of one real recording per format, beside the project."""
    folder = Path(os.environ.get("EVENTSIM_DATA", ROOT.parent / "shared" / "data")) / "formats"
    if not folder.is_dir():
        pytest.skip("no folder of real recordings (EVENTSIM_DATA)")
    return folder
