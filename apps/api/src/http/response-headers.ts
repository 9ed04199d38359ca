import type { FastifyInstance } from 'fastify';

/** Scripts, styles, images and requests come from us alone; nothing frames us, and we embed nothing. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "font-src 'self'",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

const ALWAYS = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  // The filter of old browsers is itself a hole: switched off, as OWASP advises.
  'x-xss-protection': '0',
  'referrer-policy': 'no-referrer',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};
/** RFC 6797 forbids this one on plain HTTP. */
const HTTPS_ONLY = { 'strict-transport-security': 'max-age=31536000; includeSubDomains' };

/** The API's own documentation page brings inline styles and scripts of its library; it shows no data. */
const isDocumentation = (url: string): boolean => url.startsWith('/api/docs');

/** Puts on every answer the headers that tell browsers what our pages never do, and that data is not to be kept. */
export function protectResponses(fastify: FastifyInstance, https: boolean): void {
  fastify.addHook('onRequest', async (request, reply) => {
    reply.headers(https ? { ...ALWAYS, ...HTTPS_ONLY } : ALWAYS);
    if (!isDocumentation(request.url)) reply.header('content-security-policy', CONTENT_SECURITY_POLICY);
  });
  fastify.addHook('onSend', async (request, reply) => {
    if (/^\/(api|device|lab)\//.test(request.url) && !reply.hasHeader('cache-control'))
      reply.header('cache-control', 'no-store');
  });
}
