// `npm run fuzz`: the fuzzer from the command line. Ends with 0 when nothing was found, else with 1 and a file that `--replay` takes.
// What a finding is, is fuzzer.ts's to say.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { enginesOf, integerOf, runCommand } from '../support/command.ts';
import { repositoryRoot } from '../support/repository.ts';
import type { Transcript } from './conversation.ts';
import { type FuzzEngine, startFuzzedTarget } from './fuzzed-target.ts';
import { type FuzzResult, fuzz } from './fuzzer.ts';
import { type Finding, replayAlone, shrink } from './shrink.ts';

const USAGE = `usage: npm run fuzz -- [options]
  --pdus N       PDUs for each engine (1000000)
  --seed S       what they are made from (the time); the same seed says the same
  --engine E     uring, posix or both (both)
  --lanes N      connections at a time (8)
  --replay FILE  says what a file of findings holds, and nothing else
`;

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

async function keep(engine: FuzzEngine, seed: number, { finding, suspects }: FuzzResult): Promise<void> {
  const folder = join(repositoryRoot(), 'node_modules/.cache/fuzz');
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${engine}-${seed}.json`);
  const save = (transcripts: readonly Transcript[]) =>
    writeFileSync(
      path,
      JSON.stringify({ about: finding.split('\n', 1).join(''), transcripts } satisfies Finding, null, 1),
    );
  save(suspects);
  print(`what was said last is in ${path}; looking for the least of it that does the same`);
  const least = await shrink(engine, suspects);
  if (least === null) return print('no conversation does it alone');
  save([least]);
  print(`${least.writes.length} writes of one connection do it alone; they are in that file now`);
}

async function fuzzEngine(
  engine: FuzzEngine,
  options: { pdus: number; seed: number; lanes: number },
): Promise<boolean> {
  const begun = performance.now();
  const target = await startFuzzedTarget(engine);
  const result = await fuzz(target, { ...options, progress: (line) => print(`${engine}: ${line}`) });
  const seconds = (performance.now() - begun) / 1000;
  const { pdus, conversations, bystanderRounds, descriptors, readings, finding } = result;
  const rate = Math.round(pdus / seconds);
  print(
    `${engine}: ${pdus} PDUs in ${conversations} connections, ${seconds.toFixed(0)} s (${rate}/s), seed ${options.seed}`,
  );
  print(`${engine}: ${bystanderRounds} rounds of the session beside them; descriptors ${descriptors.join(' -> ')}`);
  print(`${engine}: resident set ${readings.map(({ rssBytes }) => (rssBytes / 2 ** 20).toFixed(0)).join(' ')} MiB`);
  if (finding === '') {
    await target.stop();
    return true;
  }
  print(`${engine}: FOUND with --seed ${options.seed}: ${finding}`);
  await target.kill();
  await keep(engine, options.seed, result);
  return false;
}

async function replayFile(path: string, engines: readonly FuzzEngine[]): Promise<boolean> {
  const { transcripts } = JSON.parse(readFileSync(path, 'utf8')) as Finding;
  let good = true;
  for (const engine of engines) {
    const wrong = await replayAlone(engine, transcripts);
    print(`${engine}: ${wrong === '' ? 'nothing goes wrong' : wrong}`);
    good = good && wrong === '';
  }
  return good;
}

const options = {
  pdus: { type: 'string', default: '1000000' },
  seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
  engine: { type: 'string', default: 'both' },
  lanes: { type: 'string', default: '8' },
  replay: { type: 'string' },
} as const;

await runCommand(USAGE, options, async (values) => {
  const engines = enginesOf(values.engine);
  const pdus = integerOf('pdus', values.pdus, 1);
  const seed = integerOf('seed', values.seed);
  const lanes = integerOf('lanes', values.lanes, 1);
  if (values.replay !== undefined) return replayFile(values.replay, engines);
  let good = true;
  for (const engine of engines) good = (await fuzzEngine(engine, { pdus, seed, lanes })) && good;
  return good;
});
