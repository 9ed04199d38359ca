import type { LabQueue } from '@vouch/contracts';
import { call, read } from './api.js';

/** What those who run the installation can do with the lab. */
export const lab = {
  queue: () => read<LabQueue>('/api/v1/lab/queue'),
  cancel: (runId: string, why: string) => call('POST', `/api/v1/runs/${runId}/cancel`, { why }),
  resume: (runId: string) => call('POST', `/api/v1/runs/${runId}/resume`),
  repeat: (runId: string) => call('POST', `/api/v1/runs/${runId}/repeat`),
  markExploited: (revisionId: string, note: string) => call('PUT', `/api/v1/patches/${revisionId}/exploited`, { note }),
  clearExploited: (revisionId: string) => call('DELETE', `/api/v1/patches/${revisionId}/exploited`),
};
