"""Commands that refuse an option given twice where click would silently keep the last one."""

from collections import Counter

import click


class OnceCommand(click.Command):
    """A command whose options are given once, unless declared with `multiple`, `count` or as a flag."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments.

        Raises:
            UsageError: an option that takes one value is given twice.

        """
        if not ctx.resilient_parsing:
            _, _, parameters = self.make_parser(ctx).parse_args(args=list(args))
            _refuse_repetition(ctx, parameters)
        return super().parse_args(ctx, args)


class OnceGroup(OnceCommand, click.Group):
    """A group that, like its commands, refuses an option given twice."""

    command_class = OnceCommand


def _refuse_repetition(ctx: click.Context, parameters: list[click.Parameter]) -> None:
    for parameter, times in Counter(parameters).items():
        takes_one = isinstance(parameter, click.Option) and not (
            parameter.multiple or parameter.count or parameter.is_flag
        )
        if takes_one and times > 1:
            name = max(parameter.opts, key=len)
            raise click.UsageError(f"{name} is given {times} times, and takes one value.", ctx)
