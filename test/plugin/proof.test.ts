// The proof that a hook treats each file by itself: hooks that pass it and hooks that fail it.

import { describe, expect, test } from 'vitest';
import { type Proof, prove, type ToProve } from './prove.ts';

const modify = (body: string, before = ''): ToProve => ({
  files: {
    'conftest.py': `import pytest\n${before}\ndef pytest_collection_modifyitems(session, config, items):\n${body.replace(/^/gm, '    ')}\n`,
  },
});
const conftest = (text: string): ToProve => ({ files: { 'conftest.py': `import pytest\n${text}` } });

const harmless: Readonly<Record<string, ToProve>> = {
  'no hook': { files: {} },
  'a mark by a keyword, after an option and an early return': modify(`if config.getoption("verbose") > 5:
    return
skip = pytest.mark.skip(reason="slow")
for item in items:
    if "slow" in item.keywords:
        item.add_marker(skip)`),
  'a filter by a condition on each item': modify(
    'items[:] = [item for item in items if item.get_closest_marker("slow") is None and "x" not in item.name]',
  ),
  'a filter that reports what it deselects': modify(`kept, dropped = [], []
for item in items:
    if item.get_closest_marker("slow"):
        dropped.append(item)
    else:
        kept.append(item)
if dropped:
    config.hook.pytest_deselected(items=dropped)
    items[:] = kept`),
  'a filter with continue, of which nothing is deselected': modify(`kept = []
dropped = []
for item in items:
    if item.name == "test_nothing":
        dropped.append(item)
        continue
    kept.append(item)
config.hook.pytest_deselected(items=dropped)
items[:] = kept`),
  'a filter by two opposite comprehensions': modify(`dropped = [item for item in items if "slow" in item.keywords]
kept = [item for item in items if not "slow" in item.keywords]
if not dropped:
    return
config.hook.pytest_deselected(items=dropped)
items[:] = kept`),
  'a filter that removes from the list while it loops over a copy': modify(`for item in list(items):
    if item.get_closest_marker("slow"):
        items.remove(item)`),
  'paths, regular expressions, environment and constants': modify(
    `here = Path(__file__).parent
for item in items:
    relative = Path(str(item.fspath)).relative_to(here)
    name = relative.parts[0]
    for prefix, mark in MARKS.items():
        if re.match(prefix, name) and os.environ.get("NO_MARKS", "0") != "1":
            item.add_marker(getattr(pytest.mark, mark))
    if any(mark.name == "slow" for mark in item.iter_markers()) and isinstance(item, pytest.Function):
        item.add_marker(pytest.mark.timeout(60))`,
    'import os, re\nfrom pathlib import Path\nMARKS = {"test_a": "alpha", "test_b": "beta"}',
  ),
  'a function of the suite that it calls for each item': modify(
    'for item in items:\n    mark(item, is_slow(item))',
    `def is_slow(item):
    return item.get_closest_marker("slow") is not None
def mark(item, slow):
    if slow:
        item.add_marker("xfail")`,
  ),
  'a function that gets the list and returns at once': modify(
    'split(config, items)',
    'def split(config, items):\n    wanted = config.getoption("-k")\n    if not wanted:\n        return\n    items.sort()',
  ),
  'lines that did not run': modify('if config.getoption("verbose") > 5:\n    items.reverse()'),
  'attributes and properties of the item itself': modify(
    'for item in items:\n    item.user_properties.append(("file", item.path.name if hasattr(item, "path") else ""))\n    item.slow = "slow" in item.name',
  ),
  'an error in the loop that is caught in the same iteration': modify(
    'for item in items:\n    try:\n        mark = item.own_markers[0]\n    except IndexError:\n        continue\n    item.add_marker(mark.name)',
  ),
  'a wrapper around the hook': conftest(
    '@pytest.hookimpl(hookwrapper=True)\ndef pytest_collection_modifyitems(items):\n    yield\n    for item in items:\n        item.add_marker("seen")\n',
  ),
  'hooks for one function, class or path': conftest(`SEEDS = [1, 2]
def pytest_generate_tests(metafunc):
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", SEEDS, ids=lambda seed: "seed%d" % seed)
def pytest_itemcollected(item):
    if item.get_closest_marker("slow"):
        item.add_marker(pytest.mark.usefixtures("tmp_path"))
def pytest_pycollect_makeitem(collector, name, obj):
    if name.startswith("helper"):
        return []
def pytest_make_parametrize_id(config, val, argname):
    if isinstance(val, int):
        return f"{argname}={val}"
`),
  'a plugin object with options of its own': conftest(`class Marks:
    def __init__(self, names): self.names = names
    def pytest_collection_modifyitems(self, items):
        for item in items:
            if item.name in self.names: item.add_marker("listed")
def pytest_configure(config): config.pluginmanager.register(Marks(["test_quick"]), "marks")
`),
  'a collector that yields items of its own file': {
    files: {
      'a.check': 'one\ntwo\n',
      'conftest.py': `import pytest
def pytest_collect_file(parent, file_path):
    if file_path.suffix == ".check":
        return Checks.from_parent(parent, path=file_path)
class Checks(pytest.File):
    def collect(self):
        for line in self.path.read_text().split():
            yield Check.from_parent(self, name=line)
class Check(pytest.Item):
    def runtest(self): pass
`,
    },
  },
  'a hook of a conftest that is loaded late, with constants of its own': {
    files: {
      'sub/conftest.py': `SEEDS = [1, 2]
def pytest_generate_tests(metafunc):
    if "seed" in metafunc.fixturenames: metafunc.parametrize("seed", SEEDS)
`,
      'sub/test_c.py': 'def test_c(seed): pass\n',
    },
  },
  'values of the config, of an option and of the ini file that were there before': {
    files: {
      'pytest.ini': '[pytest]\nmarkers =\n    seen\n',
      'conftest.py': `import pytest
def pytest_addoption(parser):
    parser.addoption("--quick", action="store_true", default=False)
    parser.addini("names", "", type="linelist", default=["a"])
def pytest_configure(config): config.names = ["one", "two"]
def pytest_generate_tests(metafunc):
    if "name" in metafunc.fixturenames and not metafunc.config.getoption("--quick"):
        metafunc.parametrize("name", metafunc.config.names)
    if "ini" in metafunc.fixturenames: metafunc.parametrize("ini", metafunc.config.getini("names"))
`,
      'test_c.py': 'def test_c(name, ini): pass\n',
    },
  },
  'cases of a class and of a mark that the test file defines': {
    files: {
      'pytest.ini': '[pytest]\nmarkers =\n    cases\n',
      'conftest.py': `def pytest_generate_tests(metafunc):
    if metafunc.cls is not None and "case" in metafunc.fixturenames:
        metafunc.parametrize("case", metafunc.cls.params[metafunc.function.__name__])
    mark = metafunc.definition.get_closest_marker("cases")
    if mark is not None: metafunc.parametrize("x", mark.args[0])
`,
      'test_c.py': `import pytest
class TestC:
    params = {"test_c": [dict(a=1), dict(a=2)]}
    def test_c(self, case): pass
@pytest.mark.cases([1, 2])
def test_d(x): pass
`,
    },
  },
  'texts and lists of its own that it adds to': modify(`for item in items:
    reason = item.name
    reason += " is slow"
    names = ["a"]
    names += ["b"]
    item.add_marker(pytest.mark.skip(reason=reason + names[0]))
    item.user_properties += [("name", item.name)]`),
  'an attribute that an error suppresses': modify(
    `for item in items:
    with suppress(AttributeError):
        item.add_marker(item.callspec.id)
        continue
    item.add_marker("plain")`,
    'from contextlib import suppress',
  ),
  'a file beside the conftest that was there before': {
    files: {
      'slow.txt': 'test_slow\n',
      'conftest.py': `from pathlib import Path
HERE = Path(__file__).parent
def pytest_collection_modifyitems(items):
    if not (HERE / "slow.txt").exists(): return
    with open(HERE / "slow.txt") as file:
        names = file.read().split()
    for item in items:
        if item.name in names: item.add_marker("slow")
`,
    },
  },
  'a collector of its own rules': {
    files: {
      'conftest.py': `import pytest
PREFIX = "test_"
class Mod(pytest.Module):
    @property
    def wanted(self): return PREFIX
    def istestfunction(self, obj, name): return name.startswith(self.wanted)
def pytest_pycollect_makemodule(module_path, parent): return Mod.from_parent(parent, path=module_path)
`,
    },
  },
  'a session fixture that reads only what is not the list': {
    ...conftest('@pytest.fixture(scope="session", autouse=True)\ndef root(request): return request.session.config.rootpath\n'),
    runs: true,
  },
};

