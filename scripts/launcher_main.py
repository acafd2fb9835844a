"""``python -m banjia``, installed."""

from banjia import main  # type: ignore[import-not-found, unused-ignore]  # the installed launcher.py

main()
