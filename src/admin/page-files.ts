// The files of the live page, as they are: the browser needs nothing else, and may have nothing from elsewhere.
// What they show comes from watch-routes.ts and events.ts.

import { readFileSync } from 'node:fs';
import type { Answer } from './http.ts';
import type { Route } from './route.ts';

/**
 * Scripts and styles of our own alone, no one else's page around it, nowhere to send anything. The icon is a data URL, so that browsers
 * ask for none.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const HEADERS = { 'Content-Security-Policy': POLICY, 'Referrer-Policy': 'no-referrer' };

/** By path: the file in the folder page beside this one, and its type. */
const FILES: readonly (readonly [path: string, file: string, type: string])[] = [
  ['/', 'index.html', 'text/html'],
  ['/page/page.css', 'page.css', 'text/css'],
  ['/page/page.js', 'page.js', 'text/javascript'],
  ['/page/chart.js', 'chart.js', 'text/javascript'],
  ['/page/elements.js', 'elements.js', 'text/javascript'],
  ['/page/format.js', 'format.js', 'text/javascript'],
  ['/page/negotiated.js', 'negotiated.js', 'text/javascript'],
  ['/page/refusals.js', 'refusals.js', 'text/javascript'],
];

/** Read once: there may be no descriptor left for it when the page is asked for, which is when it is needed. */
function answerOf(file: string, type: string): Answer {
  const body = readFileSync(new URL(`page/${file}`, import.meta.url));
  return { status: 200, type: `${type}; charset=utf-8`, body, headers: HEADERS };
}

/** The routes of the page. It holds nothing to be kept secret, so it is served without a token; it asks for one. */
export const pageRoutes: readonly Route[] = FILES.map(([path, file, type]) => {
  const answer = answerOf(file, type);
  return {
    method: 'GET',
    path,
    summary: path === '/' ? 'The live page.' : 'A part of the live page.',
    open: true,
    answers: { 200: { description: 'The file.', type } },
    handle: () => answer,
  };
});
