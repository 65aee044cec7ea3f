// Logins that mean no good, by the thousand: what they took comes back, and who works beside them does not notice.

import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { MIB } from '../../../src/config/limits.ts';
import { LoginRequest } from '../../../src/pdu/login-request.ts';
import { encodePairs } from '../../../src/pdu/text.ts';
import { TextRequest, TextResponse } from '../../../src/pdu/text-pdu.ts';
import { read16, write16 } from '../../support/cdbs.ts';
import { sendLogin } from '../../support/initiator-login.ts';
import { admitted, knock, loginStatus, namesAnd, stepsStatus, takeSteps } from '../../support/login-attempt.ts';
import { STEADY_HEAP } from '../../support/node-version.ts';
import { RawInitiator } from '../../support/raw-initiator.ts';
import { noise } from '../../support/scratch.ts';
import { TARGET_NAME, TargetProcess } from '../../support/target-process.ts';
import { ALICE, CHAP, fileOf, serve, targetOf } from '../login-status/serve.ts';

const PROTECTED = `${TARGET_NAME}-protected`;
const FILE = fileOf({}, { targets: [targetOf(), targetOf({ name: PROTECTED, auth: CHAP })], log: { level: 'error' } });
let target: TargetProcess;
beforeEach(async () => {
  target = await TargetProcess.start(FILE);
});
afterEach(() => target.stop());

/** A session that reads and writes beside whatever else goes on; an error of its own is an error of the test. */
class Bystander {
  static async start(port: number): Promise<Bystander> {
    return new Bystander(await admitted(port));
  }

  readonly #initiator: RawInitiator;
  readonly #work: Promise<void>;
  #over = false;
  rounds = 0;

  private constructor(initiator: RawInitiator) {
    this.#initiator = initiator;
    this.#work = this.#run();
    this.#work.catch(() => undefined);
  }

