"""``python -m banjia``, installed."""

from banjia import main  # type: ignore[import-not-found, unused-ignore]  # this is the launcher, once it is installed

main()
