// Branded identifiers: strings that cannot be mixed up. Minted where the thing is made, validated in shared/wire.

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** One `shardline run`. Lower-case letters, digits and `-`; safe in a file name, a Redis key and a queue name. */
export type RunId = Branded<'RunId'>;
/** One shard of a run's plan: `s1`, `s2`, … in the order planned. */
export type ShardId = Branded<'ShardId'>;
/** One execution of one shard: `<shard id>.<fence>`. */
export type AttemptId = Branded<'AttemptId'>;
/** One agent process; unique per start, so that a restarted agent is another one. */
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

/** The attempt of `shard` with this fence number (1 for the first). */
export const attemptId = (shard: ShardId, fence: number): AttemptId => `${shard}.${fence}` as AttemptId;

/** In the id of a test that pytest gives to another test too: stands before its number. Also in the plugin's item_keys.py. */
const COPY_MARK = '\u001e';

/** pytest's own id of a test: tests that share one are told apart by a mark in our records, and by nothing in what people read. */
export function pytestId(id: NodeId): NodeId {
  const end = id.lastIndexOf(COPY_MARK);
  return end === -1 ? id : nodeId(id.slice(0, end));
}

/** The file part of a node id: everything before its first `::`. A module that skipped itself has the id of its file. */
export function fileOf(id: NodeId): TestFile {
  const end = id.indexOf('::');
  return testFile(end === -1 ? pytestId(id) : id.slice(0, end));
}
