// Calls the admin interface of a target, and gives back what it answers.
// What it should answer is for the tests to say.

/** An answer. */
export interface Called {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: what it is, the tests say.
  readonly value: any;
}

/** Calls `path` below /api/v1, or from the top where it says so itself. */
export async function callAdmin(
  url: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Called> {
  const whole = path.startsWith('/') ? `${url}${path}` : `${url}/api/v1/${path}`;
  const type: Record<string, string> = body === undefined ? {} : { 'Content-Type': 'application/json' };
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  const answer = await fetch(whole, {
    method,
    // A connection of its own: one that is kept may be closed by the target, as idle, at the moment that it is used again.
    headers: { Connection: 'close', ...type, ...headers },
    ...(text === undefined ? {} : { body: text }),
  });
  const said = await answer.text();
  const isJson = answer.headers.get('content-type')?.startsWith('application/json') === true;
  return { status: answer.status, headers: answer.headers, value: isJson ? JSON.parse(said) : said };
}
