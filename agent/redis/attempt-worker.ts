// A BullMQ Worker that fetches a job only when its run has a slot of the machine for it.

import { setTimeout as delay } from 'node:timers/promises';
import { type Job, type Processor, Worker, type WorkerOptions } from 'bullmq';
import type { SharedSlots, Slot } from '../ports.ts';

/** Delay before the next fetch after one failed, in milliseconds. */
const AGAIN_MS = 250;

/**
 * BullMQ's own loop would not do with shared slots. It hands on no job while it waits to fetch the next one, and a paused worker that was
 * waiting for jobs still fetches one (measured, BullMQ 6.7). It runs only in an agent that serves one run at a time.
 */
export class AttemptWorker extends Worker<string> {
  readonly #shared: SharedSlots | null;
  readonly #signal: AbortSignal;
  readonly #slots = new WeakMap<Job<string>, Slot>();

  /** `shared` is null if the agent serves one run at a time. With it, fetches nothing more once `signal` aborts. */
  constructor(name: string, handler: Processor<string>, options: WorkerOptions, shared: SharedSlots | null, signal: AbortSignal) {
    super(name, handler, options);
    this.#shared = shared;
    this.#signal = signal;
  }

  /** Frees the slot of a job before the handler returns. */
  freeSlot(job: Job<string>): void {
    this.#slots.get(job)?.free();
  }

  /** See `Slot.alone`. */
  async alone(job: Job<string>): Promise<boolean> {
    return (await this.#slots.get(job)?.alone(this.#signal)) ?? true;
  }

  override async run(): Promise<void> {
    if (this.#shared === null) return await super.run();
    this.lockManager.start();
    // `close` interrupts the fetch and waits for this promise.
    this.mainLoopRunning = this.#fetchAll();
    await this.mainLoopRunning;
  }

  /** Resolves when no job is fetched any more and every fetched one is over. */
  async #fetchAll(): Promise<void> {
    const running = new Set<Promise<void>>();
    for (let fetches = 0; !this.#signal.aborted && this.closing === undefined; fetches += 1) {
      if (running.size >= this.concurrency) {
        await Promise.race(running);
        continue;
      }
      const token = `${this.id}:${fetches}`;
      const job = await this.getNextJob(token).catch((thrown: unknown) => this.#report(thrown));
      if (job === undefined) continue;
      const work = this.#workOff(job, token, () => running.size <= this.concurrency)
        .catch((thrown: unknown) => this.#report(thrown))
        .finally(() => running.delete(work));
      running.add(work);
    }
    await Promise.all(running);
  }

  async #workOff(first: Job<string>, token: string, hasRoom: () => boolean): Promise<void> {
    let job: Job<string> | undefined = first;
    while (job !== undefined) job = await this.processJob(job, token, hasRoom);
  }

  async #report(thrown: unknown): Promise<undefined> {
    if (this.closing !== undefined) return;
    this.emit('error', thrown instanceof Error ? thrown : new Error(String(thrown)));
    await delay(AGAIN_MS, undefined, { signal: this.#signal }).catch(() => undefined);
  }

  protected override async moveToActive(token: string, name?: string): Promise<Job<string>> {
    if (this.#shared === null) return await super.moveToActive(token, name);
    const slot = await this.#shared.take(this.#signal);
    let job = NO_JOB;
    if (slot === null) return job;
    try {
      if (this.closing === undefined) job = await super.moveToActive(token, name);
    } finally {
      if (isThere(job)) this.#slots.set(job, slot);
      else slot.free();
    }
    return job;
  }

  override async processJob(job: Job<string>, token: string, fetchNext: () => boolean = () => true): Promise<Job<string> | undefined> {
    const shared = this.#shared;
    if (shared === null) return (await super.processJob(job, token, fetchNext)) ?? undefined;
    const slot = this.#slots.get(job) ?? shared.add();
    this.#slots.set(job, slot);
    try {
      // The next job of this run may not be the next one of the machine.
      return (await super.processJob(job, token, () => !shared.isShared() && fetchNext())) ?? undefined;
    } finally {
      slot.free();
    }
  }
}

// BullMQ's types leave out that there may be no job.
const NO_JOB = undefined as unknown as Job<string>;
const isThere = (job: Job<string> | undefined): boolean => job !== undefined;
