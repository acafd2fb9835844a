"""The commands. What a command needs is imported when it runs, so that help and errors come at once."""

from pathlib import Path

import click


@click.group()
def main() -> None:
    """An OpenAI-compatible migration proxy: leave OpenAI without touching your code."""


@main.command()
@click.option("-c", "--config", "path", type=click.Path(path_type=Path), help="The configuration file.")
def serve(path: Path) -> None:
    """Run the proxy."""
    from config.load import load_file
    from proxy.server import run

    run(load_file(path))
