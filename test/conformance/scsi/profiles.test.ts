// What hosts in use send, as profiles.yaml has it, played over real sockets on both engines. Each profile begins with a fresh target.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { Status } from '../../../src/scsi/task.ts';
import type { CommandResult } from '../../support/initiator-command.ts';
import { InitiatorSession, RawInitiator } from '../../support/raw-initiator.ts';
import { TARGET_NAME, TargetProcess } from '../../support/target-process.ts';

interface Step {
  readonly as: string;
  readonly say: string;
  readonly cdb: string;
  readonly at?: number;
  readonly write?: string | readonly string[];
  readonly read?: number;
  readonly status?: string;
  readonly sense?: string;
  readonly data?: Readonly<Record<string, string | number>>;
  /** The NAA designator of page 83h is the same in all steps that say so. */
  readonly same?: 'identity';
}

const profiles = parse(readFileSync(new URL('profiles.yaml', import.meta.url), 'utf8')) as Record<string, Step[]>;

const UNIT_BYTES = 16 * 1024 * 1024;
/** Offset in page 83h, and length, of the NAA designator, which follows the T10 one. */
const NAA_DESCRIPTOR_BYTES = 12;

function hex(text: string | number): string {
  return String(text).replaceAll(' ', '').toLowerCase();
}

/** `11 512`: 512 bytes of 11h; `zeroes 512`; anything else is hex. */
function bytesOf(text: string): Buffer {
  const run = /^(zeroes|[0-9a-f]{2}) (\d{2,})$/.exec(text);
  if (run === null) return Buffer.from(hex(text), 'hex');
  return Buffer.alloc(Number(run[2]), run[1] === 'zeroes' ? 0 : Number.parseInt(run[1]!, 16));
}

function naaOf(page83: Buffer): Buffer {
  for (let at = 4; at < page83.length; at += 4 + page83[at + 3]!) {
    if ((page83[at + 1]! & 0x3f) === 0x03) return page83.subarray(at, at + NAA_DESCRIPTOR_BYTES);
  }
  throw new Error('page 83h has no NAA designator');
}

/** One profile on a target of its own. */
class Play {
  readonly #target: TargetProcess;
  readonly #hosts = new Map<string, RawInitiator>();
  #identity: Buffer | null = null;

  constructor(target: TargetProcess) {
    this.#target = target;
  }

  async #host({ as, at = 1 }: Step): Promise<RawInitiator> {
    const known = this.#hosts.get(as);
    if (known !== undefined) return known;
    const host = await RawInitiator.connect(this.#target.ready.portals[at - 1]!.port, new InitiatorSession());
    expect((await host.login({ keepAttentions: true })).status).toBe(0);
    this.#hosts.set(as, host);
    return host;
  }

  async step(step: Step): Promise<void> {
    const host = await this.#host(step);
    const write = step.write === undefined ? undefined : await this.#data(host, step.write);
    const result = await host.command(Buffer.from(hex(step.cdb), 'hex'), {
      ...(write === undefined ? {} : { write }),
      ...(step.read === undefined ? {} : { read: step.read }),
    });
    this.#judge(step, result);
  }

  async #data(host: RawInitiator, write: string | readonly string[]): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (const part of [write].flat()) parts.push(part === 'designator' ? await this.#copyTarget(host) : bytesOf(part));
    return Buffer.concat(parts);
  }

  /** The identification descriptor of the unit itself, for EXTENDED COPY. */
  async #copyTarget(host: RawInitiator): Promise<Buffer> {
    const { data } = await host.command(Buffer.from('12018300ff00', 'hex'), { read: 255 });
    const descriptor = Buffer.alloc(32);
    descriptor[0] = 0xe4;
    naaOf(data).copy(descriptor, 4);
    descriptor.writeUIntBE(512, 29, 3);
    return descriptor;
  }

  #judge(step: Step, result: CommandResult): void {
    const statusName = (step.status ?? 'GOOD').replaceAll(' ', '_') as keyof typeof Status;
    expect(Status[statusName], step.say).toBeDefined();
    const sense =
      result.sense === null
        ? ''
        : `${result.sense.key.toString(16)}/${result.sense.additional.toString(16).padStart(4, '0')}`;
    expect([result.status, sense], step.say).toEqual([Status[statusName], step.sense ?? '']);
    for (const [offset, wanted] of Object.entries(step.data ?? {})) {
      const text = hex(wanted);
      const got = result.data.subarray(Number(offset), Number(offset) + text.length / 2).toString('hex');
      const masked = [...got].map((digit, index) => (text[index] === '.' ? '.' : digit)).join('');
      expect(masked, `${step.say}, at ${offset}`).toBe(text);
    }
    if (step.same === undefined) return;
    const identity = naaOf(result.data);
    this.#identity ??= identity;
    expect(identity.equals(this.#identity), step.say).toBe(true);
  }

  end(): void {
    for (const host of this.#hosts.values()) host[Symbol.dispose]();
  }
}

describe.each(Object.entries(profiles))('%s', (_name, steps) => {
  it.each(['uring', 'posix'] as const)('is content with engine %s', async (engine) => {
    await using target = await TargetProcess.start({
      portals: [1, 2].map((tag) => ({ address: '127.0.0.1', port: 0, tag })),
      targets: [{ name: TARGET_NAME, luns: [{ lun: 0, path: 'disk.img', size: UNIT_BYTES }] }],
      tuning: { engine, workers: 2 },
    });
    const play = new Play(target);
    for (const step of steps) await play.step(step);
    play.end();
  });
});
