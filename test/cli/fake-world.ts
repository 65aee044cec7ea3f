// A world for commands under test: keeps what they print, and serves a target that is none.

import { LunaringError } from '../../src/base/error.ts';
import type { World } from '../../src/cli/world.ts';
import type { RunningTarget } from '../../src/control/target.ts';

/** The surroundings of a command under test. */
export class FakeWorld implements World {
  readonly environment: Record<string, string>;
  readonly workingDirectory: string;
  input = '';
  printed = '';
  complained = '';

  constructor(environment: Record<string, string> = {}, workingDirectory = '/srv') {
    this.environment = environment;
    this.workingDirectory = workingDirectory;
  }

  readonly print = (text: string): void => {
    this.printed += text;
  };

  readonly complain = (text: string): void => {
    this.complained += text;
  };

  readonly readInput = async (): Promise<string> => this.input;

  startTarget: World['startTarget'] = async () => {
    throw new LunaringError('LUNARING_TEST', 'nothing is served here');
  };

  startAdmin: World['startAdmin'] = async () => null;
}

/** A running target that does nothing but stop. */
export class FakeTarget implements RunningTarget {
  readonly portals = [{ address: '127.0.0.1', port: 3260, tag: 1 }];
  readonly engine = 'uring';
  readonly engineReason = 'io_uring works';
  readonly workers = 2;
  readonly failed: Promise<Error>;
  stopped = 0;
  fail!: (error: Error) => void;

  constructor() {
    this.failed = new Promise((resolve) => {
      this.fail = resolve;
    });
  }

  get administration(): never {
    throw new LunaringError('LUNARING_TEST', 'nothing is administered here');
  }

  get events(): never {
    throw new LunaringError('LUNARING_TEST', 'nothing happens here');
  }

  get readings(): never {
    throw new LunaringError('LUNARING_TEST', 'nothing is counted here');
  }

  get listeners(): never {
    throw new LunaringError('LUNARING_TEST', 'nothing is listened on here');
  }

  get loginSettings(): never {
    throw new LunaringError('LUNARING_TEST', 'nobody logs in here');
  }

  async stop(): Promise<void> {
    this.stopped++;
  }
}
