#!/usr/bin/env node
// Puts on this machine the real initiators and peers that test/interop and bench/ use: libiscsi's tools, qemu-img, tgt, promtool, chromium, a
// fio with the libiscsi engine, and Linux in a virtual machine; and what its arguments name besides (`setup-clients.mjs istgt`: a peer for the
// benchmark alone). Does nothing when all are there. It installs only as root on a Debian system; elsewhere it says what is missing, which in
// CI (CI=true) is a failure.

import { execFileSync, spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/** Survives clean clones: building fio takes a minute that nobody wants to spend twice. */
const CACHE = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'lunaring');
const BUILD_GUEST = join(import.meta.dirname, 'build-guest.sh');
const FIO_BUILD_PACKAGES = ['libiscsi-dev', 'gcc', 'libc6-dev', 'make', 'zlib1g-dev', 'libaio-dev', 'dpkg-dev'];

/** What is needed, the Debian packages that bring it, and how to tell that it is there. */
const CLIENTS = [
  { name: 'iscsi-ls', packages: ['libiscsi-bin'], present: () => onPath('iscsi-ls') },
  { name: 'iscsi-inq', packages: ['libiscsi-bin'], present: () => onPath('iscsi-inq') },
  { name: 'iscsi-readcapacity16', packages: ['libiscsi-bin'], present: () => onPath('iscsi-readcapacity16') },
  { name: 'iscsi-perf', packages: ['libiscsi-bin'], present: () => onPath('iscsi-perf') },
  { name: 'iscsi-test-cu', packages: ['libiscsi-bin'], present: () => onPath('iscsi-test-cu') },
  { name: 'qemu-img with iscsi://', packages: ['qemu-utils', 'qemu-block-extra'], present: qemuSpeaksIscsi },
  { name: 'chromium', packages: ['chromium'], present: () => onPath('chromium') },
  { name: 'promtool', packages: ['prometheus'], present: () => onPath('promtool') },
  { name: 'tgtd', packages: ['tgt'], present: () => onPath('tgtd') },
  { name: 'fio with the libiscsi engine', packages: FIO_BUILD_PACKAGES, present: () => fioPath() !== null },
  { name: 'qemu-system-x86_64', packages: ['qemu-system-x86'], present: () => onPath('qemu-system-x86_64') },
  { name: "a guest with Linux's initiator", packages: ['e2fsprogs'], present: hasGuest },
];

/** What only the benchmark wants, and only when it is asked for it. */
const OPTIONAL = [{ name: 'istgt', packages: ['istgt'], present: () => onPath('istgt') }];

function onPath(program) {
  // tgtd lives in sbin, which a user's PATH may lack.
  return [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'].some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Nothing listens on port 1: with the driver qemu-img fails to connect, without it it does not know the protocol. */
function qemuSpeaksIscsi() {
  const { error, stderr } = spawnSync('qemu-img', ['info', 'iscsi://127.0.0.1:1/iqn.x/0'], {
    encoding: 'utf8',
    timeout: 20_000,
  });
  return error === undefined && !/unknown protocol|unknown driver|not supported/i.test(stderr);
}

/** The fio that has the engine, or null: the one on PATH, or the one built before. */
function fioPath() {
  const hasEngine = (fio) => spawnSync(fio, ['--enghelp=libiscsi'], { timeout: 20_000 }).status === 0;
  const built = existsSync(CACHE) ? readdirSync(CACHE).filter((name) => name.startsWith('fio-')) : [];
  const candidates = [
    'fio',
    ...built
      .sort()
      .reverse()
      .map((name) => join(CACHE, name, 'fio')),
  ];
  return candidates.find(hasEngine) ?? null;
}

/** Whether the guest is there that this version of its script builds. */
function hasGuest() {
  return spawnSync('bash', [BUILD_GUEST, '--find', CACHE], { timeout: 20_000 }).status === 0;
}

function missingClients() {
  const asked = OPTIONAL.filter(({ name }) => process.argv.includes(name));
  return [...CLIENTS, ...asked].filter((client) => !client.present());
}

function isDebian() {
  if (!existsSync('/etc/os-release')) return false;
  return /^ID=debian$/m.test(readFileSync('/etc/os-release', 'utf8'));
}

function run(command, args) {
  process.stdout.write(`+ ${command} ${args.join(' ')}\n`);
  execFileSync(command, args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
}

function install(missing) {
  const services = ['tgt', 'istgt', 'prometheus'].filter((name) => !onPath(name === 'tgt' ? 'tgtd' : name));
  run('apt-get', ['-q', 'update']);
  const packages = [...new Set(missing.flatMap((client) => client.packages))];
  run('apt-get', ['-q', 'install', '-y', '--no-install-recommends', ...packages]);
  // The program is wanted, not a daemon on its port.
  for (const name of existsSync('/run/systemd/system') ? services : []) {
    if (packages.includes(name)) run('systemctl', ['disable', '--now', `${name}.service`]);
  }
  if (fioPath() === null) run('bash', [join(import.meta.dirname, 'build-fio.sh'), CACHE]);
  if (!hasGuest()) run('bash', [BUILD_GUEST, CACHE, fioPath()]);
}

let missing = missingClients();
let obstacle = '';
if (missing.length > 0) {
  if (!isDebian()) obstacle = 'this is not a Debian system';
  else if (process.getuid() !== 0) obstacle = 'installing them needs root';
  else {
    try {
      install(missing);
    } catch (error) {
      obstacle = error.message;
    }
    missing = missingClients();
  }
}

if (missing.length === 0) {
  process.stdout.write(`clients: all there; fio with the libiscsi engine is ${fioPath()}\n`);
} else {
  const packages = [...new Set(missing.flatMap((client) => client.packages))].join(' ');
  process.stderr.write(
    [
      '',
      '**********************************************************************',
      `clients MISSING: ${missing.map((client) => client.name).join(', ')}`,
      `why: ${obstacle || 'installed, and still not found'}`,
      `on Debian, as root: apt-get install ${packages} && bash scripts/build-fio.sh ${CACHE} && bash scripts/build-guest.sh ${CACHE} FIO`,
      'without them the tests against real initiators do not run',
      '**********************************************************************',
      '',
    ].join('\n'),
  );
  if (process.env.CI === 'true') process.exitCode = 1;
}
