// docs/observability: the page is what the program makes of it, and rules and dashboard ask for metrics that there are, in queries that parse.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { METRICS, sampleNames } from '../../src/metrics/metrics.ts';
import { metricsReference } from '../../src/metrics/reference.ts';
import { checkRules, promtoolMissing, testRules } from '../support/promtool.ts';
import { repositoryRoot } from '../support/repository.ts';
import { Scratch } from '../support/scratch.ts';

const FOLDER = join(repositoryRoot(), 'docs/observability');
const read = (name: string): string => readFileSync(join(FOLDER, name), 'utf8');

interface Dashboard {
  readonly panels: readonly { readonly title: string; readonly targets?: readonly { readonly expr: string }[] }[];
}

/** Every query of the dashboard, with its variables filled in. */
function dashboardQueries(): string[] {
  const { panels } = JSON.parse(read('grafana-dashboard.json')) as Dashboard;
  return panels
    .flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
    .map((expr) => expr.replaceAll('$__rate_interval', '1m').replace(/\$\w+/g, '.*'));
}

/** What of our metrics a text names. */
const named = (text: string): string[] => [...new Set(text.match(/\blunaring_\w+/g))];

const known = new Set(Object.values(METRICS).flatMap(sampleNames));

describe('The page', () => {
  it('is what the program makes of it: node scripts/write-docs.mjs', () => {
    expect(read('README.md')).toBe(metricsReference());
  });
});

describe('Rules and dashboard', () => {
  it('ask for metrics that there are', () => {
    const asked = named([read('alerts.yml'), ...dashboardQueries()].join('\n'));
    expect(asked.length).toBeGreaterThan(30);
    expect(asked.filter((name) => !known.has(name))).toEqual([]);
  });

  it('leave no kind of metric out', () => {
    const asked = new Set(named([read('alerts.yml'), ...dashboardQueries()].join('\n')));
    const shown = Object.values(METRICS).filter((metric) => sampleNames(metric).some((name) => asked.has(name)));
    for (const prefix of [
      'lunaring_lun_',
      'lunaring_initiator_',
      'lunaring_worker_',
      'lunaring_thread_',
      'lunaring_logins',
    ]) {
      expect(
        shown.filter(({ name }) => name.startsWith(prefix)),
        prefix,
      ).not.toEqual([]);
    }
  });

  it.skipIf(promtoolMissing())('are rules that Prometheus takes, and that fire when they should', () => {
    expect(checkRules(join(FOLDER, 'alerts.yml'))).toMatch(/SUCCESS: \d\d rules found/);
    expect(testRules(join(FOLDER, 'alerts.test.yml'))).toContain('SUCCESS');
  });

  it.skipIf(promtoolMissing())('are queries that Prometheus takes', () => {
    using scratch = new Scratch('queries');
    const queries = dashboardQueries();
    const rules = queries.map((expr, index) => ({ record: `query:${index}`, expr }));
    const path = scratch.file('queries.yml');
    // JSON is YAML.
    writeFileSync(path, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));
    expect(checkRules(path)).toContain(`SUCCESS: ${queries.length} rules found`);
  });
});
