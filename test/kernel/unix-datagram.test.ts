// Datagrams to a socket of another process: what is sent arrives whole, by a path and by an abstract name.

import { describe, expect, it } from 'vitest';
import { UnixDatagram } from '../../src/kernel/unix-datagram.ts';
import { DatagramListener } from '../support/datagram-listener.ts';
import { Scratch } from '../support/scratch.ts';

describe('a datagram', () => {
  it.each(['by a path', 'by an abstract name'])('arrives %s', async (kind) => {
    using scratch = new Scratch('datagram');
    const name = kind === 'by a path' ? scratch.file('notify') : `@lunaring-test-${process.pid}`;
    using listener = await DatagramListener.start(name);
    using datagram = new UnixDatagram(name);
    datagram.send('READY=1\nSTATUS=an ä is two bytes');
    datagram.send('STOPPING=1');
    expect(await listener.next()).toBe('READY=1\nSTATUS=an ä is two bytes');
    expect(await listener.next()).toBe('STOPPING=1');
  });

  it('that nobody waits for is an error', () => {
    using scratch = new Scratch('datagram');
    using datagram = new UnixDatagram(scratch.file('nobody'));
    expect(() => datagram.send('READY=1')).toThrow('sendto: ENOENT');
    using abstract = new UnixDatagram(`@lunaring-nobody-${process.pid}`);
    expect(() => abstract.send('READY=1')).toThrow('sendto: ECONNREFUSED');
  });

  it.each(['notify', '', '@', `/${'x'.repeat(107)}`, `@${'x'.repeat(108)}`])('is not sent to %o', (name) => {
    expect(() => new UnixDatagram(name)).toThrow(/no path, and no abstract name/);
  });

  it('may go to names as long as there is room for', () => {
    for (const name of [`/${'x'.repeat(106)}`, `@${'x'.repeat(107)}`]) new UnixDatagram(name)[Symbol.dispose]();
  });
});
