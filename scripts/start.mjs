// `npm start`: installs and compiles when that is needed, then serves. What follows `--` goes to `lunaring serve`.
// Serves in this very process, so that signals and the exit status need nobody to pass them on.

import { buildIfStale, TOP } from './build.mjs';

buildIfStale();
process.argv = [process.argv[0], `${TOP}/dist/src/cli/main.js`, 'serve', ...process.argv.slice(2)];
await import('../dist/src/cli/main.js');
