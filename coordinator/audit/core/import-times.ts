// Sums by package what `python -X importtime` printed while a suite was collected.

export interface ImportedPackage {
  /** The first part of its modules' names. */
  readonly name: string;
  /** The time of its own modules alone. */
  readonly selfSeconds: number;
  /** Includes everything that it was the first to import. */
  readonly totalSeconds: number;
  readonly modules: number;
  /** The test file or conftest that first imported it; null if pytest or a plugin did. */
  readonly importer: string | null;
}

interface Line {
  readonly name: string;
  readonly depth: number;
  readonly selfSeconds: number;
  readonly totalSeconds: number;
}

const IMPORT = /^import time:\s+(\d+) \|\s+(\d+) \|( +)(\S.*)$/;
const IMPORTER = /^shardline-importer: (null|".*")$/;
/** Modules of shardline's own plugin are no cost of the suite. */
const OWN = 'shardline_pytest';

/**
 * Python prints a line when an import ends, so the lines of a module's own imports come before it, indented by two more. A package counts
 * the total time of its outermost modules only, because that includes the modules below them.
 */
export function importTimes(text: string): readonly ImportedPackage[] {
  const found = new Map<string, { selfSeconds: number; totalSeconds: number; modules: number; importer: string | null }>();
  let importer: string | null = null;
  let waiting: Line[] = [];
  const settle = (line: Line, packagesAbove: readonly string[]): void => {
    const name = packageOf(line.name);
    const known = found.get(name) ?? { selfSeconds: 0, totalSeconds: 0, modules: 0, importer };
    known.selfSeconds += line.selfSeconds;
    known.totalSeconds += packagesAbove.includes(name) ? 0 : line.totalSeconds;
    known.modules += 1;
    found.set(name, known);
  };
  for (const row of text.split('\n')) {
    const [, named] = IMPORTER.exec(row) ?? [];
    const [, self = '', total = '', spaces = '', name = ''] = IMPORT.exec(row) ?? [];
    if (named !== undefined) importer = named === 'null' ? null : String(JSON.parse(named));
    if (name === '') continue;
    waiting.push({ name, depth: (spaces.length - 1) / 2, selfSeconds: Number(self) / 1e6, totalSeconds: Number(total) / 1e6 });
    if (spaces.length > 1) continue;
    // An outermost import has ended. Reading its lines backwards, each line's parents are known.
    const above: Line[] = [];
    for (const line of waiting.reverse()) {
      while ((above.at(-1)?.depth ?? -1) >= line.depth) above.pop();
      settle(
        line,
        above.map((parent) => packageOf(parent.name)),
      );
      above.push(line);
    }
    waiting = [];
  }
  return [...found]
    .filter(([name]) => name !== OWN)
    .map(([name, sums]) => ({ name, ...sums }))
    .sort((left, right) => right.totalSeconds - left.totalSeconds);
}

const packageOf = (module: string): string => module.split('.', 1)[0] ?? module;
