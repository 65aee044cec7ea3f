// All metrics with their values of now, as text: reads what control/readings.ts reads, and asks no worker.
// Which metrics there are is metrics.ts's, how they are written exposition.ts's; who asks for them is the admin interface's business.

import type { Readings } from '../control/readings.ts';
import type { WorkerReading } from '../control/supervisor.ts';
import { findLoginStatus } from '../pdu/login-status.ts';
import { SnackType } from '../pdu/snack.ts';
import { TaskFunction } from '../pdu/task-management.ts';
import { Counter, TASK_FUNCTIONS } from '../ring/counters.ts';
import { Figure, LATENCY_BUCKETS } from '../ring/figures.ts';
import { SenseKey } from '../scsi/sense.ts';
import { Exposition, type Format, labels } from './exposition.ts';
import type { LoopDelay } from './loop-delay.ts';
import { METRICS, type Metric } from './metrics.ts';
import { openDescriptors, residentMemory, threadCpu } from './process-figures.ts';
import type { WorkerCpu } from './worker-cpu.ts';

/** What is told beside the readings. */
export interface MetricsSource {
  readonly readings: Readings;
  readonly loopDelay: LoopDelay;
  readonly workerCpu: WorkerCpu;
  readonly version: string;
  readonly engine: string;
  readonly startedAt: Date;
}

/** Sessions that are told of one by one: about 10 KiB of text each. */
export const SESSIONS_LISTED_MAX = 256;

/** Blocks of figures with the labels of what they are about. */
type Labelled = readonly (readonly [labelText: string, figures: Float64Array])[];

const words = (name: string): string => name.toLowerCase().replaceAll('_', ' ');

/** The `error` label of each kind of error, and its figure. */
const ERRORS: readonly (readonly [string, number])[] = [
  ...Object.entries(SenseKey).map(([name, key]) => [words(name), Figure.senseKeys + key] as const),
  ['busy', Figure.busy],
  ['reservation conflict', Figure.reservationConflicts],
  ['task set full', Figure.taskSetFull],
];

const FUNCTIONS = new Map<number, string>(Object.entries(TaskFunction).map(([name, number]) => [number, words(name)]));

const OPERATIONS = [
  ['read', Figure.reads, Figure.bytesRead, Figure.readMicros, Figure.readLatency],
  ['write', Figure.writes, Figure.bytesWritten, Figure.writeMicros, Figure.writeLatency],
] as const;

const STAGES = [
  ['queue', Figure.queueMicros, Figure.queueLatency],
  ['device', Figure.deviceMicros, Figure.deviceLatency],
  ['network', Figure.networkMicros, Figure.networkLatency],
] as const;

/** The metrics of units and of initiators that are the same figures. */
interface FigureMetrics {
  readonly commands: Metric;
  readonly bytes: Metric;
  readonly inFlight: Metric;
  readonly r2ts: Metric;
  readonly latency: Metric;
  readonly stage: Metric;
}

/** Everything, in parts: between two of them the caller may let others have their turn. */
export function* collect(source: MetricsSource, format: Format): Generator<string, void> {
  const out = new Exposition(format);
  const { readings } = source;
  const workers = readings.workers();
  writeWhole(out, source);
  writeProcess(out, source, workers);
  writeTargets(out, readings);
  yield out.take();
  yield* writeUnits(out, readings);
  yield* writeSessions(out, readings);
  writeWorkers(out, workers);
  writeWorkerLatencies(out, readings, workers);
  yield out.end();
}

/** A metric of one sample; of none, where there is nothing to say. */
function single(out: Exposition, metric: Metric, value: number | null): void {
  out.begin(metric);
  if (value !== null) out.sample('', value);
}

function writeWhole(out: Exposition, { readings, version, engine, startedAt }: MetricsSource): void {
  out.begin(METRICS.build);
  out.sample(labels({ version, engine }), 1);
  single(out, METRICS.startTime, startedAt.getTime() / 1000);
  single(out, METRICS.draining, Number(readings.draining));
  single(out, METRICS.sessions, readings.sessionCount);
  out.begin(METRICS.logins);
  for (const [status, count] of readings.logins) {
    out.sample(labels({ status, name: findLoginStatus(status)!.name }), count);
  }
}

