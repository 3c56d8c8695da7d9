"""Whether this pytest, with these options, can be fed file by file. Where it cannot, each shard gets a pytest of its own."""

import pytest


def unstreamable(config):
    """Why files cannot be fed one by one to this pytest with these options, in words; None when they can."""
    whole = [("lf", "--lf"), ("failedfirst", "--ff"), ("newfirst", "--nf"), ("stepwise", "--stepwise"), ("pyargs", "--pyargs")]
    for name, option in whole:
        if config.getoption(name, False):
            return "%s needs the whole list of tests" % option
    for plugin in ("randomly", "random_order"):
        if config.pluginmanager.hasplugin(plugin):
            return "the plugin %s orders the whole list of tests" % plugin
    if config.getoption("numprocesses", None) == 0 or config.getoption("usepdb", False):
        return "tests run without xdist workers"
    if config.getoption("dist", "no") == "each":
        return "--dist each"
    if any(not str(spec).endswith("popen") for spec in config.getoption("tx", None) or []):
        return "--tx starts xdist workers elsewhere"
    return missing_api()


def missing_api():
    """Why this pytest cannot be fed, in words; None when it can."""
    if not hasattr(pytest, "Directory"):
        return "pytest is older than version 8"
    from _pytest.main import Session
    from _pytest.runner import SetupState

    for name in ("perform_collect", "genitems", "gethookproxy", "isinitpath"):
        if not hasattr(Session, name):
            return "pytest's Session has no %s" % name
    if not hasattr(SetupState, "teardown_exact"):
        return "pytest's SetupState has no teardown_exact"
    return None
