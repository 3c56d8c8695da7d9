// A CI job that has joined the others of its run.

import type { RunId } from '../../../shared/domain/ids.ts';
import type { CiSettings, RunSettings } from '../../../shared/settings/settings.ts';
import type { Edge } from '../../../shared/system/edge.ts';
import type { CiGroup, Joined } from '../../ports.ts';
import type { RunTrust } from '../preparation/run-trust.ts';

export interface Membership {
  readonly settings: CiSettings & { readonly run: RunSettings & { readonly redis: string } };
  readonly edge: Edge;
  readonly group: CiGroup;
  readonly run: RunId;
  readonly joined: Joined;
  readonly trust: RunTrust;
  /** Equal for workspaces with the same files; null if unknown. */
  readonly files: string | null;
  /** Aborts when this job must end before the run. */
  readonly leaving: AbortSignal;
}
