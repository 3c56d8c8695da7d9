// Branded identifiers: strings that the compiler keeps apart. The code that creates an object mints its id; shared/wire validates ids from
// outside.

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** One `shardline run`. Lower-case letters, digits and `-`, so that it is safe in a file name, a Redis key and a queue name. */
export type RunId = Branded<'RunId'>;
/** One shard of a run's plan: `s1`, `s2`, … in the order of the plan. */
export type ShardId = Branded<'ShardId'>;
/** One execution of one shard: `<shard id>.<fence>`. */
export type AttemptId = Branded<'AttemptId'>;
/** One agent process. Unique per start, so that a restarted agent is a new agent. */
export type AgentId = Branded<'AgentId'>;
/** pytest's own test id `path::Class::test[param]`, relative to the root, forward slashes. */
export type NodeId = Branded<'NodeId'>;
/** A test file's path relative to the root, forward slashes: the part of a node id before the first `::`. */
export type TestFile = Branded<'TestFile'>;

export const runId = (text: string): RunId => text as RunId;
export const shardId = (index: number): ShardId => `s${index}` as ShardId;
export const agentId = (text: string): AgentId => text as AgentId;
export const nodeId = (text: string): NodeId => text as NodeId;
export const testFile = (text: string): TestFile => text as TestFile;

/** The attempt of `shard` with this fence number (1 for the first attempt). */
export const attemptId = (shard: ShardId, fence: number): AttemptId => `${shard}.${fence}` as AttemptId;

/** Separates a test's id from a number if pytest gives the same id to several tests. item_keys.py in the plugin has it too. */
const COPY_MARK = '\u001e';

/** pytest's own id of a test. Records separate tests that share an id by a mark; reports for people do not show it. */
export function pytestId(id: NodeId): NodeId {
  const end = id.lastIndexOf(COPY_MARK);
  return end === -1 ? id : nodeId(id.slice(0, end));
}

/** The file of a node id: everything before its first `::`. The id of a module that skipped itself is its file. */
export function fileOf(id: NodeId): TestFile {
  const end = id.indexOf('::');
  return testFile(end === -1 ? pytestId(id) : id.slice(0, end));
}
