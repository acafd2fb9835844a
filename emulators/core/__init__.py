"""Parts of every emulator: a small HTTP server, faults, and a scripted model that answers by rule."""
