import sys
from importlib.util import find_spec
from pathlib import Path

# The reference and the graphs are modules beside the tests; `tests` itself is no package.
sys.path.insert(0, str(Path(__file__).parent))

# Without the extra `nir` there is nothing to test here.
collect_ignore_glob = [] if find_spec("nir") and find_spec("h5py") else ["*"]
