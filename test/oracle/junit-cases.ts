// Reads the test cases of a JUnit file written by pytest or shardline.

import { existsSync, readFileSync } from 'node:fs';
import { XMLParser } from 'fast-xml-parser';
import type { JunitCase } from './observation.ts';

interface Element {
  readonly classname?: string;
  readonly name: string;
  readonly failure?: unknown;
  readonly error?: unknown;
  readonly skipped?: { readonly type?: string } | '';
  readonly properties?: { readonly property: readonly { readonly name: string; readonly value: string }[] };
}

interface Suite {
  readonly testcase?: readonly Element[];
}

interface Document {
  readonly testsuites?: { readonly testsuite?: readonly Suite[] } | '';
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

/** Normalizes an attribute value (XML, section 3.3.3): a newline or tab is a space unless it is written as a reference. */
const attributeText = (raw: string): string =>
  raw.replace(/[\t\r\n]/g, ' ').replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex?: string, decimal?: string, name?: string) => {
    if (name !== undefined) return ENTITIES[name] ?? whole;
    return String.fromCodePoint(hex === undefined ? Number(decimal) : Number.parseInt(hex, 16));
  });

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '',
  trimValues: false,
  parseAttributeValue: false,
  processEntities: false,
  attributeValueProcessor: (_name, value) => attributeText(value),
  isArray: (name) => ['testcase', 'testsuite', 'property'].includes(name),
});

const elementsOf = (path: string): readonly Element[] => {
  const { testsuites } = parser.parse(readFileSync(path, 'utf8')) as Document;
  if (testsuites === undefined || testsuites === '') return [];
  return (testsuites.testsuite ?? []).flatMap((suite) => suite.testcase ?? []);
};

/**
 * All cases of the file; null if it does not exist. pytest writes a test that fails in its call and again in its teardown as two consecutive cases
 * with one name. They count as one failure.
 */
export function readJunit(path: string): JunitCase[] | null {
  if (!existsSync(path)) return null;
  const cases: JunitCase[] = [];
  for (const element of elementsOf(path)) {
    const { classname = '', name } = element;
    const last = cases.at(-1);
    const kind = kindOf(element);
    if (kind === 'error' && last?.kind === 'failure' && last.name === name && last.classname === classname) continue;
    cases.push({ classname, name, kind });
  }
  return cases;
}

/** `classname.name property=value` for every property of a test, sorted; null if the file does not exist. */
export function readJunitProperties(path: string): string[] | null {
  if (!existsSync(path)) return null;
  return elementsOf(path)
    .flatMap(({ classname = '', name, properties }) =>
      (properties?.property ?? []).map((property) => `${classname}.${name} ${property.name}=${property.value}`),
    )
    .sort();
}

function kindOf({ failure, error, skipped }: Element): JunitCase['kind'] {
  if (error !== undefined) return 'error';
  if (failure !== undefined) return 'failure';
  if (skipped === undefined) return 'passed';
  return skipped !== '' && skipped.type === 'shardline.not-run' ? 'not-run' : 'skipped';
}
