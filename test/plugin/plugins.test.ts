// Compares tests that use popular plugins under shardline with plain pytest.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test as testAlways } from 'vitest';
import { streamEngine } from '../../agent/pytest/stream-engine.ts';
import { countedByPlainPytest } from '../support/plain-pytest.ts';
import { environmentPython, pythonMinor } from '../support/python.ts';
import { newProject, outcomesOf } from '../support/shardline.ts';
import { bothWays, stream } from './compare.ts';
import { makeSuite } from './suite.ts';

/** The current versions of the plugins need Python 3.10. */
const test = testAlways.skipIf(pythonMinor() < 10);

/** Only one test uses pytest-randomly. */
const NOT_RANDOM = ['-p', 'no:randomly'] as const;

const asyncio = {
  'aio/test_aio.py': `
import asyncio
import pytest, pytest_asyncio
@pytest_asyncio.fixture
async def ready():
    await asyncio.sleep(0)
    yield "ready"
    await asyncio.sleep(0)
@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def loop_of_session(): return asyncio.get_running_loop()
@pytest.mark.asyncio
async def test_fixture(ready): assert ready == "ready"
@pytest.mark.asyncio
async def test_bad(ready):
    await asyncio.sleep(0)
    assert ready == "late"
@pytest.mark.asyncio(loop_scope="session")
async def test_session(loop_of_session): assert asyncio.get_running_loop() is loop_of_session
@pytest.mark.asyncio
@pytest.mark.parametrize("n", [1, 2])
async def test_each(n): assert await asyncio.gather(asyncio.sleep(0, n)) == [n]
`,
  'aio/test_more.py':
    'import asyncio, pytest\n@pytest.mark.asyncio(loop_scope="module")\nasync def test_one(): await asyncio.sleep(0)\n@pytest.mark.asyncio(loop_scope="module")\nasync def test_two(): assert asyncio.get_running_loop().is_running()\n',
};

const mock = {
  'mocking/test_mock.py': `
import os
def test_patch(mocker):
    mocker.patch("os.getcwd", return_value="/nowhere"); assert os.getcwd() == "/nowhere"
def test_restored(): assert os.getcwd() != "/nowhere"
def test_spy(mocker):
    spy = mocker.spy(os.path, "join"); os.path.join("a", "b"); spy.assert_called_once_with("a", "b")
def test_bad(mocker): mocker.stub().assert_called()
def test_scopes(session_mocker, module_mocker, class_mocker): assert session_mocker is not module_mocker
`,
};

const hypothesis = {
  'guess/test_guess.py': `
from hypothesis import given, settings, strategies as st
@settings(max_examples=20, derandomize=True, deadline=None)
@given(st.lists(st.integers()))
def test_reversed(numbers): assert list(reversed(list(reversed(numbers)))) == numbers
@settings(max_examples=50, derandomize=True, deadline=None)
@given(st.integers())
def test_small(number): assert number < 100
@given(st.text())
def test_no_fixture(tmp_path, text): pass
class TestStateful:
    @settings(max_examples=5, derandomize=True, deadline=None)
    @given(x=st.booleans())
    def test_method(self, x): assert x in (True, False)
`,
};

const reruns = {
  'again/test_again.py': `
import pytest
COUNT = {"flaky": 0, "never": 0}
@pytest.mark.flaky(reruns=2)
def test_flaky():
    COUNT["flaky"] += 1
    assert COUNT["flaky"] == 2
@pytest.mark.flaky(reruns=1)
def test_never():
    COUNT["never"] += 1
    assert COUNT["never"] == 9
@pytest.mark.flaky(reruns=1, condition=False)
def test_not(): assert 0
def test_once(): pass
`,
};

const timeout = {
  'slow/test_slow.py': `
import time, pytest
@pytest.mark.timeout(0.3, method="signal")
def test_hangs(): time.sleep(60)
@pytest.mark.timeout(30)
def test_quick(): pass
@pytest.fixture
def hanging(): time.sleep(60)
@pytest.mark.timeout(0.3)
def test_in_fixture(hanging): pass
`,
};

const django = {
  'settings.py':
    'SECRET_KEY = "x"\nUSE_TZ = True\nDATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}\nINSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes"]\nROOT_URLCONF = "urls"\nPASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]\n',
  'urls.py':
    'from django.http import HttpResponse\nfrom django.urls import path\nurlpatterns = [path("hello/", lambda request: HttpResponse("hello"))]\n',
  'web/test_db.py': `
import pytest
from django.contrib.auth.models import User
from django.db import connection
@pytest.mark.django_db
def test_create(django_user_model):
    django_user_model.objects.create_user("ann"); assert User.objects.count() == 1
@pytest.mark.django_db
def test_rolled_back(): assert User.objects.count() == 0
@pytest.mark.django_db(transaction=True)
def test_transaction(): assert connection.in_atomic_block is False
def test_no_access(): User.objects.count()
`,
  'web/test_client.py': `
import pytest
from django.test import TestCase
def test_hello(client): assert client.get("/hello/").content == b"hello"
def test_settings(settings): settings.SECRET_KEY = "y"; assert settings.SECRET_KEY == "y"
@pytest.mark.django_db
def test_queries(django_assert_num_queries):
    with django_assert_num_queries(0): pass
class TestCases(TestCase):
    @classmethod
    def setUpTestData(cls):
        from django.contrib.auth.models import User
        cls.user = User.objects.create_user("bob")
    def test_data(self): self.assertEqual(self.user.username, "bob")
    def test_missing(self): self.assertEqual(self.client.get("/nowhere/").status_code, 200)
`,
};

