// Addresses with ports.

import { expect, test } from 'vitest';
import { hostPort } from '../../src/base/host-port.ts';

test.each([
  ['192.0.2.7', '192.0.2.7:3260'],
  ['2001:db8::7', '[2001:db8::7]:3260'],
  ['::', '[::]:3260'],
  ['storage.example', 'storage.example:3260'],
])('%s', (address, text) => {
  expect(hostPort(address, 3260)).toBe(text);
});