function writeProcess(out: Exposition, source: MetricsSource, workers: readonly WorkerReading[]): void {
  const { loopDelay, workerCpu } = source;
  out.begin(METRICS.loopDelay);
  out.histogram('', loopDelay.micros, loopDelay.buckets);
  out.begin(METRICS.threadCpu);
  // The first thread of a process has its id.
  const main = ['main', threadCpu(process.pid)] as const;
  const named = workers.map(({ worker, counters }) => {
    return [`worker-${worker}`, workerCpu.of(worker, counters[Counter.threadId]!)] as const;
  });
  for (const [thread, time] of [main, ...named]) {
    if (time === null) continue;
    out.sample(labels({ thread, mode: 'user' }), time.user);
    out.sample(labels({ thread, mode: 'system' }), time.system);
  }
  const { user, system } = process.cpuUsage();
  out.begin(METRICS.processCpu);
  out.sample(labels({ mode: 'user' }), user / 1e6);
  out.sample(labels({ mode: 'system' }), system / 1e6);
  single(out, METRICS.residentMemory, residentMemory());
  single(out, METRICS.openDescriptors, openDescriptors());
}

function writeTargets(out: Exposition, readings: Readings): void {
  const targets = readings.targets();
  const each = (metric: Metric, value: (target: (typeof targets)[number]) => number): void => {
    out.begin(metric);
    for (const target of targets) out.sample(labels({ target: target.name }), value(target));
  };
  each(METRICS.targetOnline, ({ state }) => Number(state === 'online'));
  each(METRICS.targetSessions, ({ sessions }) => sessions);
  each(METRICS.targetConnections, ({ connections }) => connections);
}

function* writeUnits(out: Exposition, readings: Readings): Generator<string, void> {
  const units = readings.units();
  const labelled = units.map(
    ({ targetName, lun, figures }) => [labels({ target: targetName, lun: String(lun) }), figures] as const,
  );
  out.begin(METRICS.lunSize);
  for (const [index, { bytes }] of units.entries()) out.sample(labelled[index]![0], bytes);
  out.begin(METRICS.lunLostWrites);
  for (const [index, { lostWrites }] of units.entries()) out.sample(labelled[index]![0], Number(lostWrites));
  out.begin(METRICS.lunErrors);
  for (const [text, figures] of labelled) {
    for (const [error, figure] of ERRORS) out.sample(`${text},error="${error}"`, figures[figure]!);
  }
  yield out.take();
  yield* writeFigures(out, labelled, 1, {
    commands: METRICS.lunCommands,
    bytes: METRICS.lunBytes,
    inFlight: METRICS.lunInFlight,
    r2ts: METRICS.lunR2ts,
    latency: METRICS.lunLatency,
    stage: METRICS.lunStage,
  });
}

function* writeSessions(out: Exposition, readings: Readings): Generator<string, void> {
  const sessions = readings.sessions();
  const listed = sessions
    .slice(0, SESSIONS_LISTED_MAX)
    .map(
      ({ targetName, initiatorName, tsih, figures }) =>
        [labels({ target: targetName, initiator: initiatorName, session: String(tsih) }), figures] as const,
    );
  single(out, METRICS.sessionsUnlisted, sessions.length - listed.length);
  out.begin(METRICS.initiatorErrors);
  for (const [text, figures] of listed) out.sample(text, figures[Figure.errors]!);
  yield* writeFigures(out, listed, 2, {
    commands: METRICS.initiatorCommands,
    bytes: METRICS.initiatorBytes,
    inFlight: METRICS.initiatorInFlight,
    r2ts: METRICS.initiatorR2ts,
    latency: METRICS.initiatorLatency,
    stage: METRICS.initiatorStage,
  });
}

/** What units and initiators have in common; of the bounds of latencies every `step`th. */
function* writeFigures(out: Exposition, all: Labelled, step: number, metrics: FigureMetrics): Generator<string, void> {
  out.begin(metrics.commands);
  for (const [text, figures] of all) {
    for (const [operation, count] of OPERATIONS) out.sample(`${text},operation="${operation}"`, figures[count]!);
    out.sample(`${text},operation="other"`, figures[Figure.others]!);
  }
  out.begin(metrics.bytes);
  for (const [text, figures] of all) {
    for (const [operation, , bytes] of OPERATIONS) out.sample(`${text},operation="${operation}"`, figures[bytes]!);
  }
  out.begin(metrics.inFlight);
  for (const [text, figures] of all) out.sample(text, figures[Figure.inFlight]!);
  out.begin(metrics.r2ts);
  for (const [text, figures] of all) out.sample(text, figures[Figure.readyToTransfers]!);
  yield out.take();
  out.begin(metrics.latency);
  for (const [text, figures] of all) {
    writeLatencies(out, text, figures, step);
    yield out.take();
  }
  out.begin(metrics.stage);
  for (const [text, figures] of all) {
    writeStages(out, text, figures, step);
    yield out.take();
  }
}

