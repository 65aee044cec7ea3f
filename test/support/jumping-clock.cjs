// Preloaded into a target (NODE_OPTIONS=--require) it has the time of day jump, by years and both ways, in every thread: what an administrator or a
// bad NTP server does, all the time. The monotonic clock is left alone, as the kernel leaves it alone.

const YEAR_MS = 365 * 86_400_000;
const JUMPS = [0, YEAR_MS, -YEAR_MS, 20 * YEAR_MS, 1000, -86_400_000];
const EVERY_MS = 100;

const RealDate = Date;
const offset = () => JUMPS[Math.floor(performance.now() / EVERY_MS) % JUMPS.length];

globalThis.Date = class JumpingDate extends RealDate {
  constructor(...values) {
    super(...(values.length === 0 ? [RealDate.now() + offset()] : values));
  }

  static now() {
    return RealDate.now() + offset();
  }
};
