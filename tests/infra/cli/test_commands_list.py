"""The list of a state machine's executions."""

from tests.support.shell import Shell, run


def test_a_list_of_nothing(shell: Shell) -> None:
    """A state machine without executions is named, so that nobody takes it for another one's list."""
    states, own = shell.client("stepfunctions"), shell.environment["STATE_MACHINE_ARN"]
    described = states.describe_state_machine(stateMachineArn=own)
    definition = '{"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}'
    arn = states.create_state_machine(name="idle", definition=definition, roleArn=described["roleArn"])[
        "stateMachineArn"
    ]
    assert f"{arn} has not been started yet." in run(shell, "list", STATE_MACHINE_ARN=arn)
    states.delete_state_machine(stateMachineArn=arn)
