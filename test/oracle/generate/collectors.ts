// Files and folders that collect their own items, and doctests.

import { addToConftest, chance, type Draft, type Part } from './draft.ts';

type Collector = Part<void>;

const CASE = `class Case(pytest.Item):
    def runtest(self):
        if "skip" in self.name: pytest.skip("case")
        assert "wrong" not in self.name, self.name
    def repr_failure(self, excinfo): return f"case {self.name} is wrong"
    def reportinfo(self): return self.path, 0, f"case: {self.name}"
`;

const once = (draft: Draft, code: string): void => {
  if (!(draft.conftests.get('.') ?? []).includes(code)) addToConftest(draft, '.', code);
};

const folderOf = (draft: Draft): string => draft.random.pick(['.', ...draft.folders]);
const within = (folder: string, name: string): string => (folder === '.' ? name : `${folder}/${name}`);

export const collectors: readonly Collector[] = [
  {
    name: 'case files',
    weight: 2,
    add: (draft) => {
      once(draft, CASE);
      once(
        draft,
        `class Cases(pytest.File):
    def collect(self):
        for line in self.path.read_text("utf-8").splitlines(): yield Case.from_parent(self, name=line)
def pytest_collect_file(file_path, parent):
    if file_path.suffix == ".case": return Cases.from_parent(parent, path=file_path)
`,
      );
      const lines = [
        'right',
        'wrong é',
        'skip me',
        'a::b',
        'x[1]',
        ' blank ',
        'tab\there',
        ...(chance(draft, 0.5) ? ['right', 'wrong é'] : []),
      ];
      draft.files.set(within(folderOf(draft), `list_${draft.next()}.case`), `${lines.join('\n')}\n`);
      draft.files.set(within(folderOf(draft), `list_${draft.next()}.case`), 'right\nright\n');
    },
  },
  {
    name: 'folder of items',
    weight: 1,
    add: (draft) => {
      once(draft, CASE);
      const folder = `specs_${draft.next()}`;
      addToConftest(
        draft,
        '.',
        `class Specs_${folder}(pytest.Directory):
    def collect(self):
        yield Case.from_parent(self, name="of the folder")
        yield Case.from_parent(self, name="wrong")
@pytest.hookimpl(tryfirst=True)
def pytest_collect_directory(path, parent):
    if path.name.startswith("specs_"): return Specs_${folder}.from_parent(parent, path=path)
`,
      );
      draft.files.set(`${folder}/one.spec`, '');
    },
  },
  {
    name: 'doctests',
    weight: 2,
    add: (draft) => {
      draft.args.push('--doctest-modules');
      if (chance(draft, 0.5)) draft.args.push('--doctest-continue-on-failure');
      draft.files.set(
        `lib_${draft.next()}.py`,
        'def double(x):\n    """\n    >>> double(2)\n    4\n    >>> double(3)\n    7\n    """\n    return 2 * x\n\n\ndef half(x):\n    """\n    >>> half(2)\n    1.0\n    """\n    return x / 2\n',
      );
      draft.files.set(`test_doc_${draft.next()}.txt`, 'Numbers\n=======\n\n>>> 1 + 1\n2\n');
    },
  },
  {
    name: 'own functions',
    weight: 1,
    add: (draft) => {
      addToConftest(
        draft,
        '.',
        `class Own(pytest.Function): pass
def pytest_pycollect_makeitem(collector, name, obj):
    if name.startswith("check_") and callable(obj): return Own.from_parent(collector, name=name)
`,
      );
      const n = draft.next();
      draft.files.set(
        within(folderOf(draft), `test_own_${n}.py`),
        'def check_it(): pass\ndef check_that(tmp_path): assert 0\ndef test_it(): pass\n',
      );
    },
  },
];
