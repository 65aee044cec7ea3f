// SIGHUP: the configuration is read again. What can't be served is logged, and changes nothing. While the target starts, the signal waits;
// while it stops, nobody heeds it.
// What is done then is control/reload.ts's.

import type { Logger } from 'pino';
import { ConfigurationError, summarize } from '../config/finding.ts';

type Reload = () => Promise<unknown>;

/** Watches for the signal, from its making on. */
export class Hangup implements Disposable {
  readonly #log: Logger;
  /** Null: nothing is served yet. */
  #reload: Reload | null = null;
  /** A signal came before there was anything to reload. */
  #waiting = false;
  #over = false;

  constructor(log: Logger) {
    this.#log = log;
    process.on('SIGHUP', this.#onSignal);
  }

  /** From now on the signal has `reload` called, at once if it came before. */
  begin(reload: Reload): void {
    this.#reload = reload;
    if (this.#waiting) this.#onSignal();
  }

  /** From now on the signal has nothing done. */
  end(): void {
    this.#over = true;
  }

  readonly #onSignal = (): void => {
    if (this.#over) {
      this.#log.info('the configuration is not read again: the target is stopping');
      return;
    }
    if (this.#reload === null) {
      this.#waiting = true;
      this.#log.info('the configuration will be read again once the target is up');
      return;
    }
    this.#log.info('reading the configuration again');
    this.#reload().then(
      () => this.#log.info('the configuration is served as it is now'),
      (error: Error) => this.#refused(error),
    );
  };

  #refused(error: Error): void {
    if (!(error instanceof ConfigurationError)) {
      this.#log.error({ err: error }, `the configuration could not be reloaded: ${error.message}`);
      return;
    }
    for (const finding of error.findings.filter(({ severity }) => severity === 'error')) {
      this.#log.error(finding, `nothing was changed: ${summarize(finding)}`);
    }
  }

  [Symbol.dispose](): void {
    process.off('SIGHUP', this.#onSignal);
  }
}
