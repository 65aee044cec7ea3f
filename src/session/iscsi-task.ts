// A SCSI command with what iSCSI adds to it (RFC 7143 §4.2): its tags, its place in the connection, its data sequences.
// Fields, and the pool that they come from; the SCSI half is scsi/task.ts. All tasks of a worker are of this one class.

import type { Countdown } from '../base/countdown.ts';
import { Task } from '../scsi/task.ts';
import type { Connection } from './connection.ts';

/** A command of one connection. Pooled. */
export class IscsiTask extends Task {
  connection: Connection | null = null;
  initiatorTaskTag = 0;
  cmdSN = 0;
  immediate = false;
  /** Came before its turn in CmdSN order; runs when its session says so. */
  held = false;
  /** SCSI did not let it in: it only waits for its data to pass by, then ends. */
  refused = false;
  /** Data-In PDUs, or R2Ts, sent so far: the next DataSN or R2TSN; of Data-In, ExpDataSN of the response. */
  dataSN = 0;
  /** Bytes sent of the Data-In sequence under way: a sequence ends at MaxBurstLength. */
  burstSent = 0;
  /** Its status is written, into the last Data-In or a response of its own. */
  statusSent = false;
  /** DataSN that the next unsolicited Data-Out must carry. */
  unsolicitedDataSN = 0;
  /** Bytes of Data-Out seen so far, unsolicited ones that nobody wanted included. */
  dataOutReceived = 0;
  /** From ErrorRecoveryLevel 1 on: a Data-Out PDU of the sequence under way was lost, and what follows it is dropped until the sequence ends. */
  dataOutLost = false;
  /** Sequences that had to be asked for again. */
  recoveries = 0;
  /** Who waits for the end of this aborted task: it may be aborted again before it has ended. */
  abortWaits: Countdown[] | null = null;
  previousInConnection: IscsiTask | null = null;
  nextInConnection: IscsiTask | null = null;

  override reset(): void {
    super.reset();
    this.connection = null;
    this.initiatorTaskTag = 0;
    this.cmdSN = 0;
    this.immediate = false;
    this.held = false;
    this.refused = false;
    this.dataSN = 0;
    this.burstSent = 0;
    this.statusSent = false;
    this.unsolicitedDataSN = 0;
    this.dataOutReceived = 0;
    this.dataOutLost = false;
    this.recoveries = 0;
    this.abortWaits = null;
    this.previousInConnection = null;
    this.nextInConnection = null;
  }
}

/** The worker's tasks: a stack that grows to the load, within what the task budget promised. */
export class TaskPool {
  readonly #free: IscsiTask[] = [];

  constructor(count: number) {
    for (let index = 0; index < count; index++) this.#free.push(new IscsiTask());
  }

  /** A task as {@link IscsiTask.reset} leaves it. */
  take(): IscsiTask {
    return this.#free.pop() ?? new IscsiTask();
  }

  /** Allocates nothing. */
  give(task: IscsiTask): void {
    task.reset();
    this.#free.push(task);
  }
}
