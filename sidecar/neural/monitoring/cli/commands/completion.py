"""``neural monitor completion``."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

_EPILOG = """\b
Examples:
  eval "$(neural monitor completion bash)"
  neural monitor completion zsh > ~/.zfunc/_neural
  neural monitor completion fish > ~/.config/fish/completions/neural.fish
"""


@click.command(epilog=_EPILOG)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> int:
    """Print the completion script for SHELL."""
    root = context.find_root()
    program = root.info_name or "neural"
    kind = get_completion_class(shell)
    assert kind is not None  # the three shells are click's own
    click.echo(kind(root.command, {}, program, f"_{program.replace('-', '_').upper()}_COMPLETE").source())
    return 0
