// Snippets of test modules. Each is independent of time, chance and the tests around it, unless it declares how the ways differ.

import { addToConftest, between, chance, type Draft, differsBy, literal, type Part, sample } from './draft.ts';

const ODD_IDS = [
  'a b',
  ' ',
  '',
  'x::y',
  'tests/test_m1.py::test_a',
  '[',
  ']',
  'a[b]c',
  'é',
  'Ünï☃',
  '😀',
  'tab\there',
  'new\nline',
  'a/b',
  '../up',
  'C:\\x',
  '%s {} $HOME',
  '-x',
  '--',
  '"',
  "'",
  'null\0',
  '<&>',
  '\u202e',
  '\x1b[31m',
  'x'.repeat(300),
];

const oddIds = (draft: Draft, count: number): string => `[${sample(draft, ODD_IDS, count).map(literal).join(', ')}]`;
const truth = (draft: Draft): string => (chance(draft, 0.8) ? 'True' : 'False');

/** Scopes wider than a function: pytest tears them down with the last test of a worker. */
const WIDE = ['class', 'module', 'package', 'session'] as const;

type Snippet = Part<string>;
const snippet = (name: string, weight: number, add: (draft: Draft) => string): Snippet => ({ name, weight, add });

export const snippets: readonly Snippet[] = [
  snippet('functions', 4, (draft) => {
    const n = draft.next();
    return `def test_plain_${n}(): assert ${truth(draft)}\ndef test_other_${n}(tmp_path, capsys):\n    print("out é"); assert capsys.readouterr().out\n`;
  }),
  snippet('slow', 2, (draft) => `def test_slow_${draft.next()}(): time.sleep(${between(draft, 1, 3) / 10})\n`),
  snippet('odd ids', 3, (draft) => {
    const how = chance(draft, 0.5) ? `"v", ${oddIds(draft, 4)}` : `"v", [0, 1, 2, 3], ids=${oddIds(draft, 4)}`;
    return `@pytest.mark.parametrize(${how})\ndef test_odd_${draft.next()}(v): assert v != 1\n`;
  }),
  snippet('same ids', 2, (draft) => {
    const n = draft.next();
    return `@pytest.mark.parametrize("last", ["z", "y-z"])\n@pytest.mark.parametrize("first", ["x-y", "x"])\ndef test_join_${n}(first, last): assert (first, last) != ("x", "y-z")\n`;
  }),
  snippet('cases', 2, (draft) => {
    const n = draft.next();
    return `@pytest.mark.parametrize("a", [1, pytest.param(2, marks=pytest.mark.xfail), pytest.param(3, marks=pytest.mark.skip, id="three"), None, 1.5, b"x", int])\nclass TestCases${n}:\n    @pytest.mark.parametrize("b", [[], {}, ()])\n    def test_both(self, a, b): assert a != 2\n`;
  }),
  snippet('generate_tests', 1, (draft) => {
    const n = draft.next();
    return `def pytest_generate_tests(metafunc):\n    if "made" in metafunc.fixturenames: metafunc.parametrize("made", range(3), scope="module")\ndef test_made_${n}(made): assert made < 2\ndef test_made_again_${n}(made): pass\n`;
  }),
  snippet('classes', 2, (draft) => {
    const n = draft.next();
    return `class TestOuter${n}:\n    @pytest.fixture(autouse=True, scope="class")\n    def ready(self, request): request.cls.ready_for = 2\n    def test_ready(self): assert self.ready_for == 2\n    class TestInner:\n        def setup_method(self): self.x = 1\n        def test_x(self): assert self.x == ${between(draft, 1, 2)}\nclass TestBase${n}:\n    def test_inherited(self): assert type(self).__name__ == "TestBase${n}"\nclass TestChild${n}(TestBase${n}): pass\n`;
  }),
  snippet('unittest', 2, (draft) => {
    const n = draft.next();
    const broken = chance(draft, 0.2) ? 'raise RuntimeError("set up")' : 'cls.x = 1';
    return `class Unit${n}(unittest.TestCase):\n    @classmethod\n    def setUpClass(cls): ${broken}\n    def setUp(self): self.addCleanup(lambda: None)\n    def test_passes(self): self.assertEqual(self.x, 1)\n    @unittest.skip("no")\n    def test_skipped(self): pass\n    @unittest.expectedFailure\n    def test_expected(self): self.fail("as expected")\n    def test_fails(self): self.assertEqual(self.x, ${between(draft, 1, 2)})\n`;
  }),
  snippet('marks', 3, (draft) => {
    const n = draft.next();
    draft.markers.add('fast').add('gpu');
    return `@pytest.mark.fast\ndef test_marked_${n}(): pass\n@pytest.mark.gpu\ndef test_gpu_${n}(): assert ${truth(draft)}\n@pytest.mark.skip(reason="never é")\ndef test_skip_${n}(): assert 0\n@pytest.mark.skipif("sys.version_info > (3,)", reason="new")\ndef test_skipif_${n}(): assert 0\n@pytest.mark.xfail(raises=ValueError)\ndef test_xfail_${n}(): raise ${chance(draft, 0.5) ? 'ValueError' : 'KeyError'}("x")\n@pytest.mark.xfail(strict=${truth(draft)})\ndef test_xpass_${n}(): pass\ndef test_skips_itself_${n}(): pytest.skip("here")\ndef test_xfails_itself_${n}(): pytest.xfail("there")\n`;
  }),
  snippet('fixtures', 3, (draft) => {
    const n = draft.next();
    const scope = draft.random.pick(['function', ...WIDE]);
    const params = chance(draft, 0.5) ? ', params=[1, 2]' : '';
    return `@pytest.fixture(scope="${scope}"${params})\ndef thing_${n}(request):\n    yield getattr(request, "param", 1)\ndef test_thing_${n}(thing_${n}): assert thing_${n} == 1\ndef test_same_thing_${n}(thing_${n}): assert thing_${n}\n`;
  }),
  snippet('broken fixture', 1, (draft) => {
    const n = draft.next();
    const scope = draft.random.pick(['function', ...WIDE]);
    return `@pytest.fixture(scope="${scope}")\ndef broken_${n}(): raise RuntimeError("set up")\ndef test_broken_${n}(broken_${n}): pass\ndef test_broken_too_${n}(broken_${n}): pass\n@pytest.mark.usefixtures("no_such_fixture")\ndef test_unknown_${n}(): pass\n`;
  }),
  snippet('broken teardown', 1, (draft) => {
    const n = draft.next();
    const scope = draft.random.pick(['function', 'class', 'module'] as const);
    if (scope === 'module')
      draft.differs.push(differsBy('pytest -n tears a module down once on each worker that had a part of it', 'xdist'));
    return `@pytest.fixture(scope="${scope}")\ndef leaky_${n}():\n    yield\n    raise RuntimeError("tear down")\ndef test_leaky_${n}(leaky_${n}): pass\ndef test_leaky_too_${n}(leaky_${n}): assert ${truth(draft)}\n`;
  }),
  snippet('module set-up', 1, (draft) => {
    const n = draft.next();
    return `STATE_${n} = []\n@pytest.fixture(scope="module", autouse=True)\ndef state_${n}():\n    STATE_${n}.append(1)\n    yield\n    STATE_${n}.clear()\ndef test_state_${n}(): assert STATE_${n} == [1]\n`;
  }),
  snippet('order in a module', 1, (draft) => {
    const n = draft.next();
    draft.differs.push(differsBy('pytest -n may send the two tests to two workers', 'xdist'));
    return `MADE_${n} = []\ndef test_makes_${n}(): MADE_${n}.append(1)\ndef test_needs_${n}(): assert MADE_${n}\n`;
  }),
  snippet('warnings', 2, (draft) => {
    const n = draft.next();
    return `warnings.warn("module ${n % 3}", FutureWarning)\n@pytest.mark.parametrize("n", range(2))\ndef test_warns_${n}(n): warnings.warn("same")\n@pytest.mark.filterwarnings("ignore")\ndef test_quiet_${n}(): warnings.warn("quiet")\n`;
  }),
  snippet('properties', 1, (draft) => `def test_records_${draft.next()}(record_property): record_property("key é", 1)\n`),
  snippet('session fixtures', 2, (draft) => {
    const n = draft.next();
    addToConftest(
      draft,
      '.',
      `@pytest.fixture(scope="session", params=${chance(draft, 0.3) ? '[1, 2]' : '[1]'})\ndef server_${n}(request):\n    yield request.param\n`,
    );
    return `def test_server_${n}(server_${n}): assert server_${n} == 1\ndef test_server_again_${n}(server_${n}): pass\n`;
  }),
  snippet('session items', 1, (draft) => {
    const n = draft.next();
    return `def test_sees_all_${n}(request):\n    ids = [item.nodeid for item in request.session.items]\n    assert request.node.nodeid in ids\n    assert request.session.testscollected == len(ids)\n    assert len({id.split("::")[0] for id in ids}) ${chance(draft, 0.5) ? '>=' : '<'} 2\n`;
  }),
  snippet('dynamic marks', 1, (draft) => {
    const n = draft.next();
    return `def test_applies_${n}(request):\n    request.applymarker(pytest.mark.xfail)\n    assert 0\ndef test_node_${n}(request): assert request.node.name == "test_node_${n}"\n`;
  }),
  snippet('subtests', 1, (draft) => {
    const n = draft.next();
    return `def test_subtests_${n}(subtests):\n    for i in range(3):\n        with subtests.test(i=i): assert i < ${between(draft, 2, 3)}\n`;
  }),
  snippet(
    'output',
    1,
    (draft) =>
      `def test_says_${draft.next()}():\n    print("x" * 5000, "\\udcf6", "\\x1b[31m]]>")\n    sys.stderr.write("err\\n")\n    assert ${truth(draft)}\n`,
  ),
];

