"""Model files: a network, its labels, its encoder and its decision rule in one zip archive, no pickle."""

from eventsim.bundle.bundle import Bundle, load_bundle, load_network, save_bundle, save_network

__all__ = ["Bundle", "load_bundle", "load_network", "save_bundle", "save_network"]
