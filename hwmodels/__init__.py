"""Timing and energy of neuromorphic cores per synaptic event."""
