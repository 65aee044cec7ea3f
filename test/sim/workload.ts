// What simulated initiators do while a round is busy: commands of all kinds at any time, and now and then something unkind.
// What the commands mean is commands.ts's and orders.ts's; trouble from outside is simulation.ts's.

import type { BlockModel, Change } from './block-model.ts';
import { BlockCommands, replacement } from './commands.ts';
import type { CopyCommands } from './copies.ts';
import type { Fault } from './faults.ts';
import type { Initiator } from './initiator.ts';
import type { OddCommands } from './odd-commands.ts';
import { Orders, openConnection } from './orders.ts';
import type { Random } from './random.ts';
import type { SimUnit } from './unit.ts';

/** How likely an initiator is to do each. */
type Action =
  | 'read'
  | 'write'
  | 'writeSame'
  | 'unmap'
  | 'verify'
  | 'compareAndWrite'
  | 'copy'
  | 'odd'
  | 'synchronize'
  | 'testUnitReady'
  | 'readCapacity'
  | 'ping'
  | 'order'
  | 'reset'
  | 'clearTasks'
  | 'abort'
  | 'drop'
  | 'reinstate'
  | 'join'
  | 'logOut'
  | 'deafen';

/** What initiators do beside what all do, each with a chance of its own. */
export interface WorkloadOptions {
  readonly on: (fault: Fault) => boolean;
  readonly rivalry: Random | null;
  /** Of connections that crawl; null: none does. */
  readonly crawling: Random | null;
  readonly copies: CopyCommands;
  readonly odd: OddCommands;
}

/** See the file's head. */
export class Workload {
  readonly orders: Orders;
  readonly #random: Random;
  readonly #crawling: Random | null;
  readonly #commands: BlockCommands;
  readonly #copies: CopyCommands;
  readonly #odd: OddCommands;
  readonly #weights: Record<Action, number>;

  constructor(
    random: Random,
    all: () => readonly Initiator[],
    { on, rivalry, crawling, copies, odd }: WorkloadOptions,
  ) {
    this.#random = random;
    this.#crawling = crawling;
    this.orders = new Orders(random, all, rivalry);
    this.#commands = new BlockCommands(random);
    this.#copies = copies;
    this.#odd = odd;
    const tasks = on('task management') ? 1 : 0;
    this.#weights = {
      read: 30,
      write: 30,
      writeSame: 4,
      unmap: 4,
      verify: 6,
      compareAndWrite: 10,
      copy: on('copies') ? 8 : 0,
      odd: on('odd lengths') ? 8 : 0,
      synchronize: 6,
      testUnitReady: 2,
      readCapacity: on('capacities') ? 2 : 0,
      ping: 2,
      order: on('reservations') ? 6 : 0,
      reset: 0.4 * tasks,
      clearTasks: 0.8 * tasks,
      abort: 3 * tasks,
      drop: on('connection resets') ? 0.2 : 0,
      reinstate: on('reinstatement') ? 0.3 : 0,
      join: on('multiple connections') ? 1 : 0,
      logOut: 0.3,
      deafen: on('deaf initiators') ? 0.5 : 0,
    };
  }

  /** Perhaps next to nothing gets through over a connection of one of these, for up to a minute. */
  crawl(initiators: readonly Initiator[]): void {
    const random = this.#crawling;
    if (random === null || !random.chance(0.3)) return;
    const connection = openConnection(random.pick(initiators), random);
    connection?.link.crawl(random.pick([0.05, 0.5, 2]), random.pick([300, 5000, 60_000]));
  }

  /** The initiator does something, if it can. */
  act(initiator: Initiator, units: readonly SimUnit[]): void {
    const random = this.#random;
    const unit = random.pick(units);
    const action = random.weighted(this.#weights);
    if (!initiator.up) return;
    switch (action) {
      case 'order':
        this.orders.order(initiator, unit);
        return;
      case 'reset':
        this.orders.reset(initiator, unit);
        return;
      case 'clearTasks':
        this.orders.clearTasks(initiator, unit);
        return;
      case 'reinstate':
        initiator.logIn();
        return;
      case 'join':
        initiator.join();
        return;
      case 'abort':
      case 'drop':
      case 'deafen':
      case 'logOut':
        this.#toConnection(initiator, action);
        return;
      default:
        if (initiator.canSend) this.#command(initiator, unit, units, action);
    }
  }

  #toConnection(initiator: Initiator, action: 'abort' | 'drop' | 'deafen' | 'logOut'): void {
    const connection = openConnection(initiator, this.#random);
    if (connection === null) return;
    if (action === 'drop') connection.drop();
    else if (action === 'deafen') connection.turnDeaf(this.#random.between(50, 2000));
    else if (action === 'logOut') initiator.logOut(connection);
    else if (connection.tasks.size !== 0)
      initiator.abort(connection, this.#random.pick([...connection.tasks.values()]));
  }

  #command(initiator: Initiator, unit: SimUnit, units: readonly SimUnit[], action: Action): void {
    const who = initiator.initiatorName;
    const commands = this.#commands;
    switch (action) {
      case 'read':
        initiator.send(commands.read(unit, who));
        return;
      case 'write':
        initiator.send(commands.write(unit));
        return;
      case 'writeSame':
        initiator.send(commands.writeSame(unit));
        return;
      case 'unmap':
        initiator.send(commands.unmap(unit));
        return;
      case 'verify':
        initiator.send(commands.verify(unit, who));
        return;
      case 'compareAndWrite':
        initiator.send(commands.compareAndWrite(unit, who));
        return;
      case 'copy':
        if (this.#copies.mayBegin) initiator.send(this.#copies.copy(unit, units, copied));
        return;
      case 'odd':
        initiator.send(this.#odd.command(unit, who));
        return;
      case 'synchronize':
        initiator.send(commands.synchronize(unit));
        return;
      case 'readCapacity':
        initiator.send(commands.readCapacity(unit, who));
        return;
      case 'ping':
        openConnection(initiator, this.#random)?.ping();
        return;
      default:
        initiator.send(commands.testUnitReady(unit));
    }
  }

  /** Asks whether a unit is ready: whoever has to be told something of it hears that first. `ended` hears the answer's end. */
  ask(initiator: Initiator, unit: SimUnit, ended: () => void): void {
    initiator.send({ ...this.#commands.testUnitReady(unit), answered: ended, over: ended });
  }

  /** Reads all of a unit; `seen` hears whether that worked. */
  readAll(initiator: Initiator, unit: SimUnit, seen: (worked: boolean) => void): void {
    const command = this.#commands.read(unit, `${initiator.initiatorName}, at rest,`, true);
    initiator.send({
      ...command,
      answered: (answer) => {
        command.answered(answer);
        seen(answer.status === 0);
      },
      over: () => seen(false),
    });
  }
}

/** A copy has ended: what it brought may be replaced again. */
function copied({ replaced }: BlockModel, { lba, count, values }: Change): void {
  for (let index = 0; index < count; index++)
    for (const value of values(index)) replaced.delete(replacement(value, lba + index));
}
