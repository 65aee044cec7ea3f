// How much a peer can have written into the log by sending what is rejected. What is, and with which reason: conformance/full-feature/reject.test.ts.

import { expect, it } from 'vitest';
import { LoginRequest } from '../../src/pdu/login-request.ts';
import { Opcode } from '../../src/pdu/opcode.ts';
import { SessionBench } from '../support/session-bench.ts';

it('Rejects are logged one by one at first, and then ever more rarely; each is sent', () => {
  const bench = new SessionBench();
  const [one, two] = [bench.logIn(), bench.logIn()];
  const logged = () => bench.log.filter((line) => line === 'rejected a PDU: a Login Request after login').length;
  let answers = 0;
  for (let count = 1; count <= 1000; count++) {
    one.send(LoginRequest, {}, { immediate: true });
    bench.settle();
    answers += one.replies().filter(({ opcode }) => opcode === Opcode.REJECT).length;
    if (count <= 8) expect(logged()).toBe(count);
  }
  // 16, 32, 64, 128, 256, 512.
  expect(logged()).toBe(8 + 6);
  expect(answers).toBe(1000);
  two.send(LoginRequest, {}, { immediate: true });
  bench.settle();
  expect(logged()).toBe(8 + 6 + 1);
});
