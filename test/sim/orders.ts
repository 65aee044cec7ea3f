// Reservations and task management as simulated initiators use them: mostly one order at a time for each unit, so that the outcome is known.
// What holds afterwards is reservation-model.ts's.

import { TaskFunction, TaskFunctionResponse } from '../../src/pdu/task-management.ts';
import { OperationCode } from '../../src/scsi/cdb.ts';
import { Attention, NEWS_OF_RESERVATIONS, newsOf } from './attention-model.ts';
import { Violation } from './clock.ts';
import type { Connection } from './connection.ts';
import type { Initiator } from './initiator.ts';
import type { Random } from './random.ts';
import { Action, type Order, TYPES } from './reservation-model.ts';
import { type Answer, type Command, Status } from './task.ts';
import type { SimUnit } from './unit.ts';

const UNIT_ATTENTION = 6;
const NAMES = Object.fromEntries(Object.entries(Action).map(([name, action]) => [action, name]));

/** What initiators do to each other. */
export class Orders {
  readonly #random: Random;
  readonly #all: () => readonly Initiator[];
  /** What decides about orders that come while another is under way; null: none does. */
  readonly #rivalry: Random | null;

  constructor(random: Random, all: () => readonly Initiator[], rivalry: Random | null) {
    this.#random = random;
    this.#all = all;
    this.#rivalry = rivalry;
  }

