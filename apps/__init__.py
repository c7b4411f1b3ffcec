"""What people run: the command `eventsim`."""