export const MODULE_HEAD = 'import os, sys, time, unittest, warnings\nimport pytest\n\n';

/** Modules that are not just a list of tests. */
export const wholeModules: readonly Snippet[] = [
  snippet('module skip', 1, () => 'import pytest\npytest.skip("not here é", allow_module_level=True)\ndef test_never(): pass\n'),
  snippet('importorskip', 1, () => 'import pytest\npytest.importorskip("no_such_module_anywhere")\n'),
  snippet('import error', 1, () => 'import no_such_module_anywhere\ndef test_never(): pass\n'),
  snippet('syntax error', 1, () => 'def test_never(:\n'),
  snippet(
    'error in a class',
    1,
    () => 'import pytest\nclass TestX:\n    @pytest.mark.parametrize("no", [1])\n    def test_x(self): pass\ndef test_good(): pass\n',
  ),
  snippet('empty module', 1, () => '"""Nothing to see."""\n'),
  snippet(
    'skipped module',
    1,
    () =>
      'import pytest\npytestmark = [pytest.mark.skip(reason="all"), pytest.mark.usefixtures("tmp_path")]\ndef test_a(): assert 0\ndef test_b(): assert 0\n',
  ),
  snippet('reader of the registry', 2, (draft) => {
    registry(draft);
    return `import pytest, registry\n@pytest.mark.parametrize("case", list(registry.CASES))\ndef test_case_${draft.next()}(case): assert case % 4\n`;
  }),
  snippet('writer of the registry', 2, (draft) => {
    registry(draft);
    const n = draft.next();
    return `import registry\nregistry.CASES.append(${n})\ndef test_writer_${n}(): pass\n`;
  }),
];

function registry(draft: Draft): void {
  draft.files.set('registry.py', 'CASES = []\n');
  draft.ini.set('pythonpath', '.');
}