function writeLatencies(out: Exposition, text: string, figures: Float64Array, step = 1): void {
  for (const [operation, , , micros, buckets] of OPERATIONS) {
    out.histogram(`${text},operation="${operation}"`, figures[micros]!, bucketsAt(figures, buckets), step);
  }
}

function writeStages(out: Exposition, text: string, figures: Float64Array, step = 1): void {
  for (const [stage, micros, buckets] of STAGES) {
    out.histogram(`${text},stage="${stage}"`, figures[micros]!, bucketsAt(figures, buckets), step);
  }
}

const bucketsAt = (block: Float64Array, first: number): Float64Array => block.subarray(first, first + LATENCY_BUCKETS);

/** The metrics that are a worker's counters as they are. */
const PLAIN = [
  [METRICS.workerSessions, Counter.sessions],
  [METRICS.workerConnections, Counter.connections],
  [METRICS.workerStalled, Counter.stalledConnections],
  [METRICS.workerThrottled, Counter.throttledConnections],
  [METRICS.workerPolling, Counter.polling],
  [METRICS.workerErrors, Counter.errors],
  [METRICS.workerAborted, Counter.tasksAborted],
  [METRICS.workerRejects, Counter.rejects],
  [METRICS.workerResent, Counter.resent],
  [METRICS.workerSlab, Counter.slabBytes],
  [METRICS.workerSlabUsed, Counter.slabBytesInUse],
  [METRICS.workerTurns, Counter.turns],
  [METRICS.workerReceives, Counter.receives],
  [METRICS.workerSends, Counter.sends],
] as const;

/** Those that have a label of their own, each value with its counter. */
const BY_LABEL = [
  [METRICS.workerCommands, 'operation', { read: Counter.reads, write: Counter.writes }],
  [METRICS.workerBytes, 'operation', { read: Counter.bytesRead, write: Counter.bytesWritten }],
  [METRICS.workerDigestErrors, 'digest', { header: Counter.headerDigestErrors, data: Counter.digestErrors }],
  [
    METRICS.workerSnacks,
    'type',
    {
      data: Counter.snacks + SnackType.DATA_OR_R2T,
      status: Counter.snacks + SnackType.STATUS,
      acknowledgement: Counter.snacks + SnackType.DATA_ACK,
      resegmentation: Counter.snacks + SnackType.R_DATA,
    },
  ],
] as const;

function writeWorkers(out: Exposition, workers: readonly WorkerReading[]): void {
  const each = (metric: Metric, write: (text: string, reading: WorkerReading) => void): void => {
    out.begin(metric);
    for (const reading of workers) write(labels({ worker: String(reading.worker) }), reading);
  };
  each(METRICS.workerUp, (text, { running }) => out.sample(text, Number(running)));
  each(METRICS.workerRestarts, (text, { restarts }) => out.sample(text, restarts));
  for (const [metric, counter] of PLAIN) each(metric, (text, { counters }) => out.sample(text, counters[counter]!));
  for (const [metric, label, values] of BY_LABEL) {
    each(metric, (text, { counters }) => {
      for (const [value, index] of Object.entries(values)) out.sample(`${text},${label}="${value}"`, counters[index]!);
    });
  }
  each(METRICS.workerTaskManagement, (text, { counters }) => {
    for (let number = 0; number < TASK_FUNCTIONS; number++) {
      const count = counters[Counter.taskManagement + number]!;
      const name = FUNCTIONS.get(number);
      // Those that do not exist only when somebody has asked for them.
      if (name !== undefined || count > 0) out.sample(`${text},function="${name ?? `number ${number}`}"`, count);
    }
  });
  each(METRICS.workerRing, (text, { channel }) => {
    out.sample(`${text},direction="to worker"`, channel.out);
    out.sample(`${text},direction="from worker"`, channel.in);
  });
  each(METRICS.workerSendWait, (text, { counters }) =>
    out.histogram(text, counters[Counter.sendWaitMicros]!, bucketsAt(counters, Counter.sendWaits)),
  );
}

function writeWorkerLatencies(out: Exposition, readings: Readings, workers: readonly WorkerReading[]): void {
  const byWorker = readings.unitTotals();
  const totals: Labelled = workers.map(({ worker }) => [labels({ worker: String(worker) }), byWorker[worker]!]);
  out.begin(METRICS.workerInFlight);
  for (const [text, figures] of totals) out.sample(text, figures[Figure.inFlight]!);
  out.begin(METRICS.workerLatency);
  for (const [text, figures] of totals) writeLatencies(out, text, figures);
  out.begin(METRICS.workerStage);
  for (const [text, figures] of totals) writeStages(out, text, figures);
}
