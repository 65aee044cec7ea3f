// Every metric of the program in one table: its name, what it counts, how it is labelled. The exposition, the reference page and the
// tests all read it. Where the values come from is collect.ts's.

/** What monitoring may do with a metric. */
export type MetricType = 'counter' | 'gauge' | 'histogram';

/** A metric. Counters are told with `_total` behind the name. */
export interface Metric {
  readonly name: string;
  readonly type: MetricType;
  readonly labels: readonly string[];
  readonly help: string;
}

const counter = (name: string, labels: string[], help: string): Metric => ({ name, type: 'counter', labels, help });
const gauge = (name: string, labels: string[], help: string): Metric => ({ name, type: 'gauge', labels, help });
const histogram = (name: string, labels: string[], help: string): Metric => ({ name, type: 'histogram', labels, help });

const LUN = ['target', 'lun'];
const INITIATOR = ['target', 'initiator', 'session'];
const WORKER = ['worker'];

/** The table, in the order in which metrics are told. */
export const METRICS = {
  build: gauge('lunaring_build_info', ['version', 'engine'], 'Always 1. Which version runs, and on which engine.'),
  startTime: gauge('lunaring_start_time_seconds', [], 'When the target was started, as a Unix time.'),
  draining: gauge('lunaring_draining', [], '1 while every login is refused because the target drains, 0 otherwise.'),
  sessions: gauge('lunaring_sessions', [], 'Sessions, discovery sessions included.'),
  logins: counter(
    'lunaring_logins',
    ['status', 'name'],
    'Logins by the status code that they ended with; 0000 are those that succeeded.',
  ),

  loopDelay: histogram(
    'lunaring_main_loop_delay_seconds',
    [],
    'The longest delay of the main thread in each second: how long a login or an administrator may have waited for it.',
  ),
  threadCpu: counter(
    'lunaring_thread_cpu_seconds',
    ['thread', 'mode'],
    'CPU time of the main thread and of each worker.',
  ),
  processCpu: counter('lunaring_process_cpu_seconds', ['mode'], 'CPU time of the whole process.'),
  residentMemory: gauge('lunaring_process_resident_memory_bytes', [], 'Memory of the process that is in RAM.'),
  openDescriptors: gauge('lunaring_process_open_fds', [], 'Open file descriptors of the process.'),

  targetOnline: gauge('lunaring_target_online', ['target'], '1 when the target takes logins, 0 when it is offline.'),
  targetSessions: gauge('lunaring_target_sessions', ['target'], 'Sessions of the target.'),
  targetConnections: gauge('lunaring_target_connections', ['target'], 'Connections of the target.'),

  lunSize: gauge('lunaring_lun_size_bytes', LUN, 'The size of the unit.'),
  lunCommands: counter('lunaring_lun_commands', [...LUN, 'operation'], 'Commands that ended well.'),
  lunBytes: counter('lunaring_lun_bytes', [...LUN, 'operation'], 'Bytes that READs returned and WRITEs stored.'),
  lunErrors: counter(
    'lunaring_lun_errors',
    [...LUN, 'error'],
    'Commands that ended badly, by sense key or by the status that carries none.',
  ),
  lunLostWrites: gauge(
    'lunaring_lun_lost_writes',
    LUN,
    '1 when a sync of the storage has failed since it was opened: writes that were acknowledged may be lost. 0 otherwise.',
  ),
  lunInFlight: gauge('lunaring_lun_in_flight', LUN, 'Commands accepted and not yet answered.'),
  lunR2ts: counter('lunaring_lun_r2ts', LUN, 'R2Ts sent: bursts of WRITE data that had to be asked for.'),
  lunLatency: histogram(
    'lunaring_lun_latency_seconds',
    [...LUN, 'operation'],
    'From the arrival of a command to its status being queued.',
  ),
  lunStage: histogram(
    'lunaring_lun_stage_seconds',
    [...LUN, 'stage'],
    'Time in a stage. queue: a command waits to start. device: an operation of the storage. network: an initiator sends a burst it was asked for.',
  ),

  initiatorCommands: counter('lunaring_initiator_commands', [...INITIATOR, 'operation'], 'Commands that ended well.'),
  initiatorBytes: counter(
    'lunaring_initiator_bytes',
    [...INITIATOR, 'operation'],
    'Bytes that READs returned and WRITEs stored.',
  ),
  initiatorErrors: counter('lunaring_initiator_errors', INITIATOR, 'Commands that ended badly.'),
  initiatorInFlight: gauge('lunaring_initiator_in_flight', INITIATOR, 'Commands accepted and not yet answered.'),
  initiatorR2ts: counter('lunaring_initiator_r2ts', INITIATOR, 'R2Ts sent.'),
  initiatorLatency: histogram(
    'lunaring_initiator_latency_seconds',
    [...INITIATOR, 'operation'],
    'From the arrival of a command to its status being queued.',
  ),
  initiatorStage: histogram(
    'lunaring_initiator_stage_seconds',
    [...INITIATOR, 'stage'],
    'Time in a stage: see lunaring_lun_stage_seconds.',
  ),
  sessionsUnlisted: gauge(
    'lunaring_sessions_unlisted',
    [],
    'Sessions that are served, and told of under their LUNs, but not one by one: there are too many.',
  ),

  workerUp: gauge('lunaring_worker_up', WORKER, '1 while the worker serves.'),
  workerRestarts: counter('lunaring_worker_restarts', WORKER, 'How often the worker failed and was started again.'),
  workerSessions: gauge('lunaring_worker_sessions', WORKER, 'Sessions of the worker.'),
  workerConnections: gauge('lunaring_worker_connections', WORKER, 'Connections of the worker.'),
  workerStalled: gauge(
    'lunaring_worker_stalled_connections',
    WORKER,
    'Connections that are not read because there is no memory for what they send; as of the last second.',
  ),
  workerThrottled: gauge(
    'lunaring_worker_throttled_connections',
    WORKER,
    'Connections that are not read because their initiators do not take the answers; as of the last second.',
  ),
  workerPolling: gauge(
    'lunaring_worker_polling',
    WORKER,
    '1 while the worker looks for what comes next before it sleeps (LUNARING_BUSY_POLL_US).',
  ),
  workerCommands: counter('lunaring_worker_commands', [...WORKER, 'operation'], 'READs and WRITEs that ended well.'),
  workerBytes: counter(
    'lunaring_worker_bytes',
    [...WORKER, 'operation'],
    'Bytes that READs returned and WRITEs stored.',
  ),
  workerErrors: counter('lunaring_worker_errors', WORKER, 'Commands that ended badly.'),
  workerInFlight: gauge('lunaring_worker_in_flight', WORKER, 'Commands accepted and not yet answered.'),
  workerLatency: histogram(
    'lunaring_worker_latency_seconds',
    [...WORKER, 'operation'],
    'From the arrival of a command to its status being queued, over all units.',
  ),
  workerStage: histogram(
    'lunaring_worker_stage_seconds',
    [...WORKER, 'stage'],
    'Time in a stage, over all units: see lunaring_lun_stage_seconds.',
  ),
  workerAborted: counter('lunaring_worker_tasks_aborted', WORKER, 'Tasks that were aborted.'),
  workerTaskManagement: counter(
    'lunaring_worker_task_management',
    [...WORKER, 'function'],
    'Task management functions that initiators asked for.',
  ),
  workerDigestErrors: counter(
    'lunaring_worker_digest_errors',
    [...WORKER, 'digest'],
    'PDUs whose digest was wrong. A wrong header digest ends the connection.',
  ),
  workerRejects: counter('lunaring_worker_rejects', WORKER, 'Reject PDUs sent: what initiators got wrong.'),
  workerSnacks: counter(
    'lunaring_worker_snacks',
    [...WORKER, 'type'],
    'SNACK Requests, at ErrorRecoveryLevel 1 and 2: initiators that lack something, or acknowledge data.',
  ),
  workerResent: counter(
    'lunaring_worker_resent',
    WORKER,
    'PDUs that were sent again, for a SNACK or over another connection.',
  ),
  workerSlab: gauge('lunaring_worker_slab_bytes', WORKER, 'I/O memory of the worker.'),
  workerSlabUsed: gauge(
    'lunaring_worker_slab_used_bytes',
    WORKER,
    'I/O memory that is handed out; as of the last second.',
  ),
  workerRing: gauge(
    'lunaring_worker_ring_bytes',
    [...WORKER, 'direction'],
    'Bytes of messages between main and the worker that nobody has read yet.',
  ),
  workerTurns: counter('lunaring_worker_turns', WORKER, 'Turns of the engine: each looks at all that has arrived.'),
  workerReceives: counter('lunaring_worker_receives', WORKER, 'Chunks received from sockets.'),
  workerSends: counter('lunaring_worker_sends', WORKER, 'Gathered sends.'),
  workerSendWait: histogram(
    'lunaring_worker_send_wait_seconds',
    WORKER,
    'How long sends took that the socket had no room for at once.',
  ),
} as const satisfies Readonly<Record<string, Metric>>;

/** The name that a metric's samples go by: what a query asks for. */
export function sampleNames({ name, type }: Metric): string[] {
  if (type === 'counter') return [`${name}_total`];
  return type === 'gauge' ? [name] : [`${name}_bucket`, `${name}_sum`, `${name}_count`];
}
