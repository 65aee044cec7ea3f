// Metrics as text, in both formats: names, escapes, and histograms whose buckets add up.

import { describe, expect, it } from 'vitest';
import { Exposition, Format, labels, negotiate } from '../../src/metrics/exposition.ts';
import { METRICS } from '../../src/metrics/metrics.ts';
import { LATENCY_BUCKETS } from '../../src/ring/figures.ts';

describe('the format', () => {
  it.each([
    ['', Format.openMetrics],
    ['*/*', Format.openMetrics],
    ['application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5', Format.openMetrics],
    ['text/plain;version=0.0.4;q=1,*/*;q=0.1', Format.text],
    ['application/openmetrics-text;version=1.0.0;q=0.4, text/plain;version=0.0.4;q=0.5', Format.text],
    ['application/openmetrics-text;q=0, text/plain', Format.text],
    ['application/openmetrics-text;q=0', Format.text],
    ['application/openmetrics-text; Q=0.0, */*', Format.text],
    ['text/plain;q=0, */*;q=0.1', Format.openMetrics],
    ['Text/*', Format.text],
    [
      'application/openmetrics-text;version=0.0.1;q=0.2,application/openmetrics-text;q=0.6,*/*;q=0.5',
      Format.openMetrics,
    ],
    ['text/html,application/xml;q=0.9,*/*;q=0.8', Format.openMetrics],
    ['application/json', Format.openMetrics],
    ['text/plain;q=high', Format.text],
  ])('for "%s" is %s', (accept, format) => {
    expect(negotiate(accept)).toBe(format);
  });
});

describe('an exposition', () => {
  it('tells a counter as each format wants it, and ends as OpenMetrics must', () => {
    const written = (format: Format): string => {
      const out = new Exposition(format);
      out.begin(METRICS.logins);
      out.sample(labels({ status: '0203' }), 4);
      return out.end();
    };
    expect(written(Format.openMetrics)).toMatch(
      /^# HELP lunaring_logins .*\n# TYPE lunaring_logins counter\nlunaring_logins_total\{status="0203"\} 4\n# EOF\n$/,
    );
    expect(written(Format.text)).toMatch(
      /^# HELP lunaring_logins_total .*\n# TYPE lunaring_logins_total counter\nlunaring_logins_total\{status="0203"\} 4\n$/,
    );
  });

  it('adds the buckets of a histogram up, from what is below a microsecond to what has no bound', () => {
    const buckets = new Float64Array(LATENCY_BUCKETS);
    buckets[0] = 5;
    buckets[1] = 2;
    buckets[10] = 1;
    buckets[LATENCY_BUCKETS - 1] = 3;
    const out = new Exposition(Format.text);
    out.begin(METRICS.loopDelay);
    out.histogram('', 2_500_000, buckets);
    const lines = out.take().split('\n');
    const bucket = (bound: string) => `lunaring_main_loop_delay_seconds_bucket{le="${bound}"}`;
    expect(lines).toContain(`${bucket('0.000001')} 5`);
    expect(lines).toContain(`${bucket('0.000002')} 7`);
    expect(lines).toContain(`${bucket('0.000512')} 7`);
    expect(lines).toContain(`${bucket('0.001024')} 8`);
    expect(lines).toContain(`${bucket('0.262144')} 8`);
    expect(lines).toContain(`${bucket('+Inf')} 11`);
    expect(lines).toContain('lunaring_main_loop_delay_seconds_sum 2.5');
    expect(lines).toContain('lunaring_main_loop_delay_seconds_count 11');
  });

  it('loses nothing where it tells of every other bound alone', () => {
    const buckets = new Float64Array(LATENCY_BUCKETS).fill(1);
    const out = new Exposition(Format.text);
    out.begin(METRICS.initiatorLatency);
    out.histogram('session="1"', 0, buckets, 2);
    const lines = out.take().split('\n');
    const counts = lines.filter((line) => line.includes('_bucket')).map((line) => Number(line.split(' ').at(-1)));
    expect(counts).toEqual([1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 20]);
  });

  it('escapes what a label must not hold as it is', () => {
    expect(labels({ initiator: 'a"b\\c\nd', session: 7 })).toBe('initiator="a\\"b\\\\c\\nd",session="7"');
  });
});
