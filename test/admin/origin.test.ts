import { describe, expect, test } from 'vitest';
import { strangeOrigin } from '../../src/admin/origin.ts';
import { requestWith } from './request-with.ts';

const judge = (headers: Record<string, string>, guarded = false) => strangeOrigin(requestWith(headers), guarded);

describe('without a token', () => {
  test.each(['127.0.0.1:9260', '127.1.2.3', 'localhost:9260', 'LOCALHOST', '[::1]:9260', '[::ffff:127.0.0.1]:1'])(
    'what was sent to %s is let in',
    (host) => {
      expect(judge({ host })).toBeNull();
    },
  );

  test.each([
    'evil.example:9260',
    'localhost.evil.example',
    '192.0.2.7:9260',
    '',
    '127.0.0.1.evil.example',
    '[::2]',
    '127.0.0.1:9260:1',
    '2130706433',
  ])('what was sent to %j is not: a name may have been made to point here', (host) => {
    expect(judge({ host })).toMatch(/Host/);
  });
});

test('with a token any name will do', () => {
  expect(judge({ host: 'storage.example:9260' }, true)).toBeNull();
});

describe('a page', () => {
  const host = '127.0.0.1:9260';

  test('of the interface itself may ask', () => {
    expect(judge({ host, origin: 'http://127.0.0.1:9260', 'sec-fetch-site': 'same-origin' })).toBeNull();
    expect(judge({ host: 'storage.example', origin: 'https://storage.example' }, true)).toBeNull();
  });

  test.each(['http://evil.example', 'http://127.0.0.1:8080', 'http://localhost:9260', 'null', ''])(
    'of %j may not, token or no token',
    (origin) => {
      expect(judge({ host, origin })).toMatch(/other origins/);
      expect(judge({ host, origin }, true)).toMatch(/other origins/);
    },
  );

  test('from elsewhere may lead here, and read nothing', () => {
    const from = { host, 'sec-fetch-site': 'cross-site' };
    expect(judge({ ...from, 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' })).toBeNull();
    expect(judge({ ...from, 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' })).toMatch(/other sites/);
    expect(judge({ ...from, 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' })).toMatch(/other sites/);
    expect(judge({ ...from, 'sec-fetch-site': 'same-site' })).toMatch(/other sites/);
  });
});
