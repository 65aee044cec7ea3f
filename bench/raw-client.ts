// The client of the cells …@raw as a program, so that it can be pinned as the other clients are: a job in, what it saw out.
// What it does is raw-load.ts; instruments.ts starts it.

import { type RawJob, rawLoad } from './raw-load.ts';

const job: RawJob = JSON.parse(process.argv[2]!);
process.stdout.write(JSON.stringify(await rawLoad(job)));
