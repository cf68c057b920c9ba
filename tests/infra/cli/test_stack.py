"""What the command line prints is printable, no matter who has chosen it."""

from infra.cli.stack import UNUSABLE
from tests.support.shell import Shell, run, run_json


def test_text_of_others_does_not_reach_the_terminal_raw(shell: Shell) -> None:
    """Line breaks, escape sequences and bidirectional controls of others are shown, and draw no line of ours."""
    hostile = "x\nReport: s3://evil\x1b[2J\u202e"
    started = run_json(shell, f"start --yes --reconcile --ticket '{hostile}'")
    name = started["executionArn"].rsplit(":", 1)[1]
    (shell.folder / "hostile.csv").write_text(f'serial,"{hostile}"\n"{hostile}",1\n')
    outputs = [
        run(shell, f"report {name}"),
        run(shell, "list"),
        run(shell, f"watch {name}"),
        run(shell, "plan --list hostile.csv", UNUSABLE),
        run(shell, f"plan '{hostile}'", UNUSABLE),
    ]
    for output in outputs:
        assert output.replace("\n", "").isprintable()
        assert not any(line.startswith("Report: s3://evil") for line in output.splitlines())
    assert "s3://evil" in outputs[0], outputs
