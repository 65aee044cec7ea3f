// SIGHUP: the configuration is read again. What can't be served is logged, and changes nothing.
// What is done then is control/reload.ts's.

import type { Logger } from 'pino';
import { ConfigurationError } from '../config/finding.ts';

/** Watches for the signal. */
export class Hangup implements Disposable {
  readonly #reload: () => Promise<unknown>;
  readonly #log: Logger;

  constructor(reload: () => Promise<unknown>, log: Logger) {
    this.#reload = reload;
    this.#log = log;
    process.on('SIGHUP', this.#onSignal);
  }

  readonly #onSignal = (): void => {
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
      this.#log.error(finding, `nothing was changed: ${finding.path}: ${finding.received}; ${finding.remedy}`);
    }
  }

  [Symbol.dispose](): void {
    process.off('SIGHUP', this.#onSignal);
  }
}
