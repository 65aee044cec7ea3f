// The reference of all metrics, as Markdown: docs/observability/README.md is this.
// The metrics themselves are metrics.ts's.

import { METRICS, sampleNames } from './metrics.ts';

const INTRODUCTION = `# Observability

\`GET /metrics\` on the admin interface answers in OpenMetrics, or in Prometheus' older text format for those who ask for \`text/plain\`.

\`\`\`yaml
# prometheus.yml
scrape_configs:
  - job_name: lunaring
    scrape_interval: 10s
    static_configs: [{ targets: ['127.0.0.1:9260'] }]
    # With admin.tokenFile set:
    # authorization: { credentials_file: /etc/lunaring/admin.token }
rule_files: [alerts.yml]
\`\`\`

| file | is |
| --- | --- |
| [alerts.yml](alerts.yml) | recording and alerting rules for Prometheus |
| [alerts.test.yml](alerts.test.yml) | what they must say of given figures: \`promtool test rules\` |
| [grafana-dashboard.json](grafana-dashboard.json) | a dashboard for Grafana: import it, choose the data source |

## What the figures mean

- **Scraping asks no worker.** Workers count in shared memory, each in cache lines of its own, with plain stores; main reads them.
- **Times are counted in turns of the engine.** A worker reads the clock once a turn, not for every command, so what begins and ends within
  one turn takes no time: it is in the first bucket. A READ of a memory unit mostly is. What takes longer is as long as it was, give or take
  the length of a turn.
- **Three stages.** \`queue\`: from the arrival of a command to its start; it waits for limits, or behind ORDERED commands. \`device\`: an operation of the storage
  below, of which a large command has several. \`network\`: from an R2T to the last Data-Out that answers it. How long answers wait for room in
  the socket is \`lunaring_worker_send_wait_seconds\`: a send belongs to many commands, so it is counted by worker.
- **Latency** is from the arrival of a command's header to the moment when its status is queued for sending. It holds all stages but the sending.
- **Counters of a unit or a session end with it**, and those of a worker go on when it is started again; all begin at zero with the process. The
  latencies of workers are sums over all units, those that are gone included. More than 16,384 units are served as well, but what is beyond is
  counted as commands of its sessions and workers alone.
- **Cardinality is bounded.** Initiators are those with a session now, one line for each session, and at most 256 of them
  (\`lunaring_sessions_unlisted\` says how many are left out). Latencies of units and workers have 19 bounds, from 1 µs to 262 ms, each twice the one before; those
  of initiators have every other one.

## Metrics
`;

/** The page. */
export function metricsReference(): string {
  const rows = Object.values(METRICS).map((metric) => {
    const labels = metric.labels.map((label) => `\`${label}\``).join(', ');
    const name = metric.type === 'histogram' ? metric.name : sampleNames(metric)[0]!;
    return `| \`${name}\` | ${metric.type} | ${labels} | ${metric.help} |`;
  });
  return [INTRODUCTION, '| metric | type | labels | tells |', '| --- | --- | --- | --- |', ...rows, ''].join('\n');
}
