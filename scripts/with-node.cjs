// Runs a TypeScript script of this repository with the Node.js that the repository brings, installing it first if need be.
// Must itself run on Node 20 and with nothing installed: CommonJS, no packages.
// Usage: node scripts/with-node.cjs SCRIPT.ts [arguments]
'use strict';

const { spawn, spawnSync } = require('node:child_process');
const { existsSync, readFileSync } = require('node:fs');
const { constants } = require('node:os');
const { delimiter, join } = require('node:path');

const root = join(__dirname, '..');
const bin = join(root, 'node_modules', '.bin');
const minimum = { bootstrap: [20, 0], scripts: [23, 6] };

function fail(sentence) {
  console.error(`shardline: ${sentence}`);
  process.exit(1);
}

function isAtLeast(version, [major, minor]) {
  const [foundMajor, foundMinor] = version.replace(/^v/, '').split('.').map(Number);
  return foundMajor > major || (foundMajor === major && foundMinor >= minor);
}

/** Why `npm ci` is needed, or null: npm notes what it installed, and leaves no note when it was interrupted. */
function whyInstall() {
  const note = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(note)) return 'node_modules is not there';
  const installed = JSON.parse(readFileSync(note, 'utf8')).packages;
  const locked = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  const stale = Object.keys(locked).find((path) => {
    const entry = locked[path];
    const needed = path.startsWith('node_modules/') && !entry.link && !entry.optional && !entry.devOptional;
    return needed && (!installed[path] || installed[path].version !== entry.version);
  });
  return stale === undefined ? null : `${stale} is not as package-lock.json has it`;
}

function install(reason) {
  console.error(`shardline: installing the packages of package-lock.json with npm ci, which takes up to a minute (${reason})`);
  const byNpm = process.env.npm_execpath;
  const [command, ...first] = byNpm ? [process.execPath, byNpm] : ['npm'];
  // The first Node.js here may be older than some packages declare, and is not the one that runs them: npm's warnings would mislead.
  const args = [...first, 'ci', '--include=dev', '--include=optional', '--ignore-scripts', '--loglevel=error'];
  const result = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  if (result.error) fail(`npm could not be started (${result.error.message}). Fix: install npm, which comes with Node.js.`);
  if (result.status !== 0) fail('npm ci failed. Fix: correct the error above, often the network or a proxy, and run the command again.');
}

/** The repository's Node.js where there is one for this system, else the present one if it is new enough. */
function findNode() {
  const own = join(bin, 'node');
  if (existsSync(own) && spawnSync(own, ['--version']).status === 0) return own;
  if (isAtLeast(process.version, minimum.scripts)) return process.execPath;
  return fail(
    `this is Node.js ${process.version}, and the repository brings none for ${process.platform} ${process.arch}. Fix: install Node.js 24.`,
  );
}

if (!isAtLeast(process.version, minimum.bootstrap)) fail(`this is Node.js ${process.version}. Fix: install Node.js 20 or later.`);
const reason = whyInstall();
if (reason !== null) install(reason);

const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ''}` };
const child = spawn(findNode(), process.argv.slice(2), { stdio: 'inherit', env });
child.on('error', (error) => fail(`Node.js could not be started: ${error.message}`));
// The terminal sends SIGINT to the whole group; passing it on as well would look like a second one.
process.on('SIGINT', () => {});
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(signal === null ? code : 128 + constants.signals[signal]));
