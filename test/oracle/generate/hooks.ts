// Hooks of conftest.py files: harmless loops over the items, and those that need the whole list.

import { chance, type Draft, differsBy, type Part } from './draft.ts';

/** Adds code of a conftest. */
type Hook = Part<string>;

const hook = (name: string, weight: number, add: (draft: Draft) => string): Hook => ({ name, weight, add });

const ITEMS = 'def pytest_collection_modifyitems(session, config, items):\n';

export const hooks: readonly Hook[] = [
  hook(
    'marks by name',
    2,
    () =>
      `${ITEMS}    for item in items:\n        if "gpu" in item.nodeid:\n            item.add_marker(pytest.mark.skip(reason="no gpu"))\n`,
  ),
  hook('marks by path', 2, (draft) => {
    draft.markers.add('here');
    return `${ITEMS}    for item in items:\n        if "unit" in str(item.path):\n            item.add_marker(pytest.mark.here)\n        if item.get_closest_marker("fast"):\n            item.user_properties.append(("speed", "fast"))\n`;
  }),
  hook(
    'filters each',
    2,
    () =>
      `${ITEMS}    gone = [item for item in items if "other" in item.name]\n    if gone:\n        config.hook.pytest_deselected(items=gone)\n        items[:] = [item for item in items if "other" not in item.name]\n`,
  ),
  hook('filters quietly', 1, () => `${ITEMS}    items[:] = [item for item in items if "plain" not in item.name]\n`),
  hook('keeps every second', 1, () => `${ITEMS}    items[:] = items[::2]\n`),
  hook('keeps the first ten', 1, () => `${ITEMS}    del items[10:]\n`),
  hook('reverses', 1, () => `${ITEMS}    items.reverse()\n`),
  hook('sorts by name', 1, () => `@pytest.hookimpl(trylast=True)\n${ITEMS}    items.sort(key=lambda item: item.name)\n`),
  hook('sorts by a mark', 1, (draft) => {
    draft.markers.add('last');
    return `${ITEMS}    items.sort(key=lambda item: item.get_closest_marker("gpu") is not None)\n`;
  }),
  hook('doubles', 1, () => `${ITEMS}    items[:] = items * 2\n`),
  hook('repeats the first', 1, () => `${ITEMS}    if items: items.append(items[0])\n`),
  hook(
    'marks the first slow',
    1,
    () =>
      `${ITEMS}    for item in items:\n        if "slow" in item.name or "plain" in item.name:\n            item.add_marker(pytest.mark.skip(reason="one is enough"))\n            break\n`,
  ),
  hook(
    'marks by index',
    1,
    () =>
      `${ITEMS}    for index, item in enumerate(items):\n        if index % 3 == 0: item.add_marker(pytest.mark.xfail(reason=f"at {index}"))\n`,
  ),
  hook('marks all', 1, () => `${ITEMS}    for item in items: item.add_marker(pytest.mark.xfail)\n`),
  hook(
    'marks the session',
    1,
    () => `${ITEMS}    if any("gpu" in item.name for item in items): session.add_marker(pytest.mark.xfail(reason="gpu"))\n`,
  ),
  hook('renames', 1, () => `def pytest_itemcollected(item):\n    item._nodeid = item.nodeid.replace("plain", "renamed")\n`),
  hook(
    'marks on collection',
    1,
    () => `def pytest_itemcollected(item):\n    if "other" in item.name: item.add_marker(pytest.mark.skip(reason="collected"))\n`,
  ),
  hook('appends a check', 1, (draft) => {
    const n = draft.next();
    return `class Check${n}(pytest.Item):\n    def runtest(self): assert self.count > ${chance(draft, 0.5) ? 2 : 10_000}\n    def reportinfo(self): return self.path, None, self.name\n@pytest.hookimpl(trylast=True)\n${ITEMS}    check = Check${n}.from_parent(session, name="check-${n}")\n    check.count = len(items)\n    items.append(check)\n`;
  }),
  hook('counts', 1, (draft) => {
    draft.reads.push({ path: 'collected.txt', as: 'lines' });
    return `def pytest_collection_finish(session):\n    with open(session.config.rootpath / "collected.txt", "w") as out: out.write(f"{len(session.items)}\\n")\n`;
  }),
  hook(
    'wraps',
    1,
    () =>
      `@pytest.hookimpl(wrapper=True)\n${ITEMS}    before = len(items)\n    yield\n    for item in items: item.user_properties.append(("total", before))\n`,
  ),
  hook(
    'skips by mark',
    1,
    () => `def pytest_runtest_setup(item):\n    if item.get_closest_marker("gpu"): pytest.skip("no gpu at run time")\n`,
  ),
  hook(
    'changes reports',
    1,
    () =>
      `@pytest.hookimpl(wrapper=True)\ndef pytest_runtest_makereport(item, call):\n    report = yield\n    if report.when == "call" and report.failed and "other" in item.name: report.outcome = "passed"\n    return report\n`,
  ),
  hook(
    'ignores files',
    1,
    () => `def pytest_ignore_collect(collection_path):\n    return True if collection_path.name.startswith("test_m2") else None\n`,
  ),
  hook('ignores by list', 1, () => 'collect_ignore_glob = ["*m3*"]\n'),
  hook(
    'generates',
    1,
    () => `def pytest_generate_tests(metafunc):\n    if "every" in metafunc.fixturenames: metafunc.parametrize("every", ["x", "y"])\n`,
  ),
  hook('autouse', 2, (draft) => {
    const n = draft.next();
    return `@pytest.fixture(autouse=True)\ndef around_${n}(monkeypatch):\n    monkeypatch.setenv("AROUND", "${n}")\n    yield\n`;
  }),
  hook('failing session teardown', 1, (draft) => {
    const n = draft.next();
    draft.differs.push(differsBy('every worker tears its session down, and its last test gets the error', 'xdist', 'shardline'));
    const late = 'by file, a worker does not know its last test, and the error is one of its file';
    draft.differs.push({ aspects: ['collect-errors'], in: ['shardline'], why: late });
    return `@pytest.fixture(scope="session", autouse=True)\ndef leak_${n}():\n    yield\n    raise RuntimeError("session")\n`;
  }),
  hook(
    'next item',
    1,
    () =>
      `def pytest_runtest_teardown(item, nextitem):\n    assert nextitem is None or isinstance(nextitem, pytest.Item)\n    assert nextitem is None or nextitem.listchain()\n`,
  ),
  hook('own option', 1, (draft) => {
    const n = draft.next();
    draft.args.push(`--wanted-${n}=plain`);
    return `def pytest_addoption(parser): parser.addoption("--wanted-${n}", default="")\n${ITEMS}    wanted = config.getoption("--wanted-${n}")\n    for item in items:\n        if wanted and wanted in item.name: item.add_marker(pytest.mark.skip(reason=f"not {wanted}"))\n`;
  }),
];

/** Hooks only for the conftest of the root, because only that one can add options. */
export const rootOnly: readonly string[] = ['own option'];
