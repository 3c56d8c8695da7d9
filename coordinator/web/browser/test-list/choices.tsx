// The choice of a file and of an agent.

import { useMemo, useState } from 'preact/hooks';
import type { Model } from '../model.ts';

interface FileProps {
  readonly model: Model;
  /** A file's index, or null for all. */
  readonly chosen: number | null;
  readonly onChoose: (file: number | null) => void;
}

/** Adds the options, which may be thousands, when the user opens the list and not when the page opens. */
export function FileChoice({ model, chosen, onChoose }: FileProps) {
  const files = useMemo(
    () => model.data.files.map((path, file) => ({ path, file })).sort((left, right) => (left.path < right.path ? -1 : 1)),
    [model],
  );
  const [isFilled, setFilled] = useState(false);
  const fill = (): void => setFilled(true);
  const shown = isFilled ? files : files.filter(({ file }) => file === chosen);
  return (
    <select
      aria-label="File"
      class="file-choice"
      value={chosen ?? ''}
      onPointerEnter={fill}
      onFocus={fill}
      onChange={(event) => onChoose(event.currentTarget.value === '' ? null : Number(event.currentTarget.value))}
    >
      <option value="">All files</option>
      {shown.map(({ path, file }) => (
        <option key={file} value={file}>
          {path}
        </option>
      ))}
    </select>
  );
}

interface AgentProps {
  readonly model: Model;
  /** null for all. */
  readonly chosen: string | null;
  readonly onChoose: (agent: string | null) => void;
}

/** Shows nothing if there is only one agent. */
export function AgentChoice({ model, chosen, onChoose }: AgentProps) {
  const agents = useMemo(() => [...new Set(model.data.lanes.map(([agent]) => agent))].sort(), [model]);
  if (agents.length <= 1) return null;
  return (
    <select aria-label="Agent" value={chosen ?? ''} onChange={(event) => onChoose(event.currentTarget.value || null)}>
      <option value="">All agents</option>
      {agents.map((agent) => (
        <option key={agent} value={agent}>
          {agent}
        </option>
      ))}
    </select>
  );
}
