// Speaks with the admin interface of a running target: requests out, JSON in, and every way in which that can fail said in words.
// What is asked for is each command's; where to ask is admin-address.ts's.

import { type RequestOptions, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { text as readText } from 'node:stream/consumers';
import { HALLMARK } from '../admin/http.ts';
import { LunaringError } from '../base/error.ts';
import { type Finding, formatFinding } from '../config/finding.ts';
import type { AdminAddress } from './admin-address.ts';
import { ExitCode } from './world.ts';

/** Data as it arrives: moments are texts by then. */
export type Received<Value> = Value extends Date
  ? string
  : Value extends object
    ? { readonly [Key in keyof Value]: Received<Value[Key]> }
    : Value;

/** The target could not be asked, or did not do what it was asked for. The message says what to do. */
export class AdminError extends LunaringError {
  /** Of the HTTP answer; 0: there was none. */
  readonly status: number;
  readonly findings: readonly Finding[];

  constructor(message: string, status = 0, findings: readonly Finding[] = []) {
    super('LUNARING_ADMIN', message);
    this.status = status;
    this.findings = findings;
  }

  /** 2 when the caller has to change what was asked for, 1 when the target could not do it. */
  get exitCode(): ExitCode {
    return [400, 415, 422].includes(this.status) ? ExitCode.usage : ExitCode.failed;
  }

  /** For people: each value that was found wrong, or else the message, which repeats the first of them. */
  format(): string {
    const lines = this.findings.length === 0 ? [`error: ${this.message}`] : this.findings.map(formatFinding);
    return `${lines.join('\n')}\n`;
  }
}

export interface Request {
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly query?: Readonly<Record<string, string | undefined>>;
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

const BASE = '/api/v1';
/** Sessions that end and units that go may take as long as their commands do; everything else is answered at once. */
const ANSWER_MS = 120_000;
/** What is quoted of an answer that nobody expected. */
const QUOTED_CHARACTERS_MAX = 120;

/** A path, its names percent-encoded: `` path`/targets/${name}` ``. */
export function path(texts: TemplateStringsArray, ...names: readonly (string | number)[]): string {
  return String.raw({ raw: texts }, ...names.map((name) => encodeURIComponent(name)));
}

interface Refusal {
  readonly message: string;
  readonly findings: readonly Finding[];
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** `{"error":{"code","message","findings"}}`; null for anything else. */
function readRefusal(text: string): Refusal | null {
  try {
    const { error } = JSON.parse(text) as { error?: unknown };
    if (!isRecord(error) || typeof error['message'] !== 'string') return null;
    const findings = Array.isArray(error['findings']) ? (error['findings'] as Partial<Finding>[]) : [];
    return {
      message: error['message'],
      findings: findings.map((finding) => ({
        severity: finding.severity ?? 'error',
        path: finding.path ?? 'the request',
        origin: finding.origin ?? 'default',
        received: finding.received ?? '',
        allowed: finding.allowed ?? '',
        remedy: finding.remedy ?? '',
      })),
    };
  } catch {
    return null;
  }
}

interface HttpAnswer {
  readonly status: number;
  readonly text: string;
  /** A target gave it. */
  readonly ours: boolean;
}

/** With several addresses behind a name there is one for each of them. */
interface SystemError extends NodeJS.ErrnoException {
  readonly errors?: readonly NodeJS.ErrnoException[];
}

/**
 * Sends a request, `body` as JSON, and answers what came; a redirect is not followed, as the token would go with it. Not by fetch, which
 * refuses ports as browsers do. Throws {@link SystemError}.
 */
function exchange(url: string, options: RequestOptions, body: unknown): Promise<HttpAnswer> {
  const request = url.startsWith('https:') ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const asking = request(url, options, (response) => {
      const ours = response.headers[HALLMARK.toLowerCase()] !== undefined;
      readText(response).then((text) => resolve({ status: response.statusCode!, text, ours }), reject);
    });
    asking.on('error', reject);
    asking.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** The admin interface of one target. */
export class AdminClient {
  readonly #address: AdminAddress;
  readonly #answerMs: number;

  constructor(address: AdminAddress, answerMs = ANSWER_MS) {
    this.#address = address;
    this.#answerMs = answerMs;
  }

  get url(): string {
    return this.#address.url;
  }

  /** All of these throw {@link AdminError}. */
  get<Answer>(where: string, query: Request['query'] = {}): Promise<Received<Answer>> {
    return this.#ask('GET', where, { query });
  }

  post<Answer>(where: string, request: Request = {}): Promise<Received<Answer>> {
    return this.#ask('POST', where, request);
  }

  put<Answer>(where: string, request: Request = {}): Promise<Received<Answer>> {
    return this.#ask('PUT', where, request);
  }

  patch<Answer>(where: string, request: Request = {}): Promise<Received<Answer>> {
    return this.#ask('PATCH', where, request);
  }

  async remove(where: string, request: Request = {}): Promise<void> {
    await this.#ask('DELETE', where, request);
  }

  /** Answers what came as JSON, or undefined when nothing did. */
  async #ask<Answer>(method: Method, where: string, { body, query = {} }: Request): Promise<Received<Answer>> {
    const { url, token } = this.#address;
    const given = Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== undefined);
    const parameters = given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
    const headers: Record<string, string> = { accept: 'application/json' };
    if (token !== null) headers['authorization'] = `Bearer ${token}`;
    if (body !== undefined) headers['content-type'] = 'application/json';
    const signal = AbortSignal.timeout(this.#answerMs);
    let answer: HttpAnswer;
    try {
      const options = { method, headers, signal, agent: false };
      answer = await exchange(`${url}${BASE}${where}${parameters}`, options, body);
    } catch (error) {
      throw this.#explainSilence(error as SystemError, signal.aborted);
    }
    const { status, text, ours } = answer;
    // Whatever it says: an empty object would be taken for the answer to a drain.
    if (!ours) throw this.#stranger(status, text);
    if (status < 200 || status > 299) throw this.#explainRefusal(status, text);
    if (text === '') return undefined as Received<Answer>;
    try {
      return JSON.parse(text) as Received<Answer>;
    } catch {
      throw this.#stranger(status, text);
    }
  }

  /** Why nobody answered. */
  #explainSilence(error: SystemError, late: boolean): AdminError {
    const { url } = this.#address;
    if (late) {
      const seconds = Math.round(this.#answerMs / 1000);
      return new AdminError(`no answer from ${url} within ${seconds} s; the target's log may say what it is doing`);
    }
    const code = error.errors?.[0]?.code ?? error.code ?? error.message;
    switch (code) {
      case 'ECONNREFUSED':
        return new AdminError(
          `no target listens at ${url}; is it running, and is its admin interface on and at this address? (--admin, LUNARING_ADMIN)`,
        );
      case 'ENOTFOUND':
      case 'EAI_AGAIN':
        return new AdminError(
          `no machine is known as ${new URL(url).hostname}; check the name in --admin or LUNARING_ADMIN`,
        );
      case 'ECONNRESET':
      case 'EPIPE':
        return new AdminError(`${url} hung up before it answered; the target may have ended, its log says why`);
      default:
        return new AdminError(`${url} can't be asked: ${code}; check --admin or LUNARING_ADMIN, and the way there`);
    }
  }

  /** Why the target did not do it. */
  #explainRefusal(status: number, text: string): AdminError {
    const refusal = readRefusal(text);
    if (status === 401) {
      const { url, tokenFile } = this.#address;
      const message =
        tokenFile === null
          ? `${url} wants a token; name its file with --token-file or LUNARING_ADMIN_TOKEN_FILE: the one of admin.tokenFile`
          : `${url} does not take the token in ${tokenFile}; it should be the file that admin.tokenFile names`;
      return new AdminError(message, status);
    }
    if (refusal === null) return this.#stranger(status, text);
    return new AdminError(refusal.message, status, refusal.findings);
  }

  #stranger(status: number, text: string): AdminError {
    const line = text.replace(/\s+/g, ' ').slice(0, QUOTED_CHARACTERS_MAX);
    const remedy = 'check --admin or LUNARING_ADMIN';
    const message = `what answers at ${this.#address.url} is no lunaring admin interface; ${remedy}: ${status} ${line}`;
    return new AdminError(message.trimEnd());
  }
}
