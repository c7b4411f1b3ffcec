"""Event cameras: files, live cameras, webcams and videos seen as event cameras, and filters."""
