// The names beside the lanes of the timeline.

import { agentName, type Model } from '../model.ts';
import { duration, percent, plural } from '../words.ts';
import type { Lane, Timeline } from './lanes.ts';
import type { WaitLane } from './waits.ts';

/** A lower lane has no room for its xdist worker's name. In pixels. */
const NAMED_LANE = 11;

interface Props {
  readonly model: Model;
  readonly timeline: Timeline;
  /** In pixels. */
  readonly laneHeight: number;
}

export function LaneNames({ model, timeline, laneHeight }: Props) {
  return (
    <div class="lane-names" aria-hidden="true">
      {timeline.lanes.map((lane, index) => (
        <LaneName
          key={`${lane.agent} ${lane.worker}`}
          lane={lane}
          agent={agentName(model, lane.agent)}
          isFirst={timeline.lanes[index - 1]?.agent !== lane.agent}
          height={laneHeight}
          runMs={timeline.runMs}
        />
      ))}
      {timeline.waits.map((lane, index) => (
        <WaitName key={lane.what} lane={lane} isFirst={index === 0} height={laneHeight} />
      ))}
    </div>
  );
}

interface LaneProps {
  readonly lane: Lane;
  readonly agent: string;
  /** Only the first lane of an agent shows the agent's name. */
  readonly isFirst: boolean;
  readonly height: number;
  readonly runMs: number;
}

function LaneName({ lane, agent, isFirst, height, runMs }: LaneProps) {
  const { worker, busyMs } = lane;
  return (
    <div
      class={isFirst ? 'lane-name first' : 'lane-name'}
      style={{ height: `${height}px` }}
      title={`${lane.agent} ${worker}: ${duration(busyMs)} in tests, ${percent(busyMs / runMs)}`}
    >
      {height < NAMED_LANE && isFirst && <span class="agent">{agent}</span>}
      {height >= NAMED_LANE && (
        <>
          <span class="agent">{isFirst ? agent : ''}</span>
          <span>{worker}</span>
          <span class="share">{percentShort(busyMs / runMs)}</span>
        </>
      )}
    </div>
  );
}

/** There is little room. */
const briefly = (what: string): string => what.replace(/\bthe (?:resource|labels?) /g, '');

interface WaitProps {
  readonly lane: WaitLane;
  readonly isFirst: boolean;
  readonly height: number;
}

function WaitName({ lane: { what, shards, bars }, isFirst, height }: WaitProps) {
  const ms = bars.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
  return (
    <div
      class={isFirst ? 'lane-name first wait' : 'lane-name wait'}
      style={{ height: `${height}px` }}
      title={`${plural(shards, 'shard')} waited for ${what}, ${duration(ms)} in all`}
    >
      {(height >= NAMED_LANE || isFirst) && <span class="agent">waits for {briefly(what)}</span>}
    </div>
  );
}

const percentShort = (share: number): string => `${Math.round(Math.min(1, share) * 100)} %`;
