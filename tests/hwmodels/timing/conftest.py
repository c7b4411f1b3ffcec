import os
import sys
from pathlib import Path

from hypothesis import HealthCheck, settings

# The strategies are modules beside the tests; `tests` itself is no package.
sys.path.insert(0, str(Path(__file__).parent))

settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ci" if os.environ.get("CI") else "default")
