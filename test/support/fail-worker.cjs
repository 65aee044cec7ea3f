// Preloaded into a target (NODE_OPTIONS=--require) it makes a worker fail: the one that is to take over a connection with this CID throws.
// The target itself has no switch for that.

const { isMainThread } = require('node:worker_threads');

const MARK = '"cid":6666,';

if (!isMainThread) {
  const { parse } = JSON;
  // What main tells a worker comes as JSON.
  JSON.parse = (text, reviver) => {
    if (String(text).includes(MARK)) throw new Error('a fault that was injected');
    return parse(text, reviver);
  };
}
