"""What every stand-in vendor is made of: a small HTTP server, faults, and a mind that answers by rule."""