  #excuse(unit: SimUnit, except: Initiator | null = null): void {
    for (const initiator of this.#all()) {
      if (initiator === except) continue;
      for (const task of initiator.tasks) if (task.command.lun === unit.lun) task.excused = true;
    }
  }

  /** All initiators, or all but one, may hear of something that begins to happen to a unit. */
  tell(unit: SimUnit, attention: Attention, except: Initiator | null = null): void {
    const initiators = this.#all().filter((each) => each !== except);
    unit.attentions.happens(
      attention,
      initiators.map(({ initiatorName }) => initiatorName),
    );
  }

  /**
   * Has what this returns be called when something has happened to a unit on all workers: all sessions that there are now and then have to be
   * told, but for those that were told of it meanwhile, or may have been.
   */
  owe(unit: SimUnit, attention: Attention): (now: number) => void {
    const { backAt, attentions } = unit;
    const before = this.#all()
      .filter(({ up }) => up)
      .map((initiator) => ({
        initiator,
        tsih: initiator.tsih,
        told: attentions.timesTold(initiator.initiatorName, attention),
      }));
    return (now) => {
      if (!unit.present || unit.backAt !== backAt) return;
      const lasting = before.filter(
        ({ initiator, tsih, told }) =>
          initiator.up && initiator.tsih === tsih && attentions.timesTold(initiator.initiatorName, attention) === told,
      );
      attentions.isDue(
        attention,
        lasting.map(({ initiator }) => initiator),
        now,
      );
    };
  }

  /** Nobody has anything under way that may have to do with the unit. */
  isLeftAlone({ lun, copies }: SimUnit): boolean {
    return copies === 0 && this.#all().every((initiator) => initiator.leavesAlone(lun));
  }

  /** From now on a unit's tasks may end without an answer, whoever sends them, until what this returns is called. */
  disturb(unit: SimUnit, except: Initiator | null = null): () => void {
    unit.disturbances++;
    this.#excuse(unit, except);
    return () => {
      unit.disturbances--;
    };
  }

  // Reservations

  /** An order that the initiator may make now: one that helps to find out what holds, when that is not known. */
  order(initiator: Initiator, unit: SimUnit): boolean {
    const { reservations } = unit;
    if (!initiator.canSend) return false;
    if (reservations.busy) return this.#rival(initiator, unit);
    if (!reservations.known) return this.#clear(initiator, unit);
    return initiator.send(this.#command(initiator, unit, this.#choose(initiator, unit)));
  }

  /** Hosts of a cluster that have lost sight of each other: each fences the others, or registers anew, while another is at it. */
  #rival(initiator: Initiator, unit: SimUnit): boolean {
    const random = this.#rivalry;
    if (random === null || unit.clearing !== 0 || !random.chance(0.5)) return false;
    const { keys, type } = unit.reservations;
    const own = keys.get(initiator.initiatorName) ?? 0;
    const others = [...keys].filter(([name]) => name !== initiator.initiatorName).map(([, key]) => key);
    const fences = own !== 0 && others.length !== 0 && random.chance(0.7);
    const register = random.chance(0.5) ? Action.REGISTER : Action.REGISTER_IGNORE;
    const order: Order = {
      kind: 'persistent',
      action: fences ? Action.PREEMPT_AND_ABORT : register,
      key: own,
      newKey: fences ? random.pick(others) : random.between(1, 6),
      type: type === 0 ? random.pick(TYPES) : type,
      aptpl: false,
    };
    return initiator.send(this.#command(initiator, unit, order));
  }

  /** Undoes everything, in three steps: a reset ends RESERVE(6), then whoever is registered may clear the rest. */
  #clear(initiator: Initiator, unit: SimUnit): boolean {
    if (unit.clearing === 0) return this.reset(initiator, unit);
    const key = unit.lun + 1;
    const base = { kind: 'persistent', type: 0, aptpl: false } as const;
    const register: Order = { ...base, action: Action.REGISTER_IGNORE, key: 0, newKey: key };
    const clear: Order = { ...base, action: Action.CLEAR, key, newKey: 0 };
    const command = this.#command(initiator, unit, unit.clearing === 1 ? register : clear);
    const answered = (answer: Answer): void => {
      command.answered(answer);
      if (answer.status !== Status.GOOD) unit.clearing = answer.status === Status.CHECK_CONDITION ? unit.clearing : 0;
      else if (++unit.clearing === 3) this.#cleared(unit);
    };
    const over = (): void => {
      command.over();
      unit.clearing = 0;
    };
    // Each step is for the same initiator: the other two know nothing of its registration.
    if (unit.clearing === 2 && this.#clearer !== initiator) unit.clearing = 1;
    this.#clearer = initiator;
    return initiator.send({ ...command, answered, over });
  }

  #clearer: Initiator | null = null;

  #cleared(unit: SimUnit): void {
    const { reservations } = unit;
    reservations.clear();
    reservations.reservedBy = null;
    reservations.aptpl = false;
    reservations.known = true;
    unit.clearing = 0;
  }

  #choose(initiator: Initiator, unit: SimUnit): Order {
    const random = this.#random;
    const { reservations } = unit;
    const kind = random.weighted({ persistent: 10, reserve: 2, release: 2 });
    if (kind !== 'persistent') return { kind };
    const own = reservations.keys.get(initiator.initiatorName) ?? 0;
    const actions =
      own === 0 ? [Action.REGISTER, Action.REGISTER_IGNORE, Action.REGISTER, Action.RESERVE] : Object.values(Action);
    const action = random.pick(actions);
    const registers = action === Action.REGISTER || action === Action.REGISTER_IGNORE;
    const others = [...reservations.keys.values()];
    const victim = others.length === 0 || random.chance(0.2) ? 0 : random.pick(others);
    return {
      kind,
      action,
      key: random.chance(0.05) ? 99 : own,
      newKey: registers ? (random.chance(0.2) ? 0 : random.between(1, 6)) : victim,
      type:
        action === Action.RELEASE && random.chance(0.8) && reservations.type !== 0
          ? reservations.type
          : random.pick(TYPES),
      aptpl: registers && random.chance(0.6),
    };
  }

  #command(initiator: Initiator, unit: SimUnit, order: Order): Command {
    const { reservations } = unit;
    this.#tellOf(order, initiator, unit);
    const begun = reservations.begin();
    const aborts = order.kind === 'persistent' && order.action === Action.PREEMPT_AND_ABORT;
    const calm = aborts ? this.disturb(unit, initiator) : () => {};
    const end = (): boolean => {
      calm();
      return reservations.end(begun);
    };
    return {
      ...encode(order),
      lun: unit.lun,
      read: 0,
      access: 'order',
      answered: (answer) => {
        if (end()) this.#judge(initiator, unit, order, answer);
      },
      over: () => {
        if (end()) reservations.forget();
      },
    };
  }

  /** Those that are registered may hear of an order, and everybody when who is registered is not known. */
  #tellOf(order: Order, initiator: Initiator, unit: SimUnit): void {
    const { reservations, attentions } = unit;
    if (reservations.busy) {
      for (const attention of NEWS_OF_RESERVATIONS) this.tell(unit, attention);
      return;
    }
    const concerned = this.#all().filter(
      (each) => each !== initiator && (!reservations.known || reservations.keys.has(each.initiatorName)),
    );
    const names = concerned.map(({ initiatorName }) => initiatorName);
    for (const attention of newsOf(order)) attentions.happens(attention, names);
  }

  /** Compares an answer with what the model says; one that means that nothing was tried is fine. */
  #judge(initiator: Initiator, { reservations }: SimUnit, order: Order, { status, senseKey }: Answer): void {
    const untried = status === Status.BUSY || status === Status.TASK_SET_FULL || senseKey === UNIT_ATTENTION;
    reservations.heed(initiator.world.isServed);
    if (untried || !reservations.known) return;
    const expected = reservations.apply(initiator.initiatorName, initiator.tsih, order);
    const wanted = expected === null ? Status.CHECK_CONDITION : expected ? Status.GOOD : Status.RESERVATION_CONFLICT;
    if (status === wanted) return;
    // Of a unit that was just taken away nothing else can be heard.
    if (status === Status.CHECK_CONDITION) {
      reservations.forget();
      return;
    }
    const who = `${initiator.initiatorName} ${encode(order).name}`;
    throw new Violation('reservation orders do what they say', `${who}: status ${status} instead of ${wanted}`);
  }

  // Task management

  /** LOGICAL UNIT RESET. */
  reset(initiator: Initiator, unit: SimUnit): boolean {
    const { reservations } = unit;
    const connection = openConnection(initiator, this.#random);
    if (reservations.busy || connection === null) return false;
    const begun = reservations.begin();
    this.#manage(initiator, connection, unit, 'LOGICAL UNIT RESET', TaskFunction.LOGICAL_UNIT_RESET, (response) => {
      if (!reservations.end(begun)) return;
      if (response === TaskFunctionResponse.FUNCTION_COMPLETE && !reservations.busy) {
        reservations.reservedBy = null;
        if (!reservations.known && unit.clearing === 0) unit.clearing = 1;
      } else reservations.forget();
    });
    return true;
  }

  /** ABORT TASK SET or CLEAR TASK SET. */
  clearTasks(initiator: Initiator, unit: SimUnit): boolean {
    const connection = openConnection(initiator, this.#random);
    if (connection === null) return false;
    const own = this.#random.chance(0.5);
    const name = own ? 'ABORT TASK SET' : 'CLEAR TASK SET';
    const taskFunction = own ? TaskFunction.ABORT_TASK_SET : TaskFunction.CLEAR_TASK_SET;
    this.#manage(initiator, connection, unit, name, taskFunction, () => {});
    return true;
  }

  /** Whose tasks a CLEAR TASK SET may end hears of it: who has some now, and who sends some before it has ended. */
  #clearOthers(initiator: Initiator, unit: SimUnit): void {
    unit.clears++;
    for (const other of this.#all()) {
      const hasTasks = other.tasks.some(({ command }) => command.lun === unit.lun);
      if (other !== initiator && hasTasks) unit.attentions.happens(Attention.COMMANDS_CLEARED, [other.initiatorName]);
    }
  }

  /** Sends a function that ends tasks. Of the sender's those that went before it are over when it is answered. */
  #manage(
    initiator: Initiator,
    connection: Connection,
    unit: SimUnit,
    name: string,
    taskFunction: number,
    ended: (response: number | null) => void,
  ): void {
    const others = taskFunction !== TaskFunction.ABORT_TASK_SET;
    const calm = others ? this.disturb(unit, initiator) : () => {};
    const clears = taskFunction === TaskFunction.CLEAR_TASK_SET;
    if (clears) this.#clearOthers(initiator, unit);
    const resets = taskFunction === TaskFunction.LOGICAL_UNIT_RESET;
    const owe = resets ? this.owe(unit, Attention.RESET) : () => {};
    if (resets) this.tell(unit, Attention.RESET);
    const before = initiator.tasks.filter(({ command }) => command.lun === unit.lun);
    for (const task of before) task.excused = true;
    const then = (response: number): void => {
      const done = response === TaskFunctionResponse.FUNCTION_COMPLETE;
      const absent = response === TaskFunctionResponse.LUN_DOES_NOT_EXIST;
      if (clears) unit.clears--;
      if (!done && !absent) throw new Violation('task management does what it says', `${name}: response ${response}`);
      calm();
      if (done) {
        owe(initiator.world.clock.now);
        for (const each of initiator.holders) {
          for (const task of before) {
            // Its answer may be on its way over another connection.
            if (each !== connection && each.tasks.has(task.tag)) each.gone.add(task.tag);
            initiator.forget(each, task);
          }
        }
      }
      ended(response);
    };
    const over = (): void => {
      if (clears) unit.clears--;
      calm();
      ended(null);
    };
    connection.manage({ name, then, over }, taskFunction, unit.lun, null);
  }
}

