import sys
from pathlib import Path

# The loops are a module beside the tests; `tests` itself is no package.
sys.path.insert(0, str(Path(__file__).parent))
