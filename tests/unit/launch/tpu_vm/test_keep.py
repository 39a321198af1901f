"""`slice.sh keep`: a slice is requested, trained on, lost and requested again."""

from __future__ import annotations

from tests.unit.launch.tpu_vm.conftest import actions, slice_life

START = (
    "bash maskconver/host.sh start train --gin_file experiments/demo.gin --model_dir gs://b/run "
    "\"--gin.Compute.strategy='tpu'\""
)


def test_a_lost_slice_is_requested_again_and_training_continues_in_the_same_folder(
    slice_command, fakes
):
    fakes.plan(
        lives=[
            slice_life(
                "WAITING_FOR_RESOURCES PROVISIONING" + " ACTIVE" * 6 + " SUSPENDING SUSPENDED"
            ),
            slice_life("CREATING ACTIVE ACTIVE ACTIVE ACTIVE SUSPENDED"),
            slice_life("ACTIVE", "running, running, exit 0"),
        ]
    )
    done = slice_command("keep")
    once = ["create", "install", "start", "delete"]
    assert actions(fakes) == once * 3
    starts = [w for argv in fakes.argvs("gcloud") for w in argv if "host.sh start" in w]
    assert starts == ["--command=" + START] * 3
    assert "training is done" in done.stdout
    deleted = [argv[4] for argv in fakes.argvs("gcloud") if argv[3] == "delete"]
    assert deleted == ["mask-1"] * 3


def test_a_second_keep_continues_with_the_slice_of_the_first(slice_command, fakes):
    fakes.plan(lives=[slice_life("ACTIVE", "running, running, exit 0")])
    slice_command("create")
    slice_command("setup")
    slice_command("train")
    slice_command("keep")
    assert actions(fakes) == ["create", "install", "start", "delete"]


def test_training_that_saved_and_stopped_is_started_again(slice_command, fakes):
    fakes.plan(lives=[slice_life("ACTIVE", "running, exit 75, running, exit 0")])
    slice_command("keep")
    assert actions(fakes) == ["create", "install", "start", "start", "delete"]


def test_training_starts_again_on_a_restarted_host(slice_command, fakes):
    fakes.plan(lives=[slice_life("ACTIVE", "running, gone, running, exit 0")])
    assert "the host was restarted" in slice_command("keep").stdout
    assert actions(fakes) == ["create", "install", "start", "start", "delete"]


def test_failed_training_ends_keep_and_the_slice_stays(slice_command, fakes):
    fakes.plan(lives=[slice_life("ACTIVE", "running, exit 2")])
    error = slice_command("keep", code=2).stderr
    assert "maskconver train ended with 2. The slice stays and costs" in error
    assert actions(fakes) == ["create", "install", "start"]


def test_a_refused_request_is_repeated(slice_command, fakes):
    fakes.plan(
        lives=[slice_life("ACTIVE", "exit 0")],
        fail=[["queued-resources create", "ERROR: stockout", 3]],
    )
    slice_command("keep")
    assert actions(fakes) == ["create"] * 4 + ["install", "start", "delete"]


def test_a_request_that_is_always_refused_ends_keep(slice_command, fakes):
    fakes.plan(lives=[], fail=[["queued-resources create", "ERROR: no permission", -1]])
    error = slice_command("keep", code=2).stderr
    assert "no permission" in error
    assert "the request for mask-1 was refused 10 times in a row" in error
    assert actions(fakes) == ["create"] * 10


def test_a_slice_that_cannot_be_deleted_is_named(slice_command, fakes):
    fakes.plan(
        lives=[slice_life("ACTIVE", "exit 0")],
        fail=[["queued-resources delete", "ERROR: unavailable", -1]],
    )
    assert (
        "mask-1 was not deleted (the lines above tell why) and costs"
        in slice_command("keep", code=2).stderr
    )


def test_a_host_that_refuses_ssh_at_first_is_set_up_later(slice_command, fakes):
    fakes.plan(lives=[slice_life("ACTIVE", "exit 0")], fail=[["mkdir -p", "Connection refused", 2]])
    slice_command("keep")
    assert actions(fakes) == ["create", "install", "start", "delete"]


def test_a_setup_that_always_fails_names_the_slice(slice_command, fakes):
    fakes.plan(lives=[slice_life("ACTIVE")], fail=[["host.sh install", "no such package", -1]])
    error = slice_command("keep", code=2).stderr
    assert "setting up mask-1 failed" in error
    assert actions(fakes) == ["create"] + ["install"] * 5


def test_a_slice_lost_during_setup_is_requested_again(slice_command, fakes):
    fakes.plan(
        lives=[slice_life("ACTIVE SUSPENDED"), slice_life("ACTIVE", "exit 0")],
        fail=[["host.sh install", "Connection closed", 1]],
    )
    slice_command("keep")
    expected = ["create", "install", "delete", "create", "install", "start", "delete"]
    assert actions(fakes) == expected


def test_a_host_that_is_silent_for_a_while_is_not_lost(slice_command, fakes):
    fakes.plan(
        lives=[slice_life("ACTIVE", "running, running, exit 0")],
        fail=[["host.sh status", "Connection timed out", 4]],
    )
    slice_command("keep")
    assert actions(fakes) == ["create", "install", "start", "delete"]


def test_without_credentials_keep_ends_and_shows_what_gcloud_said(slice_command, fakes):
    fakes.plan(lives=[], fail=[["describe", "ERROR: You do not have an active account", -1]])
    error = slice_command("keep", code=2).stderr
    assert "You do not have an active account" in error
    assert "failed 10 times in a row" in error
    assert actions(fakes) == []


def test_keep_requests_a_limited_number_of_slices(slice_command, fakes):
    fakes.plan(lives=[slice_life("FAILED")] * 9)
    error = slice_command("keep", code=2, MAX_RECREATIONS="2").stderr
    assert "mask-1 was requested 3 times; MAX_RECREATIONS=2 allows no more" in error
    assert actions(fakes) == ["create", "delete"] * 3
