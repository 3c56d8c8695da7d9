// The files of docs/deploy: valid for Kubernetes, KEDA and systemd, and in agreement with shardline.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ScaledObject } from '@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject';
import { Deployment } from 'kubernetes-models/apps/v1/Deployment';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy';
import { Service } from 'kubernetes-models/v1/Service';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { readArguments } from '../../../cli/arguments.ts';
import { loadSettings } from '../../../cli/load-settings.ts';
import { fleetMetrics } from '../../../coordinator/commands/fleet/fleet-metrics.ts';
import { root } from '../../../scripts/process.ts';
import type { Settings } from '../../../shared/settings/settings.ts';

interface Container {
  readonly args: readonly string[];
}

/** What is read of a manifest here. */
interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly template: { readonly spec: { readonly terminationGracePeriodSeconds?: number; readonly containers: readonly [Container] } };
    readonly scaleTargetRef: { readonly name: string };
    readonly maxReplicaCount: number;
    readonly triggers: readonly [{ readonly metadata: Readonly<Record<string, string>> }];
  };
}

const folder = join(root, 'docs/deploy');
const manifests = parseAllDocuments(readFileSync(join(folder, 'kubernetes.yaml'), 'utf8')).map((each): Manifest => each.toJS());
const unit = readFileSync(join(folder, 'shardline-agent.service'), 'utf8');

/** Throws if the schema of its kind does not allow it. */
function validate(manifest: Readonly<Record<string, unknown>> & { readonly kind: string }): void {
  const value = structuredClone(manifest) as never;
  const models = {
    Deployment: () => new Deployment(value),
    Service: () => new Service(value),
    NetworkPolicy: () => new NetworkPolicy(value),
    ScaledObject: () => new ScaledObject(value),
  };
  models[manifest.kind as keyof typeof models]().validate();
}

const named = (kind: string, name: string): Manifest => {
  const found = manifests.find((each) => each.kind === kind && each.metadata.name === name);
  if (found === undefined) throw new Error(`no ${kind} ${name}`);
  return found;
};

async function settingsOf(argv: readonly string[]): Promise<Settings> {
  const given = readArguments(argv, '0', { write: () => undefined });
  if (given === null) throw new Error('no command');
  return await loadSettings(given, { env: { SHARDLINE_REDIS_URL: 'redis://127.0.0.1:6379' }, cwd: tmpdir(), pip: null });
}

const argsOf = (name: string): readonly string[] => named('Deployment', name).spec.template.spec.containers[0].args;

describe('kubernetes.yaml', () => {
  test.each(manifests.map((manifest) => [manifest.kind, manifest.metadata.name, manifest] as const))(
    '%s %s is valid',
    (_kind, _name, manifest) => {
      expect(() => validate({ ...manifest })).not.toThrow();
    },
  );

  test('the validation finds a wrong field', () => {
    for (const manifest of manifests)
      expect(() => validate({ ...manifest, spec: { ...manifest.spec, selector: 3, triggers: 3, ingress: 3 } })).toThrow();
  });

  test('agents have more time to leave than they drain', async () => {
    const agent = await settingsOf(argsOf('shardline-agent'));
    if (agent.command !== 'agent') throw new Error(agent.command);
    const seconds = named('Deployment', 'shardline-agent').spec.template.spec.terminationGracePeriodSeconds ?? 30;
    expect(seconds).toBeGreaterThanOrEqual(agent.drainTimeoutSeconds + 30);
  });

  test('KEDA reads the agents that serve asks for, with the same limit', async () => {
    const serve = await settingsOf(argsOf('shardline-serve'));
    if (serve.command !== 'serve') throw new Error(serve.command);
    const { scaleTargetRef, maxReplicaCount, triggers } = named('ScaledObject', 'shardline-agent').spec;
    expect(named('Deployment', scaleTargetRef.name).metadata.name).toBe('shardline-agent');
    expect(maxReplicaCount).toBe(serve.scaling.maxAgents);
    const { url = '', valueLocation = '' } = triggers[0].metadata;
    const { hostname, port, pathname } = new URL(url);
    expect([named('Service', hostname).kind, Number(port), pathname]).toEqual(['Service', serve.metrics?.port, '/metrics']);
    const { registry, update } = fleetMetrics(serve.pool, serve.scaling);
    update({ runs: [], agents: new Map(), now: 0 });
    expect(await registry.metrics()).toContain(`\n${valueLocation} 0\n`);
  });
});

describe('shardline-agent.service', () => {
  const settingIn = (key: string): string => new RegExp(`^${key}=(.*)$`, 'm').exec(unit)?.[1] ?? '';

  test('has more time to stop than it drains, and settings that only root reads', async () => {
    const agent = await settingsOf(settingIn('ExecStart').split(' ').slice(1));
    if (agent.command !== 'agent') throw new Error(agent.command);
    expect(Number(settingIn('TimeoutStopSec'))).toBeGreaterThanOrEqual(agent.drainTimeoutSeconds + 30);
    expect([settingIn('KillSignal'), settingIn('KillMode')]).toEqual(['SIGTERM', 'mixed']);
    expect(readFileSync(join(root, 'docs/deploy.md'), 'utf8')).toContain(`install -D --mode 600 agent.env ${settingIn('EnvironmentFile')}`);
  });

  const analyze = spawnSync('systemd-analyze', ['--version']);
  test.skipIf(analyze.error !== undefined)('systemd-analyze verify finds nothing', () => {
    const directory = mkdtempSync(join(tmpdir(), 'shardline-test-unit-'));
    try {
      const verify = (text: string) => {
        const path = join(directory, 'shardline-agent.service');
        writeFileSync(path, text);
        const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', path], { encoding: 'utf8' });
        return { status, said: stderr.split('\n').filter((line) => line.includes('shardline-agent')) };
      };
      // The program is not at its place here.
      const runnable = unit.replace(/^ExecStart=\S+/m, `ExecStart=${process.execPath}`);
      expect(verify(runnable)).toEqual({ status: 0, said: [] });
      expect(verify(runnable.replace('KillMode=mixed', 'KillMode=some')).said).toHaveLength(1);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
