"""One decoder per file format; each yields packets of events in the order of the file."""
