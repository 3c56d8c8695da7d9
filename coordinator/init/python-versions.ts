// The Python versions that a repository names or supports, as `3.12`.

type Table = Readonly<Record<string, unknown>>;

/** Newer versions have a server in `shardline[all]`. */
const FIRST_WITH_SERVER = 11;
/** Without a named version, the first of these that the project supports. */
const PREFERRED = ['3.13', '3.12', '3.11', '3.14', '3.10', '3.9'] as const;

/** Whether `shardline[all]` brings no Redis server on this version. */
export const needsServer = (version: string): boolean => Number(/^3\.(\d+)/.exec(version)?.[1] ?? FIRST_WITH_SERVER) < FIRST_WITH_SERVER;

/** Versions that CI configurations name, by a key or by the tag of an image, in their order. */
export function namedVersions(contents: readonly unknown[]): readonly string[] {
  const keyed = contents.flatMap((content) => [...valuesOf(content, 'python-version'), ...valuesOf(content, 'versionSpec')]);
  const images = contents.flatMap((content) => valuesOf(content, 'image')).map((image) => /\bpython:(\d\.\d+)/.exec(String(image))?.[1]);
  return plain([...keyed.flat(), ...images]);
}

/** What a GitHub job sets up: the text that it gives to `setup-python`, and the versions that this stands for. */
export interface JobPython {
  /** null if the job names none. */
  readonly expression: string | null;
  /** The axis of the matrix that the expression reads; null if it reads none. */
  readonly axis: string | null;
  /** Empty if they are not known. */
  readonly versions: readonly string[];
}

export function pythonOfJob({ fields, before }: { readonly fields: Table; readonly before: readonly unknown[] }): JobPython {
  const [value = null] = before.flatMap((step) => valuesOf(step, 'python-version'));
  if (value === null) return { expression: null, axis: null, versions: [] };
  const axis = /^\$\{\{\s*matrix\.([\w-]+)\s*\}\}$/.exec(String(value))?.[1] ?? null;
  const named = axis === null ? [value] : valuesOf(fields.strategy, axis);
  return { expression: String(value), axis, versions: plain(named.flat()) };
}

/** The newest of several versions. */
export const newest = (versions: readonly string[]): string | undefined => versions.toSorted((a, b) => minorOf(a) - minorOf(b)).at(-1);

/** A version for a project that names none. `requires` is its `requires-python`; empty without one. */
export function supportedVersion(requires: string): string {
  return PREFERRED.find((version) => allows(requires, version)) ?? />=\s*(\d\.\d+)/.exec(requires)?.[1] ?? PREFERRED[0];
}

/** Whether `requires` allows the newest patch of this version. Clauses in another form allow every version. */
function allows(requires: string, version: string): boolean {
  return requires.split(',').every((clause) => {
    const [, operator, major, minor = '0', rest = ''] = /^\s*(>=|<=|==|~=|!=|>|<)\s*(\d+)(?:\.(\d+))?(.*)$/.exec(clause) ?? [];
    if (operator === undefined) return true;
    const distance = minorOf(version) - minorOf(`${major}.${minor}`);
    switch (operator) {
      case '>=':
      case '>':
        return distance >= 0;
      case '<=':
      case '<':
        return distance < 0;
      case '==':
        return distance === 0;
      case '~=':
        return /\d/.test(rest) ? distance === 0 : distance >= 0 && version.startsWith(`${major}.`);
      default:
        // `!=3.12.1` excludes one patch only.
        return distance !== 0 || /\d/.test(rest);
    }
  });
}

function minorOf(version: string): number {
  const [major, minor] = version.split('.').map(Number);
  return (major ?? 0) * 1000 + (minor ?? 0);
}

/** Versions without their patch. What is no version, such as an expression, is left out. */
function plain(values: readonly unknown[]): readonly string[] {
  return [...new Set(values.flatMap((value) => /^(\d\.\d+)(\.\d+)?$/.exec(String(value).trim())?.[1] ?? []))];
}

/** All values under this key, at any depth. */
function valuesOf(content: unknown, key: string): readonly unknown[] {
  if (Array.isArray(content)) return content.flatMap((each) => valuesOf(each, key));
  if (typeof content !== 'object' || content === null) return [];
  return Object.entries(content).flatMap(([name, value]) => (name === key ? [value] : valuesOf(value, key)));
}
