"""Measurements of what eventsim costs; each module is a command, see README.md here."""
