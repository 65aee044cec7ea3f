import { describe, expect, test } from 'vitest';
import { DONE } from '../../src/admin/http.ts';
import type { Method, Route } from '../../src/admin/route.ts';
import { Router } from '../../src/admin/router.ts';

const route = (method: Method, path: string): Route => ({ method, path, summary: '', answers: {}, handle: () => DONE });
const list = route('GET', '/targets');
const add = route('POST', '/targets');
const show = route('GET', '/targets/{name}');
const unit = route('DELETE', '/targets/{name}/luns/{lun}');
const page = route('GET', '/');
const router = new Router([list, add, show, unit, page]);

describe('the router', () => {
  test.each([
    ['GET', '/', page, {}],
    ['GET', '/targets', list, {}],
    ['HEAD', '/targets', list, {}],
    ['POST', '/targets', add, {}],
    ['GET', '/targets/iqn.2026-11.com.example:a', show, { name: 'iqn.2026-11.com.example:a' }],
    ['GET', '/targets/iqn.2026-11.com.example%3Aa%2Fb', show, { name: 'iqn.2026-11.com.example:a/b' }],
    ['DELETE', '/targets/a/luns/7', unit, { name: 'a', lun: '7' }],
  ])('%s %s leads to its route', (method, path, expected, parameters) => {
    expect(router.find(method, path)).toEqual({ kind: 'route', route: expected, parameters });
  });

  test.each([
    '/nothing',
    '/targets/',
    '/targets//luns/1',
    '/targets/a/luns',
    '',
    'targets',
    '/Targets',
    '/targets/%',
    '/targets/%ff',
  ])('%j leads nowhere', (path) => {
    expect(router.find('GET', path)).toEqual({ kind: 'nowhere' });
  });

  test('another method is told which there are', () => {
    expect(router.find('PATCH', '/targets')).toEqual({ kind: 'method', allowed: ['GET', 'HEAD', 'POST'] });
    expect(router.find('get', '/targets')).toEqual({ kind: 'method', allowed: ['GET', 'HEAD', 'POST'] });
    expect(router.find('HEAD', '/targets/a/luns/7')).toEqual({ kind: 'method', allowed: ['DELETE'] });
  });

  test('names of what every object has are names like others', () => {
    const find = router.find('GET', '/targets/__proto__');
    expect(find).toMatchObject({ kind: 'route', parameters: { name: '__proto__' } });
    expect(new Router([route('GET', '/{constructor}')]).find('GET', '/x')).toMatchObject({
      parameters: { constructor: 'x' },
    });
  });
});
