import { expect, it } from 'vitest';
import { TaskFunction, TaskFunctionResponse, TaskManagementResponse } from '../../src/pdu/task-management.ts';
import { testUnitReady } from '../support/cdbs.ts';
import { decode } from '../support/header-values.ts';
import { SessionBench } from '../support/session-bench.ts';

const FIRST = 100;
const { FUNCTION_COMPLETE, TASK_DOES_NOT_EXIST } = TaskFunctionResponse;

it.each([
  { expStatSN: FIRST + 2, responses: [TASK_DOES_NOT_EXIST, TASK_DOES_NOT_EXIST, FUNCTION_COMPLETE] },
  { expStatSN: FIRST, responses: [FUNCTION_COMPLETE, FUNCTION_COMPLETE, FUNCTION_COMPLETE] },
  // Not what that connection has sent.
  { expStatSN: 7, responses: [FUNCTION_COMPLETE, FUNCTION_COMPLETE, FUNCTION_COMPLETE] },
])('§11.12.9: a login that restarts a connection says which statuses of it have come: $expStatSN', (given) => {
  const bench = new SessionBench();
  const one = bench.logIn({ session: { errorRecoveryLevel: 2, defaultTime2Retain: 20 }, statSN: FIRST });
  const tags = Array.from({ length: 3 }, () => one.command(testUnitReady()));
  bench.settle();
  expect(one.replies()).toHaveLength(3);
  bench.engine.hangUp(one.socket);
  bench.settle();
  const two = bench.logIn({ joins: one, cid: one.cid, statSN: 500, expStatSN: given.expStatSN });
  const responses = tags.map((referencedTaskTag) => {
    two.taskManagement(TaskFunction.TASK_REASSIGN, { referencedTaskTag });
    bench.settle();
    return decode(TaskManagementResponse, two.replies()[0]!.header).response;
  });
  expect(responses).toEqual(given.responses);
});
