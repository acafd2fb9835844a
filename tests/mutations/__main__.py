"""``python -m tests.mutations VENDOR SEED [whole]`` shows a mutant: its bytes, the codec's result, the violations."""

import sys

from tests.mutations.judge import drawn, played, problems


def main(vendor: str, seed: int, *, whole: bool) -> None:
    """Print one mutant."""
    one = drawn(vendor, seed, whole=whole)
    out = sys.stdout.write
    out(f"{one.name}\nkeeps meaning: {one.keeps_meaning}, must fail: {one.must_fail}\n\n")
    out((one.draft.body() if whole else one.draft.raw()).decode("utf-8", "replace") + "\n")
    play = played(one)
    out("".join(f"{event.raw.decode()}\n" for event in play.events) + f"{play.end}\n\n")
    out("".join(f"{what}\n" for what in problems(one)) or "all holds\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), whole="whole" in sys.argv)
