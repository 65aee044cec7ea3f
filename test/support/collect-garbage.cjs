// Loaded into a process that is measured (`node --require`): at SIGUSR2 it collects its garbage and writes down what memory it needs then.
// When to ask, and what to make of the answer, is the test's business.

const { isMainThread } = require('node:worker_threads');
const { setFlagsFromString } = require('node:v8');
const { runInNewContext } = require('node:vm');

if (isMainThread) {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc');
  process.on('SIGUSR2', () => {
    collect();
    process.stderr.write(`${JSON.stringify({ collected: process.memoryUsage() })}\n`);
  });
}