/** One of the initiator's connections that takes requests; null: there is none. */
export function openConnection(initiator: Initiator, random: Random): Connection | null {
  const open = initiator.connections.filter((each) => each.open && !each.loggingOut);
  return open.length === 0 ? null : random.pick(open);
}

/** Name, CDB and parameter list. */
function encode(order: Order): Pick<Command, 'name' | 'cdb' | 'data'> {
  if (order.kind !== 'persistent') {
    const reserves = order.kind === 'reserve';
    const cdb = Buffer.alloc(6);
    cdb[0] = reserves ? OperationCode.RESERVE_6 : OperationCode.RELEASE_6;
    return { name: reserves ? 'RESERVE(6)' : 'RELEASE(6)', cdb, data: null };
  }
  const { action, key, newKey, type, aptpl } = order;
  const list = Buffer.alloc(24);
  list.writeUInt32BE(key, 4);
  list.writeUInt32BE(newKey, 12);
  list[20] = aptpl ? 1 : 0;
  const cdb = Buffer.from([OperationCode.PERSISTENT_RESERVE_OUT, action, type, 0, 0, 0, 0, 0, list.length, 0]);
  return {
    name: `PERSISTENT RESERVE OUT ${NAMES[action]} ${key} ${newKey} type ${type}${aptpl ? ' APTPL' : ''}`,
    cdb,
    data: list,
  };
}
