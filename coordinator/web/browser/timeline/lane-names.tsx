// The names beside the lanes of the timeline.

import { agentName, type Model } from '../model.ts';
import { duration, percent } from '../words.ts';
import type { Lane, Timeline } from './lanes.ts';

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

const percentShort = (share: number): string => `${Math.round(Math.min(1, share) * 100)} %`;
