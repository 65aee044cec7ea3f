// Preloaded into a target (NODE_OPTIONS=--require) it makes workers deaf that have no connection: what reservations of units have become does not
// get through to them. The target itself has no switch for that.

const { isMainThread } = require('node:worker_threads');

if (!isMainThread) {
  const { parse } = JSON;
  let hears = false;
  // What main tells a worker comes as JSON.
  JSON.parse = (text, reviver) => {
    const message = parse(text, reviver);
    hears ||= message?.type === 'handoff';
    return hears || message?.type !== 'reservation' ? message : { type: 'nothing' };
  };
}
