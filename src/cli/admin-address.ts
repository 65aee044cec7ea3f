// Where the admin interface of a target is, and with which token: from options, or from the variables that the target reads as well.
// Speaking with it is admin-client.ts's.

import { readFileSync } from 'node:fs';
import { isIPv4, isIPv6 } from 'node:net';
import { resolve } from 'node:path';
import { isToken } from '../admin/token.ts';
import { LunaringError } from '../base/error.ts';
import type { World } from './world.ts';

/** Options of every command that speaks with a running target. */
export interface AdminOptions {
  /** `address:port`, or a URL. */
  readonly admin?: string;
  readonly tokenFile?: string;
  readonly json?: boolean;
}

/** Where to ask, and what to show there. */
export interface AdminAddress {
  /** Without a slash at its end. */
  readonly url: string;
  readonly token: string | null;
  /** The token's file, for messages. */
  readonly tokenFile: string | null;
}

/** What was asked for can't be: wrong usage. */
export class UsageError extends LunaringError {
  constructor(message: string) {
    super('LUNARING_USAGE', message);
  }
}

const DEFAULT_PORT = 9260;
const DEFAULT_ADDRESS = `127.0.0.1:${DEFAULT_PORT}`;
const FORMS = 'address:port, an IPv6 address in brackets, or a URL such as http://192.0.2.7:9260';

/** A target that listens on all addresses is asked on the loopback. */
const LISTENS_ON_ALL: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '[::]': '[::1]' };

/** The URL of an address as it is written in options and variables; null for what is none. */
export function adminUrl(text: string): string | null {
  if (isIPv6(text)) return adminUrl(`[${text}]`);
  const written = /^https?:\/\//i.test(text);
  if (!written && /[/?#@\s]/.test(text)) return null;
  try {
    const url = new URL(written ? text : `http://${text}`);
    if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '' || url.hostname === '') {
      return null;
    }
    // URL reads 9260 as 0.0.36.44, and 10.1 as 10.0.0.1: whoever wrote that meant something else.
    if (isIPv4(url.hostname) && !text.includes(url.hostname)) return null;
    url.hostname = LISTENS_ON_ALL[url.hostname] ?? url.hostname;
    // 80 is what URL leaves out; an address alone means the port of the admin interface.
    if (!written && !/:\d+$/.test(text.replace(/^\[[^\]]*\]/, ''))) url.port = String(DEFAULT_PORT);
    return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
  } catch {
    return null;
  }
}

function locate(options: AdminOptions, { environment }: World): string {
  const [origin, text] =
    options.admin === undefined
      ? (['LUNARING_ADMIN', environment['LUNARING_ADMIN']?.trim() || DEFAULT_ADDRESS] as const)
      : (['--admin', options.admin] as const);
  if (/^(off|no|false|0)$/i.test(text)) {
    throw new UsageError(
      `${origin} is ${text}: there is no admin interface to ask; name one with --admin ${DEFAULT_ADDRESS}`,
    );
  }
  const url = adminUrl(text);
  if (url === null) throw new UsageError(`${origin}: '${text}' is no address; write ${FORMS}`);
  return url;
}

/** Finds out where to ask. Throws {@link UsageError}. */
export function findAdmin(options: AdminOptions, world: World): AdminAddress {
  const url = locate(options, world);
  const named = options.tokenFile ?? world.environment['LUNARING_ADMIN_TOKEN_FILE']?.trim();
  if (named === undefined || named === '') return { url, token: null, tokenFile: null };
  const tokenFile = resolve(world.workingDirectory, named);
  try {
    const token = readFileSync(tokenFile, 'utf8').trim();
    // Anything else is some other file.
    if (!isToken(token)) {
      throw new UsageError(
        `${tokenFile} holds no token; it should be the file that admin.tokenFile names: one line, no spaces`,
      );
    }
    return { url, token, tokenFile };
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new UsageError(
      `the token file ${tokenFile}: ${code}; name the one that admin.tokenFile names, and be allowed to read it`,
    );
  }
}
