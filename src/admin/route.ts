// A route: method and path, what comes in and goes out as schemas, and the function that does it. The gate serves routes, the API's
// description lists them. What the functions do is in the files of their subjects.

import type { z } from 'zod';
import type { Wanted } from '../config/rewrite.ts';
import type { AdminContext } from './context.ts';
import type { AdminRequest, Answer } from './http.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** What a route's function is called with. */
export interface Call<Body = unknown> {
  readonly request: AdminRequest;
  /** Of the path, decoded. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** As the route's schema gives it. */
  readonly body: Body;
  /** As it came: for what is judged by more than the schema. */
  readonly raw: unknown;
}

/** An answer as it is described: of what shape, and when. */
export interface DescribedAnswer {
  readonly description: string;
  /** Content-Type and shape; left out: no body. */
  readonly type?: string;
  /** The type for those whose Accept prefers it. */
  readonly otherType?: string;
  readonly schema?: z.ZodType;
}

/** A route. */
export interface Route {
  readonly method: Method;
  /** `/api/v1/targets/{name}`: a parameter is a whole segment. */
  readonly path: string;
  readonly summary: string;
  /** Names and meanings of what may stand in the query. */
  readonly query?: Readonly<Record<string, string>>;
  /** Of those that are true or false, and false where they are left out. */
  readonly flags?: Readonly<Record<string, string>>;
  readonly body?: z.ZodType;
  /** By status; errors that any route may answer are left out. */
  readonly answers: Readonly<Record<number, DescribedAnswer>>;
  /** Whether it is served without the token: for what holds no information, as a page. */
  readonly open?: boolean;
  readonly handle: (call: Call, context: AdminContext) => Answer | Promise<Answer>;
  /** For `save=true`: what the file will have to say that is not served yet. Throws what `handle` would throw; changes nothing. */
  readonly intends?: (call: Call, context: AdminContext) => Partial<Wanted>;
}

/** A route whose function takes a body of its schema's type. */
export function withBody<Schema extends z.ZodType>(
  route: Omit<Route, 'handle' | 'intends' | 'body'> & {
    readonly body: Schema;
    readonly handle: (call: Call<z.output<Schema>>, context: AdminContext) => Answer | Promise<Answer>;
    readonly intends?: (call: Call<z.output<Schema>>, context: AdminContext) => Partial<Wanted>;
  },
): Route {
  return route as Route;
}

/** Whether a route changes something. */
export const changes = ({ method }: Pick<Route, 'method'>): boolean => method !== 'GET';
