"""``banjia help``: show the help of a command or explain an error code."""

import click

from adapters.core.message import Message
from proxy.cli.common import TranslatedCommand, examples
from proxy.i18n.catalog import for_operator
from proxy.i18n.negotiate import configured


@click.command(
    cls=TranslatedCommand,
    epilog=examples(
        "banjia help",
        "banjia help serve",
        "banjia help model_not_found",
        codes="Exit codes: 0; 2 if neither a command nor a code has that name.",
    ),
)
@click.argument("topic", required=False)
@click.pass_context
def help_(context: click.Context, topic: str | None) -> None:
    """Show the help of a command, or explain an error code and its cure.

    Error messages end with their code. Without TOPIC, list all commands and codes.
    """
    from proxy.cli.help_codes import FILES, codes, explanation

    group = context.parent.command if context.parent else None
    assert isinstance(group, click.Group)
    assert context.parent is not None
    if topic is None:
        click.echo(group.get_help(context.parent))
        for file, title in zip(
            FILES,
            (Message("Error codes of requests:"), Message("Error codes of configuration and startup:")),
            strict=True,
        ):
            click.echo(f"\n{for_operator(title)}")
            for line in _in_columns(codes(file)):
                click.echo(line)
        return
    command = group.commands.get(topic)
    if command is not None:
        with click.Context(command, parent=context.parent, info_name=topic) as about:
            click.echo(command.get_help(about))
        return
    text = explanation(topic, configured())
    if text is None:
        raise click.BadParameter(for_operator(_unknown(topic, group)), param_hint="TOPIC")
    click.echo(f"{topic}\n")
    for line in _wrapped_lines(text):
        click.echo(line)


def _unknown(topic: str, group: click.Group) -> Message:
    from config.errors import nearest
    from proxy.cli.help_codes import FILES, codes

    known = {name: name for name in [*group.commands, *(code for file in FILES for code in codes(file))]}
    known |= {code.removeprefix("config-"): code for code in codes("start")}
    near = known.get(nearest(topic, known), "")
    if near:
        return Message("no command or code {name}; did you mean '{near}'?", name=repr(topic), near=near)
    return Message("no command or code {name}; 'banjia help' lists them", name=repr(topic))


def _wrapped_lines(text: str) -> list[str]:
    from proxy.commands.table import terminal_width, wrap_prose

    return [line for paragraph in text.split("\n") for line in wrap_prose(paragraph, min(terminal_width(), 100) - 2)]


def _in_columns(words: list[str]) -> list[str]:
    from proxy.commands.table import terminal_width

    width = max(map(len, words)) + 2
    per_line = max(1, (terminal_width() - 2) // width)
    return [
        "  " + "".join(word.ljust(width) for word in words[at : at + per_line]).rstrip()
        for at in range(0, len(words), per_line)
    ]