  async #run(): Promise<void> {
    while (!this.#over) {
      const data = noise(8192, ++this.rounds);
      expect(await this.#initiator.command(write16(0, 16), { write: data })).toMatchObject({ status: 0 });
      expect((await this.#initiator.command(read16(0, 16), { read: 8192 })).data.equals(data)).toBe(true);
    }
  }

  async stop(): Promise<void> {
    this.#over = true;
    await this.#work;
    await this.#initiator.logOut();
  }
}

/** Ways to be refused at different depths of a login. */
const REFUSALS: readonly [status: string, login: (port: number) => Promise<string>][] = [
  ['0203', (port) => loginStatus(port, { target: `${TARGET_NAME}-x`, skipSecurity: true })],
  ['0207', (port) => stepsStatus(port, [{ stage: 0, next: 1 }])],
  ['0200', (port) => stepsStatus(port, [{ stage: 1, next: 3, pairs: namesAnd({ MaxBurstLength: '1' }) }])],
  ['0201', (port) => loginStatus(port, { target: PROTECTED, chap: { ...ALICE, secret: 'not the secret of alice' } })],
];

async function refuse(port: number, count: number): Promise<void> {
  for (let login = 0; login < count; login++) {
    const [status, attempt] = REFUSALS[login % REFUSALS.length]!;
    expect(await attempt(port)).toBe(status);
  }
}

/** Closed connections are let go of when the kernel gets to it. */
async function descriptorsSettle(measured: TargetProcess): Promise<number> {
  for (let before = -1; ; ) {
    const now = measured.readings().descriptors;
    if (now === before) return now;
    before = now;
    await sleep(100);
  }
}

interface Idle {
  /** Main's heap and the buffers beside it, without garbage. */
  readonly heapBytes: number;
  readonly rssBytes: number;
  readonly descriptors: number;
}

/** What is taken while nobody logs in; memory at its lowest, because the kernel gets it back when V8 finds the time. */
async function idle(measured: TargetProcess): Promise<Idle> {
  const reports = () => [...measured.log.matchAll(/^\{"collected":.*\}$/gm)];
  const descriptors = await descriptorsSettle(measured);
  const readings = [];
  for (let reading = 0; reading < 5; reading++) {
    const before = reports().length;
    process.kill(measured.pid, 'SIGUSR2');
    while (reports().length === before) await sleep(100);
    readings.push(JSON.parse(reports().at(-1)![0]).collected);
  }
  const heapBytes = Math.min(...readings.map(({ heapUsed, external }) => heapUsed + external));
  return { heapBytes, rssBytes: Math.min(...readings.map(({ rss }) => rss)), descriptors };
}

describe('10,000 refused logins', () => {
  test.each([
    { how: 'one by one', atOnce: 1 },
    { how: 'by 200 at once', atOnce: 200 },
  ])(
    '$how',
    async ({ atOnce }) => {
      const preload = fileURLToPath(new URL('../../support/collect-garbage.cjs', import.meta.url));
      const env = { NODE_OPTIONS: `${STEADY_HEAP} --require ${preload}` };
      await using measured = await TargetProcess.start(FILE, { env });
      const bystander = await Bystander.start(measured.port);
      const refuseAll = async (count: number): Promise<void> => {
        await Promise.all(Array.from({ length: atOnce }, () => refuse(measured.port, count / atOnce)));
      };
      // Code is compiled and the heap finds its size first.
      await refuseAll(4000);
      const before = await idle(measured);
      await refuseAll(10_000);
      // All of it comes back, when the kernel and V8 get to it.
      await vi.waitFor(
        async () => {
          const after = await idle(measured);
          expect(after.descriptors).toBeLessThanOrEqual(before.descriptors);
          // 10,000 times 100 bytes would show.
          expect(after.heapBytes - before.heapBytes).toBeLessThan(MIB);
          expect(after.rssBytes - before.rssBytes).toBeLessThan(16 * MIB);
        },
        { timeout: 60_000, interval: 1000 },
      );
      expect(bystander.rounds).toBeGreaterThan(0);
      await bystander.stop();
    },
    300_000,
  );
});

describe('slow loris', () => {
  test('a login that takes its time, byte by byte, is closed when its time is over', async () => {
    // Time enough for each of them to begin, on a busy machine too.
    await using impatient = await serve({}, { tuning: { loginTimeoutMs: 5000 } });
    const bystander = await Bystander.start(impatient.port);
    const slow: RawInitiator[] = [];
    while (slow.length < 100) {
      const initiator = await RawInitiator.connect(impatient.port);
      slow.push(initiator);
      // Half of them have begun.
      if (slow.length % 2 === 0) expect(await takeSteps(initiator, [{ stage: 0, pairs: namesAnd() }])).toBe('0000');
    }
    const trickle = (async () => {
      const header = Buffer.alloc(48);
      header[0] = 0x43;
      for (let at = 0; at < header.length && slow.some(({ wire }) => !wire.closed); at++) {
        for (const { wire } of slow) if (!wire.closed) wire.write(header.subarray(at, at + 1));
        // The whole header would take more than twice the time.
        await sleep(250);
      }
    })();
    for (const initiator of slow) await initiator.expectClose();
    await trickle;
    expect(await loginStatus(impatient.port)).toBe('0000');
    await bystander.stop();
  });

  test('a connection that never says a word is closed as well', async () => {
    await using impatient = await serve({}, { tuning: { loginTimeoutMs: 500 } });
    using silent = await RawInitiator.connect(impatient.port);
    await silent.expectClose();
  });
});

describe('too much', () => {
  test('16 requests and 64 KiB of text are enough for a login', async () => {
    const piece = { stage: 0, more: true, text: Buffer.alloc(8192, 'X-io.lunaring=v\0') };
    expect(await stepsStatus(target.port, Array(8).fill(piece))).toBe('0000');
    expect(await stepsStatus(target.port, Array(9).fill(piece))).toBe('0200');
    const empty = { stage: 0, more: true };
    expect(await stepsStatus(target.port, Array(16).fill(empty))).toBe('0000');
    expect(await stepsStatus(target.port, Array(17).fill(empty))).toBe('0200');
  });

  test('requests that do not wait for their answers get no more of it', async () => {
    using initiator = await knock(target.port);
    for (let request = 0; request < 1000; request++)
      sendLogin(initiator, { stage: 0, more: true, text: Buffer.alloc(8) });
    let answers = 0;
    while ((await initiator.receive()) !== null) answers++;
    expect(answers).toBeLessThanOrEqual(17);
  });

  test('bytes without end, in a PDU that is never whole, are not collected', async () => {
    const before = target.readings().rssBytes;
    const greedy = [];
    for (let count = 0; count < 50; count++) {
      const initiator = await knock(target.port);
      greedy.push(initiator);
      // A whole header that promises data, and then anything but the data's end.
      initiator.send(LoginRequest, { dataSegmentLength: 8192 }, { immediate: true, keep: 48 });
      initiator.wire.write(Buffer.alloc(8191));
    }
    for (const initiator of greedy) for (let push = 0; push < 16; push++) initiator.wire.write(Buffer.alloc(65_536));
    for (const initiator of greedy) while ((await initiator.receive()) !== null);
    expect(await loginStatus(target.port)).toBe('0000');
    expect(target.readings().rssBytes - before).toBeLessThan(64 * MIB);
  });

  test('questions of a discovery session whose answers nobody reads are not read either', async () => {
    const before = target.readings().rssBytes;
    using greedy = await admitted(target.port, { sessionType: 'Discovery' });
    greedy.wire.pause();
    // Each key is answered with more than it takes.
    const data = Buffer.from(
      Array.from({ length: 1296 }, (_, key) => `${key.toString(36).padStart(2, '0')}=\0`).join(''),
    );
    for (let question = 0; question < 20 * MIB; question += data.length) {
      greedy.send(TextRequest, {}, { data, immediate: true });
    }
    expect(await loginStatus(target.port)).toBe('0000');
    expect(target.readings().rssBytes - before).toBeLessThan(32 * MIB);
    // All of them are answered once somebody reads.
    greedy.wire.resume();
    for (let answer = 0; answer < 100; answer++) await greedy.expect(TextResponse);
  });

  test('hundreds of questions at once hold nobody else up', async () => {
    await using crowded = await serve(
      {},
      { targets: Array.from({ length: 150 }, (_, index) => targetOf({ name: `${TARGET_NAME}-${index}`, luns: [] })) },
    );
    using eager = await admitted(crowded.port, { sessionType: 'Discovery' });
    const data = encodePairs([['SendTargets', 'All']]);
    for (let question = 0; question < 400; question++) eager.send(TextRequest, {}, { data, immediate: true });
    let answered = 0;
    const answers = (async () => {
      for (; answered < 400; answered++) await eager.expect(TextResponse);
    })();
    expect(await loginStatus(crowded.port, { target: `${TARGET_NAME}-0` })).toBe('0000');
    expect(answered).toBeLessThan(400);
    await answers;
  });

  test('a data segment of 16 MiB is refused by its header', async () => {
    using initiator = await knock(target.port);
    initiator.send(LoginRequest, { dataSegmentLength: 0xffffff }, { immediate: true });
    const reply = await initiator.receive();
    expect(reply?.header.subarray(36, 38).toString('hex')).toBe('0200');
    await initiator.expectClose();
  });
});

describe('garbage', () => {
  test('noise, cut anywhere, ends in an answer or a close, and harms nobody', async () => {
    const bystander = await Bystander.start(target.port);
    for (let seed = 1; seed <= 300; seed++) {
      using initiator = await knock(target.port);
      const bytes = noise(48 + (seed % 500), seed);
      // Every second one passes for a Login Request.
      if (seed % 2 === 0) bytes[0] = 0x43;
      const cut = seed % bytes.length;
      initiator.wire.write(bytes.subarray(0, cut));
      initiator.wire.write(bytes.subarray(cut));
      initiator.wire.end();
      while ((await initiator.receive()) !== null);
    }
    expect(await loginStatus(target.port)).toBe('0000');
    await bystander.stop();
  });

  test('logins that vanish at any point leave nothing behind', async () => {
    await loginStatus(target.port);
    const descriptors = await descriptorsSettle(target);
    for (let round = 0; round < 200; round++) {
      const initiator = await knock(target.port);
      if (round % 4 > 0) sendLogin(initiator, { stage: 0, next: 1, pairs: namesAnd() });
      if (round % 4 > 1) sendLogin(initiator, { stage: 1, next: 3 });
      if (round % 2 === 0) initiator.wire.reset();
      else initiator.wire.close();
    }
    await expect.poll(() => target.readings().descriptors, { timeout: 20_000 }).toBeLessThanOrEqual(descriptors);
    expect(await loginStatus(target.port)).toBe('0000');
  });
});
