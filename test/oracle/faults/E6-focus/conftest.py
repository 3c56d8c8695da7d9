def pytest_collection_modifyitems(config, items):
    focused = [item for item in items if item.get_closest_marker("focus")]
    if focused:
        config.hook.pytest_deselected(items=[item for item in items if item not in focused])
        items[:] = focused
