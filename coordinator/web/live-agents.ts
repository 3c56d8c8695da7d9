// The agents of one live run: their facts, the work that they have reported, and how they ended.

import type { AgentInfo, RunEvent } from '../../shared/domain/events.ts';
import type { AgentId } from '../../shared/domain/ids.ts';
import type { ReportedAgent } from '../../shared/domain/report.ts';
import { harmless } from '../../shared/text/safe-text.ts';
import { unfitEnd } from '../core/result/agent-end.ts';

type Event<Kind extends RunEvent['kind']> = Extract<RunEvent, { kind: Kind }>;

export interface LiveAgents {
  /** An agent that joins again keeps what it has reported. */
  join(event: Event<'agent-joined'>): void;
  leave(event: Event<'agent-left'>): void;
  refuse(event: Event<'agent-unfit'>): void;
  /** Records that this agent ran a test. */
  ranTest(agent: AgentId, seconds: number): void;
  /** As reported `elapsedSeconds` into the run, in the order in which the agents joined. */
  reported(elapsedSeconds: number): ReportedAgent[];
}

interface LiveAgent {
  readonly info: AgentInfo;
  readonly tests: number;
  readonly busySeconds: number;
  readonly peakRssBytes: number;
  readonly cpuSeconds: number | null;
  readonly ended: ReportedAgent['ended'];
  readonly why: string | null;
}

export function createLiveAgents(): LiveAgents {
  const agents = new Map<AgentId, LiveAgent>();
  /** An agent that has not joined stays unknown. */
  const change = (id: AgentId, to: (known: LiveAgent) => Partial<LiveAgent>): void => {
    const known = agents.get(id);
    if (known !== undefined) agents.set(id, { ...known, ...to(known) });
  };
  return {
    join: ({ agent }) => void agents.set(agent.id, { ...(agents.get(agent.id) ?? newAgent(agent)), info: agent }),
    leave: ({ agent, peakRssBytes, cpuSeconds }) => change(agent, () => ({ peakRssBytes, cpuSeconds, ended: 'left' })),
    refuse: (event) => void agents.set(event.agent, unfitAgent(event)),
    ranTest: (agent, seconds) => change(agent, ({ tests, busySeconds }) => ({ tests: tests + 1, busySeconds: busySeconds + seconds })),
    reported: (elapsedSeconds) => [...agents.values()].map((agent) => reportedAgent(agent, elapsedSeconds)),
  };
}

const newAgent = (info: AgentInfo): LiveAgent => ({
  info,
  tests: 0,
  busySeconds: 0,
  peakRssBytes: 0,
  cpuSeconds: null,
  ended: null,
  why: null,
});

function unfitAgent({ agent: id, host, why: cause, problem, fingerprint }: Event<'agent-unfit'>): LiveAgent {
  const info = { id, host, pid: 0, workers: 0, python: '', pytest: '', xdist: '', hashSeed: null, isLocal: false, fingerprint };
  const { ended, why } = unfitEnd(cause, problem);
  return { ...newAgent(info), ended, why: why === null ? null : harmless(why) };
}

function reportedAgent(agent: LiveAgent, elapsedSeconds: number): ReportedAgent {
  const { info, tests, busySeconds, peakRssBytes, cpuSeconds, ended, why } = agent;
  const { id, host, workers } = info;
  const idleSeconds = Math.max(0, elapsedSeconds * workers - busySeconds);
  const about = { id, host: harmless(host), workers, fingerprint: null, differences: [] };
  return { ...about, tests, busySeconds, idleSeconds, peakRssBytes, cpuSeconds, ended, why };
}
