"""Translations: requests of one operation, or of an old form of it, in the terms of another one."""
