"""`maskconver tune` with a stand-in for what it calls."""

from maskconver_tf.cli.main import main


def test_options_become_choices(calls):
    made = calls("config.thresholds.tune_run", "tune_run")
    argv = ["tune", "--model", "m", "--data", "d", "--keep", "never", "--precision", "float16"]
    argv += ["--max_gigabytes", "0.5", "--no_classes", "--thresholds_only", "--min_area", "4"]
    assert main([*argv, "--proposals", "p", "--gin.A.b=1"]) == 0
    [((model, data, out, bindings, thresholds, options), _)] = made
    assert (model, data, out, bindings, thresholds) == ("m", "d", None, ["A.b=1"], {"min_area": 4})
    assert options.proposals == "p"
    assert options.store.max_bytes == 500_000_000
    assert options.store.dtype == "float16"
    assert not options.per_class
    assert not options.switches
    assert options.keep == "never"


def test_wrong_values_are_refused(error_of):
    assert "--max_gigabytes 0: expected a number from" in error_of(
        "tune", "--model", "m", "--max_gigabytes", "0"
    )
    assert "invalid choice: 'perhaps'" in error_of("tune", "--model", "m", "--keep", "perhaps")
