import { pino, type DestinationStream, type Logger, type LoggerOptions } from 'pino';

export type { Logger };

/**
 * Structured logs: one JSON object a line, with the process and, where there is one, the correlation id.
 * @param destination standard output unless said otherwise
 */
export function createLogger(
  process: string,
  level: string,
  destination: DestinationStream = pino.destination(1),
): Logger {
  const options: LoggerOptions = {
    level,
    base: { process },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: {
      paths: ['*.password', '*.token', '*.secret', 'req.headers.authorization', 'req.headers.cookie', '*.passwordHash'],
      censor: '[secret]',
    },
  };
  return pino(options, destination);
}