const perItem = (body: string, before = ''): ToProve => modify(`for item in items:\n${body.replace(/^/gm, '    ')}`, before);
const SLOW = 'item.get_closest_marker("slow")';

const unproven: Readonly<Record<string, readonly [ToProve, RegExp]>> = {
  'E2: appends a check': [
    modify('items.append(Check.from_parent(session, name="last"))', 'class Check(pytest.Item):\n    def runtest(self): pass'),
    /conftest\.py:5 calls `items\.append`/,
  ],
  'E4: doubles the list': [modify('items[:] = items * 2'), /reads the list of items as a whole/],
  'E6: a mark that only the focused run': [
    modify('focused = [item for item in items if "slow" in item.keywords]\nif focused:\n    items[:] = focused'),
    /filters the items only if `focused` holds some/,
  ],
  'E6: the same in a loop': [
    modify(`focused = []\nfor item in items:\n    if ${SLOW}:\n        focused.append(item)\nif focused:\n    items[:] = focused`),
    /filters the items only if `focused` holds some/,
  ],
  'E7: a conftest below marks the items of all': [
    {
      files: {
        'sub/conftest.py': 'def pytest_collection_modifyitems(items):\n    for item in items: item.add_marker("xfail")\n',
        'sub/test_c.py': 'def test_c(): pass\n',
      },
    },
    /sub\/conftest\.py:1 is in a conftest that pytest loads while it collects/,
  ],
  'E13: leaves the loop at the first': [
    perItem(`if ${SLOW}:\n    item.add_marker("skip")\n    break`),
    /leaves the loop over the items with break/,
  ],
  'E14: a nested function that names the list': [
    modify('def count(): return len(items)\nconfig.count = count'),
    /has a nested function that names `items`/,
  ],
  'E15: marks the session': [perItem('item.session.add_marker("xfail")'), /calls `item\.session\.add_marker`/],
  'E16: sorts': [modify(`items.sort(key=lambda item: ${SLOW} is not None)`), /calls `items\.sort`/],
  'sorts into the list': [modify('items[:] = sorted(items, key=lambda item: item.name)'), /reads the list of items as a whole/],
  reverses: [modify('items.reverse()'), /calls `items\.reverse`/],
  'shuffles by the library': [modify('random.shuffle(items)', 'import random'), /calls `random\.shuffle`|reads the list of items/],
  'inserts and pops': [modify('items.insert(0, items.pop())'), /calls `items\.insert`/],
  'counts in the loop': [
    modify('count = 0\nfor item in items:\n    count += 1\n    if count > 3: item.add_marker("skip")'),
    /may keep `count`/,
  ],
  'counts with a walrus': [modify('n = 0\nfor item in items:\n    if (n := n + 1) > 3: item.add_marker("skip")'), /may keep `n`/],
  'counts with a comprehension': [
    modify('slow = [i for i in items if "slow" in i.keywords]\nif len(slow) > 1: slow[0].add_marker("skip")'),
    /reads the list that it fills/,
  ],
  'counts with sum and a generator': [modify('if sum(1 for item in items) > 3: pass'), /reads the list of items as a whole/],
  'remembers names in a dict': [modify('seen = {}\nfor item in items:\n    seen[item.name] = item'), /writes `seen\[/],
  'remembers names in a set': [modify('seen = set()\nfor item in items:\n    seen.add(item.name)'), /calls `seen\.add`/],
  'remembers names in a global list': [perItem('SEEN.append(item.name)', 'SEEN = []'), /reads `SEEN`, which changed during collection/],
  'remembers through another name': [modify('seen = []\nfor item in items:\n    mine = seen\n    mine += [item.name]'), /changes `mine`/],
  'remembers through a bound method': [
    modify('seen = set()\nnote = seen.add\nfor item in items:\n    note(item.name)'),
    /reads `seen\.add`/,
  ],
  'remembers through map': [perItem('list(map(SEEN.add, [item.name]))', 'SEEN = set()'), /reads `SEEN\.add`/],
  'remembers through sorted': [
    perItem('sorted(["a"], key=note)', 'SEEN = []\ndef note(name): SEEN.append(name)'),
    /conftest\.py:3 reads `SEEN`, which changed during collection/,
  ],
  'remembers by a lambda': [
    perItem('sorted(["a"], key=lambda name: SEEN.append(name))', 'SEEN = []'),
    /reads `SEEN`, which changed during collection/,
  ],
  'remembers in a mutable default': [
    perItem('note(item)', 'def note(item, seen=[]):\n    seen.append(item.name)'),
    /conftest\.py:3 reads `seen`, which changed during collection/,
  ],
  'remembers by a global': [
    perItem('note(item)', 'COUNT = 0\ndef note(item):\n    global COUNT\n    COUNT += 1'),
    /conftest\.py:5 changes the global `COUNT`/,
  ],
  'remembers by a plain global assignment': [
    modify('global LAST\nfor item in items:\n    LAST = item.name', 'LAST = None'),
    /writes the global `LAST`/,
  ],
  'remembers in a context variable': [
    perItem('SEEN.set(item.name)', 'import contextvars\nSEEN = contextvars.ContextVar("seen", default=None)'),
    /calls `SEEN\.set`/,
  ],
  'remembers by setattr': [perItem('setattr(item.session, "last", item.name)'), /writes `setattr/],
  'remembers in the config': [perItem('item.config.last = item.name'), /writes `item\.config\.last`/],
  'remembers in the stash': [perItem('item.stash[KEY] = 1', 'KEY = pytest.StashKey()'), /reads `item\.stash`|reads KEY|reads `KEY`/],
  'remembers in the parent': [perItem('item.parent.last = item'), /writes `item\.parent\.last`/],
  'remembers in an iterator': [
    modify('numbers = iter(range(9))\nfor item in items:\n    item.number = next(numbers)'),
    /goes on through an iterator/,
  ],
  'remembers by a loop over an iterator': [
    modify('numbers = iter(range(9))\nfor item in items:\n    for item.number in numbers: break'),
    /goes on through `numbers`/,
  ],
  'remembers by membership in an iterator': [
    modify('names = (n for n in ["test_quick", "test_slow"])\nfor item in items:\n    if item.name in names: item.add_marker("skip")'),
    /goes on through `names`/,
  ],
  'remembers by a name that only some items set': [
    perItem('if item.name == "test_slow": found = True\ntry:\n    if found: item.add_marker("skip")\nexcept NameError: pass'),
    /may keep `found`/,
  ],
  'remembers in a decorator of a nested function': [
    perItem('@SEEN.append\ndef nested(): pass', 'SEEN = []'),
    /decorates a nested function/,
  ],
  'remembers in the default of a lambda': [
    perItem('item.later = lambda n=SEEN.append(1): n', 'SEEN = []'),
    /reads `SEEN`|calls `SEEN\.append`/,
  ],
  'remembers in a generator of the suite': [
    modify('names = names_of()\nfor item in items:\n    for name in names: item.add_marker(name)', 'def names_of():\n    yield "first"'),
    /calls `names_of`/,
  ],
  'remembers in an iterator that a function returns': [
    modify(
      'names = names_of()\nfor item in items:\n    for name in names: item.add_marker(name)',
      'def names_of(): return iter(["first"])',
    ),
    /goes on through `names`/,
  ],
  'remembers in an iterator inside a list': [
    modify('names = [iter(["first"])]\nfor item in items:\n    for name in names[0]: item.add_marker(name)'),
    /puts an iterator or file into a container/,
  ],
  'remembers as the target of a with statement': [
    perItem('with open(__file__) as item.session.last: pass'),
    /writes `item\.session\.last`/,
  ],
  'keeps each item twice, pass by pass': [
    modify('kept = []\nfor again in (1, 2):\n    for item in items:\n        kept.append(item)\nitems[:] = kept'),
    /calls `kept\.append`/,
  ],
  'reads a registry that it imports late': [
    {
      files: {
        'conftest.py': `def pytest_generate_tests(metafunc):
    from registry import CASES
    if "case" in metafunc.fixturenames: metafunc.parametrize("case", CASES)
`,
        'registry.py': 'CASES = []\n',
        'test_c.py': 'import registry\nregistry.CASES.append(1)\ndef test_c(case): pass\n',
      },
    },
    /reads `CASES`, which (changed during collection|an earlier file may have changed)/,
  ],
  'reads a registry from a conftest that is loaded late': [
    {
      files: {
        'sub/conftest.py': `import registry
def pytest_generate_tests(metafunc):
    if "case" in metafunc.fixturenames: metafunc.parametrize("case", registry.CASES)
`,
        'sub/test_c.py': 'def test_c(case): pass\n',
        'registry.py': 'CASES = []\n',
        'test_b.py': 'import registry\nregistry.CASES.append(1)\ndef test_b(): pass\n',
      },
      args: ['test_b.py', 'sub'],
    },
    /reads `registry\.CASES`, which (changed during collection|an earlier file may have changed)/,
  ],
  'keeps a late-bound name': [perItem('name = item.name\nitem.later = lambda: name'), /nested function that names `name`/],
  'keeps the list on an item': [perItem('item.everything = items'), /keeps the list of items/],
  'keeps the list on the config': [modify('config.everything = items'), /keeps the list of items/],
  'returns from the loop': [perItem(`if ${SLOW}: return`), /returns from the loop/],
  'has an else of the loop': [modify('for item in items:\n    pass\nelse:\n    config.done = True'), /loop over the items with an else/],
  'loops with while': [modify('i = 0\nwhile i < 1:\n    i += 1'), /While/],
  enumerates: [modify('for i, item in enumerate(items):\n    pass'), /reads the list of items as a whole/],
  zips: [modify('for item, n in zip(items, range(9)): pass'), /reads the list of items as a whole/],
  'takes the first': [modify('items[0].add_marker("smoke")'), /takes items by their position/],
  'unpacks the list': [modify('first, *others = items'), /reads the list of items as a whole/],
  'compares the list': [modify('if items is not session.items: pass'), /reads the list of items as a whole/],
  'loops twice, one inside the other': [perItem('for other in items:\n    pass'), /in a loop over the items/],
  'catches an error outside of the loop': [
    modify(`try:\n    for item in items:\n        item.own_markers[0]\nexcept IndexError:\n    pass`),
    /leaves a loop by an error that it catches/,
  ],
  'reduces the list': [modify('functools.reduce(lambda a, b: b, items)', 'import functools'), /calls `functools\.reduce`|passes|reads/],
  'gives the list to a function that counts': [
    modify('check(items)', 'def check(items):\n    if len(items) > 1: pass'),
    /conftest\.py:3 reads the list of items as a whole/,
  ],
  'raises for an item': [perItem('if item.name == "test_none":\n    raise pytest.UsageError()\nassert item.name'), /asserts/],
  'all on one line': [modify('config.getoption("verbose") > 5 and items.reverse()'), /calls `items\.reverse`/],
  'a wrapper that sorts after others': [
    conftest(
      '@pytest.hookimpl(hookwrapper=True, tryfirst=True)\ndef pytest_collection_modifyitems(items):\n    yield\n    items.sort(key=str)\n',
    ),
    /calls `items\.sort`/,
  ],
  'a hook of a module that the suite loads as a plugin': [
    {
      files: {
        'conftest.py': 'pytest_plugins = ["extra"]\n',
        'extra.py': 'def pytest_collection_finish(session): session.config.total = len(session.items)\n',
      },
    },
    /extra\.py:1 (reads|writes)/,
  ],
  'counts on a plugin object': [
    conftest(`class Counter:
    count = 0
    def pytest_itemcollected(self, item): self.count += 1
def pytest_configure(config): config.pluginmanager.register(Counter())
`),
    /pytest_itemcollected in conftest\.py:4 writes `self\.count`/,
  ],
  'reads a counter that something else counts': [
    {
      files: {
        'conftest.py': `import pytest, state
def pytest_itemcollected(item):
    if state.COUNT > 0: item.add_marker("late")
`,
        'state.py': 'COUNT = 0\n',
        'test_c.py': 'import state\nstate.COUNT += 1\ndef test_c(): pass\n',
      },
    },
    /reads `state\.COUNT`, which changed during collection/,
  ],
  'parametrises over a registry that files fill': [
    {
      files: {
        'conftest.py': `import registry
def pytest_generate_tests(metafunc):
    if "case" in metafunc.fixturenames: metafunc.parametrize("case", registry.CASES)
`,
        'registry.py': 'CASES = []\n',
        'test_c.py': 'import registry\nregistry.CASES.append(1)\ndef test_c(case): pass\n',
      },
    },
    /reads `registry\.CASES`, which changed during collection/,
  ],
  'a collector that looks at the items of others': [
    {
      files: {
        'a.check': '',
        'conftest.py': `import pytest
def pytest_collect_file(parent, file_path):
    if file_path.suffix == ".check":
        return Checks.from_parent(parent, path=file_path)
class Checks(pytest.File):
    def collect(self):
        if not any(isinstance(item, Check) for item in self.session.items):
            yield Check.from_parent(self, name="only")
class Check(pytest.Item):
    def runtest(self): pass
`,
      },
    },
    /Checks\.collect in conftest\.py:7 reads the list of items/,
  ],
  'a loop of tests of its own': [
    conftest('def pytest_runtestloop(session):\n    print(len(session.items))\n'),
    /pytest_runtestloop in conftest\.py:3/,
  ],
  'goes on behind a suppressed jump': [
    conftest(`from contextlib import suppress
def pytest_configure(config): config.seen = {}
def pytest_itemcollected(item):
    with suppress(AttributeError):
        item.callspec
        return
    item.config.seen[item.nodeid] = 1
    if len(item.config.seen) > 2: item.add_marker("skip")
`),
    /conftest\.py:8 writes `item\.config\.seen/,
  ],
  'adds to a list of the config under another name': [
    conftest(`def pytest_configure(config): config.seen = []
def pytest_itemcollected(item):
    seen = item.config.seen
    seen += [item.nodeid]
`),
    /conftest\.py:5 reads `seen`, which changed/,
  ],
  'adds to a list that it cannot know': [
    perItem('names = item.own_markers\nnames += ["seen"]'),
    /changes `names` in place, which may be shared/,
  ],
  'adds to a list inside of its own': [
    perItem('held = {"seen": item.own_markers}\nheld["seen"] += [item.name]'),
    /changes `held\['seen'\]` in place/,
  ],
  'parametrises over a list of the config that files fill': [
    {
      files: {
        'registry.py': 'NAMES = []\n',
        'conftest.py': `import registry
def pytest_configure(config): config.names = registry.NAMES
def pytest_generate_tests(metafunc):
    if "name" in metafunc.fixturenames: metafunc.parametrize("name", metafunc.config.names)
`,
        'test_c.py': 'import registry\nregistry.NAMES.append("c")\ndef test_c(name): pass\n',
      },
    },
    /reads `metafunc\.config\.names`, which changed during collection/,
  ],
  'parametrises over an option that files fill': [
    {
      files: {
        'registry.py': 'NAMES = []\n',
        'conftest.py': `import registry
def pytest_configure(config): config.option.names = registry.NAMES
def pytest_generate_tests(metafunc):
    if "name" in metafunc.fixturenames: metafunc.parametrize("name", metafunc.config.getoption("names"))
`,
        'test_c.py': 'import registry\nregistry.NAMES.append("c")\ndef test_c(name): pass\n',
      },
    },
    /reads `metafunc\.config\.getoption\('names'\)`, which changed during collection/,
  ],
  'reads what the config got from a test file': [
    {
      files: {
        'conftest.py': `def pytest_configure(config): __builtins__["CONFIG"] = config
def pytest_itemcollected(item):
    if getattr(item.config, "late", False): item.add_marker("late")
`,
        'test_c.py': 'CONFIG.late = True\ndef test_c(): pass\n',
      },
    },
    /which came during collection/,
  ],
  'takes numbers from a generator of an option': [
    conftest(`def pytest_configure(config): config.option.numbers = iter([1, 2])
def pytest_itemcollected(item):
    for n in item.config.getoption("numbers"): break
`),
    /whose value \(list_iterator\) may change/,
  ],
  'parametrises over a list of a shared base class': [
    {
      files: {
        'base.py': 'class Base: cases = []\n',
        'conftest.py': `def pytest_generate_tests(metafunc):
    if metafunc.cls is not None: metafunc.parametrize("case", metafunc.cls.cases)
`,
        'test_c.py': 'from base import Base\nBase.cases.append(1)\nclass TestC(Base):\n    def test_c(self, case): pass\n',
      },
    },
    /reads `metafunc\.cls\.cases`, which files may share/,
  ],
  'parametrises over a list of a shared base class that its own class names': [
    {
      files: {
        'base.py': 'CASES = []\n',
        'conftest.py': `def pytest_generate_tests(metafunc):
    if metafunc.cls is not None: metafunc.parametrize("case", metafunc.cls.cases)
`,
        'test_c.py': 'import base\nbase.CASES.append(1)\nclass TestC:\n    cases = base.CASES\n    def test_c(self, case): pass\n',
      },
    },
    /reads `metafunc\.cls\.cases`, which files may share/,
  ],
  'parametrises over the shared list of a mark': [
    {
      files: {
        'pytest.ini': '[pytest]\nmarkers =\n    cases\n',
        'registry.py': 'CASES = []\n',
        'conftest.py': `def pytest_generate_tests(metafunc):
    mark = metafunc.definition.get_closest_marker("cases")
    if mark is not None: metafunc.parametrize("x", mark.args[0])
`,
        'test_c.py': 'import pytest, registry\nregistry.CASES.append(1)\n@pytest.mark.cases(registry.CASES)\ndef test_c(x): pass\n',
      },
    },
    /reads `mark\.args`, which files may share/,
  ],
  'counts in the rules of a collector': [
    conftest(`COUNT = []
class Mod(pytest.Module):
    def istestfunction(self, obj, name):
        COUNT.append(name)
        return len(COUNT) < 4
def pytest_pycollect_makemodule(module_path, parent): return Mod.from_parent(parent, path=module_path)
`),
    /Mod\.istestfunction in conftest\.py:5 reads `COUNT`/,
  ],
  'counts in a property of a collector': [
    conftest(`COUNT = []
class Mod(pytest.Module):
    @property
    def cases(self):
        COUNT.append(1)
        return COUNT
    def collect(self):
        return [] if len(self.cases) > 1 else super().collect()
def pytest_pycollect_makemodule(module_path, parent): return Mod.from_parent(parent, path=module_path)
`),
    /Mod\.cases in conftest\.py:6 reads `COUNT`/,
  ],
  'gives items a list that they share': [
    conftest(`def pytest_configure(config): config.shared = []
def pytest_collection_modifyitems(config, items):
    for item in items: item.user_properties = config.shared
`),
    /puts a value that may be shared into `item\.user_properties`/,
  ],
  'asks for a file that tests write': [
    perItem('if Path("built.txt").exists(): item.add_marker("skip")', 'from pathlib import Path'),
    /asks for a file that tests may write/,
  ],
  'puts a function of its own in the place of one of pytest': [
    conftest(`COUNT = []
original = pytest.Module.collect
def collect(self):
    COUNT.append(1)
    return [] if len(COUNT) > 1 else original(self)
pytest.Module.collect = collect
`),
    /Module\.collect in conftest\.py:4 replaces a function of pytest/,
  ],
  'drops items by an error if others are deselected': [
    modify(`kept, dropped = [], []
for item in items:
    try:
        n = item.callspec.params["n"]
    except AttributeError:
        continue
    if n > 1: dropped.append(item)
    else: kept.append(item)
if dropped:
    config.hook.pytest_deselected(items=dropped)
    items[:] = kept`),
    /filters the items only if `dropped` holds some/,
  ],
  'doubles items if others are deselected': [
    modify(`kept, dropped = [], []
for item in items:
    if "slow" in item.keywords: dropped.append(item)
    else:
        kept.append(item)
        kept.append(item)
if dropped:
    items[:] = kept`),
    /filters the items only if `dropped` holds some/,
  ],
  'calls a function that a test file has replaced': [
    {
      files: {
        'rules.py': 'def is_slow(item): return False\n',
        'conftest.py': `import rules
def pytest_itemcollected(item):
    if rules.is_slow(item): item.add_marker("skip")
`,
        'test_b.py': 'import rules\ndef other(item): return True\nrules.is_slow = other\ndef test_b(): pass\n',
      },
    },
    /reads `rules\.is_slow.*`, which changed during collection/,
  ],
  'a report at the end about all tests': [
    conftest('def pytest_sessionfinish(session):\n    if session.testscollected < 5: session.exitstatus = 1\n'),
    /pytest_sessionfinish in conftest\.py:2 names `testscollected`/,
  ],
};

describe('hooks that treat each item by itself are proven', { timeout: 180_000 }, () => {
  const proofs = prove(Object.values(harmless));
  test.each(Object.keys(harmless).map((name, index) => [name, index] as const))('%s', async (_name, index) => {
    const proof = (await proofs)[index] as Proof;
    expect([...proof.problems, ...proof.afterRun]).toEqual([]);
    expect(proof.ids.length).toBeGreaterThan(0);
  });
});

describe('hooks that can see more than one item are not proven', { timeout: 180_000 }, () => {
  const proofs = prove(Object.values(unproven).map(([suite]) => suite));
  test.each(Object.entries(unproven).map(([name, [, why]], index) => [name, why, index] as const))('%s', async (_name, why, index) => {
    const [first = '', ...others] = ((await proofs)[index] as Proof).problems;
    expect(first).toMatch(why);
    expect(others.filter((other) => !other.startsWith('session.items'))).toEqual([]);
    expect(first.length).toBeLessThan(120);
  });
});

test('the proof finds a session fixture that reads the list of items once tests run', async () => {
  const reader = '@pytest.fixture(scope="session", autouse=True)\ndef total(request):\n    return len(request.session.items)\n';
  const [proof] = await prove([{ ...conftest(reader), runs: true }]);
  expect(proof?.problems).toEqual([]);
  expect(proof?.afterRun).toEqual(['session.items in conftest.py:4 reads the list of items']);
});

test('reports no problem for a hook that the user declares harmless', async () => {
  const sorts = modify('items.sort(key=str)');
  const proofs = await prove([
    { ...sorts, declared: ['conftest.py'] },
    { ...sorts, declared: ['conftest.py::pytest_collection_modifyitems'] },
    { ...sorts, declared: ['conftest.py::pytest_itemcollected'] },
  ]);
  expect(proofs.map((proof) => proof.problems.length)).toEqual([0, 0, 1]);
});
