import type { Socket } from 'node:net';
import { newId } from '@vouch/platform';
import type { FastifyError, FastifyReply, FastifyRequest, FastifyServerOptions } from 'fastify';
import type { Problem } from '@vouch/contracts';

function problem(status: number, code: string, detail: string): Problem {
  return {
    type: `urn:vouch:problem:${code}`,
    title: code.replaceAll('-', ' '),
    status,
    detail,
    code,
    correlationId: newId(),
  };
}

/** What is refused before any route is found: malformed addresses, and what is not HTTP at all. Problems, too. */
export const earlyRefusals: Pick<FastifyServerOptions, 'clientErrorHandler'> & {
  frameworkErrors: (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => void;
} = {
  frameworkErrors: (error, _request, reply) => {
    const status = error.statusCode ?? 400;
    const body = problem(status, status === 414 ? 'address-too-long' : 'request-invalid', error.message);
    void reply.status(status).header('content-type', 'application/problem+json').send(body);
  },
  clientErrorHandler: (error: NodeJS.ErrnoException, socket: Socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
    const tooLarge = error.code === 'HPE_HEADER_OVERFLOW';
    const line = tooLarge ? '431 Request Header Fields Too Large' : '400 Bad Request';
    const body = JSON.stringify(
      tooLarge
        ? problem(431, 'headers-too-large', 'The headers of the request are too large.')
        : problem(400, 'request-invalid', 'This is not a whole HTTP request.'),
    );
    socket.end(
      `HTTP/1.1 ${line}\r\nContent-Type: application/problem+json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
    );
  },
};
