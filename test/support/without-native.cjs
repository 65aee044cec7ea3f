// Loaded into a target before it starts (NODE_OPTIONS=--require): its admin interface then runs on the JavaScript server, as it does on the
// versions of Node that the native one is not built for.

const Module = require('node:module');

const load = Module._load;
Module._load = function (request, ...rest) {
  if (request.startsWith('uWebSockets.js/binaries/')) throw new Error('kept from loading');
  return load.call(this, request, ...rest);
};
