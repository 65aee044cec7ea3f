// An administrator who is never done: targets and units added, grown, limited, redirected, taken offline and removed, while others work.
// What each step must answer is checked here, also when a worker fails under it; what the routes do in detail is interop/admin-api.test.ts's.

import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { MIB } from '../../src/config/limits.ts';
import { callAdmin } from '../support/admin-caller.ts';
import { read16, readCapacity16, write16 } from '../support/cdbs.ts';
import { loginStatus } from '../support/login-attempt.ts';
import { RawInitiator } from '../support/raw-initiator.ts';
import { noise } from '../support/scratch.ts';
import { TARGET_NAME, type TargetProcess } from '../support/target-process.ts';

const BLOCK = 512;
const BLOCKS = 64;
/** A name comes back after so many others. */
const NAMES = 8;
/** Whoever meets a failing worker tries again, so often. */
const TRIES_MAX = 100;
const RETRY_MS = 50;
const PAUSE_MS = 20;
/** Worker trouble: come again. */
const TARGET_ERROR = '0300';

/** An administrator, until told to stop. */
export class AdminChurn {
  /** Times that a target came, was changed in every way, and went. */
  rounds = 0;
  readonly #target: TargetProcess;
  readonly #work: Promise<void>;
  #over = false;

  constructor(target: TargetProcess) {
    this.#target = target;
    this.#work = this.#run();
    this.#work.catch(() => undefined);
  }

  /** Throws what went wrong, if anything did. */
  async stop(): Promise<void> {
    this.#over = true;
    await this.#work;
  }

  async #run(): Promise<void> {
    while (!this.#over) {
      await this.#round(`${TARGET_NAME}-churn${this.rounds % NAMES}`);
      this.rounds++;
      await sleep(PAUSE_MS);
    }
  }

  async #round(name: string): Promise<void> {
    const path = `targets/${encodeURIComponent(name)}`;
    await this.#ask('POST', 'targets', { name, luns: [{ lun: 0, backend: 'memory', size: MIB }] }, 201);
    await this.#ask('POST', `${path}/luns`, { lun: 1, path: 'churn.img', size: MIB }, 201);
    await this.#use(name, 1, MIB);
    await this.#ask('PATCH', `${path}/luns/1`, { size: 2 * MIB, limits: { iops: 5000 } });
    await this.#use(name, 1, 2 * MIB);
    await this.#ask('PUT', `${path}/redirect`, { address: '192.0.2.7:3260,1' });
    await this.#expectLogin(name, '0101');
    await this.#ask('DELETE', `${path}/redirect`, undefined, 204);
    await this.#ask('PUT', `${path}/state`, { state: 'offline' });
    await this.#expectLogin(name, '0301');
    await this.#ask('PUT', `${path}/state`, { state: 'online' });
    await this.#ask('DELETE', `${path}/luns/1`, undefined, 204);
    rmSync(this.#target.file('churn.img'));
    await this.#use(name, 0, MIB);
    await this.#ask('DELETE', path, undefined, 204);
    await this.#expectLogin(name, '0204');
  }

  async #ask(method: string, path: string, body?: unknown, expected = 200): Promise<void> {
    const { status, value } = await callAdmin(this.#target.ready.admin!, method, path, body);
    if (status !== expected) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(value)}`);
  }

  async #expectLogin(target: string, expected: string): Promise<void> {
    await this.#insist(async () => {
      const status = await loginStatus(this.#target.port, { target });
      if (status === expected) return true;
      if (status === TARGET_ERROR) return false;
      throw new Fault(`a login at ${target} ended with ${status}, not with ${expected}`);
    });
  }

  /** Logs in, writes to the end of a unit that is so many bytes long, and reads it back. */
  async #use(target: string, lun: number, bytes: number): Promise<void> {
    await this.#insist(async () => {
      using initiator = await RawInitiator.logIn(this.#target.port, { target });
      const { data: capacity } = await initiator.command(readCapacity16(), { lun, read: 32 });
      const blocks = Number(capacity.readBigUInt64BE(0)) + 1;
      if (blocks !== bytes / BLOCK) throw new Fault(`LUN ${lun} of ${target} has ${blocks} blocks`);
      const data = noise(BLOCKS * BLOCK, this.rounds + 1);
      const written = await initiator.command(write16(blocks - BLOCKS, BLOCKS), { lun, write: data });
      const read = await initiator.command(read16(blocks - BLOCKS, BLOCKS), { lun, read: data.length });
      if (written.status !== 0 || read.status !== 0) {
        throw new Fault(`LUN ${lun} of ${target}: WRITE ended with ${written.status}, READ with ${read.status}`);
      }
      if (!read.data.equals(data)) throw new Fault(`LUN ${lun} of ${target} has other data than were written`);
      await initiator.logOut();
      return true;
    });
  }

  /** Tries until it is done. Connections may be lost to a worker that fails; a {@link Fault} is one. */
  async #insist(step: () => Promise<boolean>): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        if (await step()) return;
      } catch (error) {
        if (error instanceof Fault || tries === TRIES_MAX) throw error;
      }
      if (tries === TRIES_MAX) throw new Error('a worker that failed is away for too long');
      await sleep(RETRY_MS);
    }
  }
}

class Fault extends Error {}