const flask = {
  'flasked/conftest.py': `
import flask, pytest
@pytest.fixture(scope="session")
def app():
    app = flask.Flask("example")
    @app.route("/ping")
    def ping(): return flask.jsonify(ping="pong")
    return app
`,
  'flasked/test_flask.py': `
from flask import url_for
def test_json(client): assert client.get("/ping").json == {"ping": "pong"}
def test_status(client): assert client.get("/nowhere").status_code == 200
def test_url(client): assert url_for("ping") == "/ping"
def test_config(config): assert config["TESTING"] is False
`,
};

const subtests = {
  'subs/test_subs.py': `
def test_some(subtests):
    for i in range(3):
        with subtests.test(i=i): assert i != 1
def test_all(subtests):
    with subtests.test("one"): pass
    with subtests.test("two"): pass
def test_then(subtests):
    with subtests.test(): pass
    assert 0
`,
};

const all = { ...asyncio, ...mock, ...hypothesis, ...reruns, ...timeout, ...django, ...subtests };

test('two agents give the outcomes of plain pytest with asyncio, django, hypothesis, mock and other plugins', async () => {
  const python = environmentPython('plugins');
  await using project = await newProject({
    ...all,
    'pytest.ini':
      '[pytest]\nDJANGO_SETTINGS_MODULE = settings\npythonpath = .\naddopts = -p no:randomly -p no:flask\nfilterwarnings = ignore\n',
  });
  const plain = await countedByPlainPytest(python, project.directory, []);
  const result = await project.shardline([
    'run',
    '--agents',
    '2',
    '-n',
    '2',
    '--out',
    'out',
    '--python',
    python,
    '--',
    '-p',
    'no:cacheprovider',
  ]);
  expect(result.exitCode).toBe(1);
  const report = await project.report();
  expect(outcomesOf(report)).toEqual(plain.outcomes);
  expect([report.collectErrors, plain.uncollected]).toEqual([[], []]);
  const outcomes = Map.groupBy(Object.values(plain.outcomes), (outcome) => outcome);
  expect([...outcomes].map(([outcome, tests]) => `${tests.length} ${outcome}`).sort()).toEqual(['1 error', '11 failed', '23 passed']);
});

test('pytest-flask gives the outcomes of plain pytest', async () => {
  await using suite = await makeSuite(flask);
  const { plain, streamed } = await bothWays(suite, [...NOT_RANDOM, '-p', 'no:django'], { python: environmentPython('plugins') });
  expect(streamed).toEqual(plain);
  expect(plain.outcomes).toMatchObject({ 'flasked/test_flask.py::test_json': 'passed', 'flasked/test_flask.py::test_status': 'failed' });
});

test('pytest-cov counts the lines and branches of plain pytest, also when workers are replaced', async () => {
  const python = environmentPython('plugins');
  await using suite = await makeSuite({
    'pkg/__init__.py': '',
    'pkg/one.py': 'def sign(n):\n    if n > 0:\n        return 1\n    if n < 0:\n        return -1\n    return 0\n',
    'pkg/two.py': 'def never():\n    return 1\nVALUE = 2\n',
    'tests/test_plus.py': 'from pkg.one import sign\ndef test_plus(): assert sign(1) == 1\n',
    'tests/test_minus.py': 'from pkg.one import sign\ndef test_minus(): assert sign(-1) == -1\nimport pkg.two\n',
    'tests/conftest.py': 'import sys, os\nsys.path.insert(0, os.path.dirname(os.path.dirname(__file__)))\n',
  });
  const args = (to: string): readonly string[] => [...NOT_RANDOM, '--cov=pkg', '--cov-branch', `--cov-report=json:${to}`];
  const plain = await countedByPlainPytest(python, suite.path, args('plain.json'));
  const streamed = await stream(suite, args('stream.json'), { python });
  const recycled = await stream(suite, args('recycled.json'), { python, maxWorkerFiles: 1 });
  expect([streamed.outcomes, recycled.outcomes]).toEqual([plain.outcomes, plain.outcomes]);
  const names = ['plain.json', 'stream.json', 'recycled.json'];
  const [theirs, ...ours] = await Promise.all(names.map((name) => coverage(join(suite.path, name))));
  expect(ours).toEqual([theirs, theirs]);
  expect(theirs?.totals).toMatchObject({ num_branches: 4, missing_branches: 1 });
});

test('pytest-timeout with method=thread ends the xdist worker and makes the slow test an error', async () => {
  const python = environmentPython('plugins');
  await using suite = await makeSuite({
    'test_t.py':
      'import time, pytest\ndef test_1(): pass\n@pytest.mark.timeout(0.3, method="thread")\ndef test_2(): time.sleep(60)\ndef test_3(): pass\n',
  });
  const { outcomes } = await stream(suite, NOT_RANDOM, { python });
  expect(outcomes).toEqual({ 'test_t.py::test_1': 'passed', 'test_t.py::test_2': 'error', 'test_t.py::test_3': 'passed' });
});

test('with pytest-randomly every worker collects the whole suite, and a message gives the reason', async () => {
  const python = environmentPython('plugins');
  await using suite = await makeSuite({
    'test_r.py':
      'import random\ndef test_1(): assert random.random() == random.Random(7).random()\ndef test_2(): pass\ndef test_3(): assert 0\n',
  });
  const reported: string[] = [];
  const engine = streamEngine((line) => reported.push(line));
  const { plain, streamed } = await bothWays(suite, ['--randomly-seed=7'], { python, engine });
  expect(streamed).toEqual(plain);
  expect(reported).toEqual([expect.stringContaining('the plugin pytest-randomly orders')]);
});

async function coverage(path: string): Promise<{ files: unknown; totals: unknown }> {
  const { files, totals } = JSON.parse(await readFile(path, 'utf8')) as { files: unknown; totals: unknown };
  return { files, totals };
}
