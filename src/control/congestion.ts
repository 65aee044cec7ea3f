// Which congestion control (tcp(7): TCP_CONGESTION) the connections of our portals send with.
// The setting is config/'s; portal.ts sets it on what it listens on, from where connections have it.

import { sysctl } from '../kernel/sysctl.ts';

/** What every kernel has. */
const USUAL = 'cubic';

export interface CongestionChoice {
  /** What is set, or null: connections have what the system gives them. */
  readonly name: string | null;
  /** It was asked for by name, so that it is a fault if it can't be had. */
  readonly required: boolean;
  readonly reason: string;
}

const systems = (reason: string): CongestionChoice => ({
  name: null,
  required: false,
  reason: `the system's, ${reason}`,
});

/** Those that a process without CAP_NET_ADMIN may set; none: the kernel does not tell. `root`: see {@link sysctl}. */
export function allowedCongestionControls(root?: string): readonly string[] {
  return sysctl('net/ipv4/tcp_allowed_congestion_control', root).split(' ').filter(Boolean);
}

/**
 * What `setting` (tuning.congestionControl) means here. BBR sends by a timer, and lets its window shrink to four segments every ten
 * seconds to learn the path's delay: made for long paths, it costs large READs on a storage network up to half of their speed. `root`: see
 * {@link sysctl}.
 */
export function chooseCongestionControl(setting: string, root?: string): CongestionChoice {
  if (setting === 'system') return systems('as configured');
  if (setting !== 'auto') return { name: setting, required: true, reason: `${setting}, as configured` };
  const own = sysctl('net/ipv4/tcp_congestion_control', root);
  if (!own.startsWith('bbr')) return systems(own || 'which it does not tell');
  if (!allowedCongestionControls(root).includes(USUAL))
    return systems(`${own}: ${USUAL} is not among tcp_allowed_congestion_control`);
  const reason = `${USUAL} in place of the system's ${own}, which slows large READs down`;
  return { name: USUAL, required: false, reason };
}
