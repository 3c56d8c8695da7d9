// Optional fields of report.json: warnings, properties of tests, and the number of deselected tests. Each is null if the report lacks it.

import { z } from 'zod';
import { namesOf } from '../../coordinator/core/result/junit-id.ts';
import { distinct } from './observation.ts';

const text = z.union([z.string(), z.number(), z.boolean(), z.null()]).transform(String);
const pair = z.union([
  z.tuple([z.string(), text]),
  z.object({ name: z.string(), value: text }).transform(({ name, value }) => [name, value]),
]);

const schema = z.object({
  warnings: z.array(z.object({ category: z.string(), message: z.string() })).optional(),
  deselected: z.number().nullish(),
  totals: z.object({ deselected: z.number().nullish() }),
  tests: z.array(z.object({ nodeid: z.string(), properties: z.array(pair).optional() })),
});

export interface ReportExtras {
  /** Distinct entries `Category: message`, sorted. */
  readonly warnings: readonly string[] | null;
  readonly deselected: number | null;
  /** `classname.name property=value`, as from readJunitProperties. */
  readonly properties: readonly string[] | null;
}

export const NO_EXTRAS: ReportExtras = { warnings: null, deselected: null, properties: null };

/** Reads the text of a valid report.json. Throws if one of these fields has an unknown shape. */
export function readExtras(report: string): ReportExtras {
  const { warnings, deselected, totals, tests } = schema.parse(JSON.parse(report));
  return {
    warnings: warnings === undefined ? null : distinct(warnings.map(({ category, message }) => `${category}: ${message}`)),
    deselected: totals.deselected ?? deselected ?? null,
    properties: tests.some(({ properties }) => properties !== undefined) ? propertiesOf(tests) : null,
  };
}

function propertiesOf(tests: z.infer<typeof schema>['tests']): string[] {
  return tests
    .flatMap(({ nodeid, properties = [] }) => {
      const { classname, name } = namesOf(nodeid);
      return properties.map(([property, value]) => `${classname}.${name} ${property}=${value}`);
    })
    .sort();
}
