// What the admin interface knows of HTTP: a request, an answer, and an error that is one.
// Sockets and parsing are uws.ts's; which request gets which answer is the routes'.

import { LunaringError } from '../base/error.ts';
import type { Finding } from '../config/finding.ts';

/** A request, but for its body. */
export interface AdminRequest {
  /** Upper case. */
  readonly method: string;
  /** As it came, percent-encoded, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Those that matter (uws.ts), by lower-case name. */
  readonly headers: ReadonlyMap<string, string>;
}

/** A header of every answer, by which the commands know a target from whoever else listens at its address. Proxies leave it as it is. */
export const HALLMARK = 'Lunaring-Admin';

/** An answer. */
export interface Answer {
  readonly status: number;
  /** Content-Type; empty where there is no body. */
  readonly type: string;
  readonly body: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A WebSocket that is open. */
export interface AdminSocket {
  /** Sends a text, or drops it when the peer does not read: false then. */
  send(text: string): boolean;
  /** Closes it, at once. */
  end(): void;
}

/** What is done with the WebSockets of a path. What they say is ignored. */
export interface SocketHandler {
  opened(socket: AdminSocket): void;
  closed(socket: AdminSocket): void;
}

/** Statuses that are answered, and how HTTP calls them. */
const REASONS: Readonly<Record<number, string>> = {
  200: 'OK',
  201: 'Created',
  204: 'No Content',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  426: 'Upgrade Required',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

/** `404 Not Found`. */
export function statusLine(status: number): string {
  return `${status} ${REASONS[status] ?? 'Status'}`;
}

/** What is wrong with a value: of a request, a finding without what only a file has. */
export type ApiFinding = Pick<Finding, 'path' | 'received' | 'allowed' | 'remedy'> & Partial<Finding>;

/** An answer that is an error. `code` is one word for programs, `message` is for people. */
export class ApiError extends LunaringError {
  readonly status: number;
  /** The word in the answer. */
  readonly word: string;
  readonly findings: readonly ApiFinding[];
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    word: string,
    message: string,
    more: { readonly findings?: readonly ApiFinding[]; readonly headers?: Readonly<Record<string, string>> } = {},
  ) {
    super('LUNARING_API', message);
    this.status = status;
    this.word = word;
    this.findings = more.findings ?? [];
    this.headers = more.headers ?? {};
  }
}

const JSON_TYPE = 'application/json; charset=utf-8';

/** An answer in JSON. */
export function jsonAnswer(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, type: JSON_TYPE, body: `${JSON.stringify(value)}\n`, headers };
}

/** The answer that an error is. */
export function errorAnswer(error: ApiError): Answer {
  const { status, word, message, findings, headers } = error;
  const said = { code: word, message, ...(findings.length === 0 ? {} : { findings }) };
  return jsonAnswer(status, { error: said }, headers);
}

/** Done, and nothing to say about it. */
export const DONE: Answer = { status: 204, type: '', body: '' };
