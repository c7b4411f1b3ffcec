"""NIR, the Neuromorphic Intermediate Representation: graphs and files of other tools, in and out.

Needs the extra `nir`; `import eventsim` does not.
"""

from eventsim.nir.exporter import to_nir
from eventsim.nir.importer import NirImport, from_nir
from eventsim.nir.report import Change, NirReport, Port

__all__ = ["Change", "NirImport", "NirReport", "Port", "from_nir", "to_nir"]
