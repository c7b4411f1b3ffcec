import sys
from pathlib import Path

# The dense reference and the random networks are modules of the engine's tests.
sys.path.insert(0, str(Path(__file__).parent.parent / "engine"))
