import sys
from pathlib import Path

# The strategies are modules beside the tests; `tests` itself is no package.
sys.path.insert(0, str(Path(__file__).parent))
