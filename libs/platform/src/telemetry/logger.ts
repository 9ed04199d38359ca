import { pino, type Logger } from 'pino';

export type { Logger };

/** Structured logs: one JSON object a line, with the process and, where there is one, the correlation id. */
export function createLogger(process: string, level: string): Logger {
  return pino({
    level,
    base: { process },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: {
      paths: ['*.password', '*.token', '*.secret', 'req.headers.authorization', 'req.headers.cookie', '*.passwordHash'],
      censor: '[secret]',
    },
  });
}
