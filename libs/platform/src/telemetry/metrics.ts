import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

/** Prometheus metrics of one process. Names carry their unit. */
export class Metrics {
  readonly registry = new Registry();
  readonly jobs = new Counter({
    name: 'vouch_jobs_total',
    help: 'Jobs handled, by queue and outcome',
    labelNames: ['queue', 'outcome'] as const,
    registers: [this.registry],
  });
  readonly jobSeconds = new Histogram({
    name: 'vouch_job_duration_seconds',
    help: 'Time of a job, by queue',
    labelNames: ['queue'] as const,
    buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 30],
    registers: [this.registry],
  });
  readonly requestSeconds = new Histogram({
    name: 'vouch_http_request_duration_seconds',
    help: 'Time of a request, by method, route and status',
    labelNames: ['method', 'route', 'status'] as const,
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 10],
    registers: [this.registry],
  });
  readonly outboxWaiting = new Gauge({
    name: 'vouch_outbox_waiting_events',
    help: 'Events not yet handed to the queues',
    registers: [this.registry],
  });

  constructor(process: string) {
    this.registry.setDefaultLabels({ process });
    collectDefaultMetrics({ register: this.registry });
  }
}
