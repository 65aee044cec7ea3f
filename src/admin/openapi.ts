// The API's description (OpenAPI 3.1), made from the routes themselves: schemas, parameters, answers.
// docs/openapi.json is this, and so is /openapi.json of a running target.

import { z } from 'zod';
import { jsonSchema } from '../config/fields.ts';
import { CONFLICT, described, errorReport, eventReport, sessionReport, targetReport, unitReport } from './answers.ts';
import { BASE } from './context.ts';
import { REFUSALS_PER_SECOND } from './events.ts';
import { type Answer, jsonAnswer } from './http.ts';
import { changes, type DescribedAnswer, type Route } from './route.ts';

const SAVE = 'The configuration file is to say it, too. Nothing is changed where it can’t be made to (409).';

const DESCRIPTION = `Administration of a running lunaring. Requests and answers are JSON; errors are {"error": {code, message, findings?}}.
Where admin.tokenFile is set, every request carries Authorization: Bearer; where it is not, only the loopback is listened on, and the Host
header must name it. Any request may be answered with 400 (malformed JSON), 401 (token), 403 (another origin), 413 (more than 1 MiB), 415 (not
JSON), 422 (save is neither true nor false) or 503 (stopping, or too much at once). Changes are made one after another, and hold when they are answered.`;

/** OpenAPI says once for all of them which JSON Schema they are of. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output'): object {
  const { $schema: _, ...rest } = jsonSchema(schema, io);
  return rest;
}

/** Shapes that many answers have: they are described once. */
const NAMED = new Map<z.ZodType, string>([
  [targetReport, 'Target'],
  [unitReport, 'Unit'],
  [sessionReport, 'Session'],
  [eventReport, 'Event'],
  [errorReport, 'Error'],
]);

/** OpenAPI has no word for a WebSocket: it is described as the request that opens it. By path. */
const SOCKETS: Readonly<Record<string, object>> = {
  [`${BASE}/events`]: {
    get: {
      summary: 'Opens a WebSocket, which tells of each second and of each refused login as it happens.',
      description: `Every message is a text, an Event in JSON (components/schemas/Event): one each second, and one for each refusal, at most ${REFUSALS_PER_SECOND}
of these a second; refusalCount in the one of each second counts them all, and GET ${BASE}/refusals has the latest. Nothing that a client sends is heeded. Who does not read loses messages, and in the end the connection. A browser, which can't send
Authorization with a WebSocket, offers two protocols: lunaring, and token. with the token in base64url behind it.`,
      responses: {
        101: { description: 'The connection is a WebSocket from now on.' },
        426: answerOf(described('The request asks for no WebSocket.', errorReport)),
      },
    },
  },
};

function shapeOf(schema: z.ZodType): object {
  if (schema instanceof z.ZodArray) return { type: 'array', items: shapeOf(schema.element as z.ZodType) };
  const name = NAMED.get(schema);
  return name === undefined ? schemaOf(schema, 'output') : { $ref: `#/components/schemas/${name}` };
}

function answerOf({ description, type, otherType, schema }: DescribedAnswer): object {
  if (type === undefined) return { description };
  const other = otherType === undefined ? {} : { [otherType]: {} };
  return { description, content: { [type]: schema === undefined ? {} : { schema: shapeOf(schema) }, ...other } };
}

function parametersOf(described: Readonly<Record<string, string>>, type: 'string' | 'boolean'): object[] {
  return Object.entries(described).map(([name, description]) => ({ name, in: 'query', description, schema: { type } }));
}

function operation(route: Route): object {
  const names = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!);
  const inPath = names.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } }));
  const flags = { ...route.flags, ...(changes(route) ? { save: SAVE } : {}) };
  const inQuery = [...parametersOf(route.query ?? {}, 'string'), ...parametersOf(flags, 'boolean')];
  const { summary, body } = route;
  const answers = changes(route) ? { 409: CONFLICT, ...route.answers } : route.answers;
  const content = body === undefined ? null : { 'application/json': { schema: schemaOf(body, 'input') } };
  return {
    summary,
    ...(route.open === true ? { security: [] } : {}),
    ...(inPath.length + inQuery.length === 0 ? {} : { parameters: [...inPath, ...inQuery] }),
    ...(content === null ? {} : { requestBody: { required: body?.safeParse(undefined).success === false, content } }),
    responses: Object.fromEntries(Object.entries(answers).map(([status, answer]) => [status, answerOf(answer)])),
  };
}

/** The description of these routes. */
export function describeApi(routes: readonly Route[], version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operation(route) };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'lunaring administration', version, description: DESCRIPTION, license: { name: 'Apache-2.0' } },
    servers: [{ url: 'http://127.0.0.1:9260' }],
    security: [{}, { token: [] }],
    paths: { ...paths, ...SOCKETS },
    components: {
      schemas: Object.fromEntries([...NAMED].map(([schema, name]) => [name, schemaOf(schema, 'output')])),
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
    },
  };
}

/** A route that answers with the description of `routes` and of itself. */
export function descriptionRoute(routes: readonly Route[]): Route {
  // Made once: it takes a while, and is always the same.
  let answer: Answer | null = null;
  const route: Route = {
    method: 'GET',
    path: '/openapi.json',
    summary: 'Describes this interface.',
    answers: { 200: { description: 'OpenAPI 3.1.', type: 'application/json' } },
    handle: (_, { version }) => {
      answer ??= jsonAnswer(200, describeApi([...routes, route], version));
      return answer;
    },
  };
  return route;
}
