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

/** The page that documents the API has styles of its library written into it, but no script: it may do no more than that. */
const DOCUMENTATION_POLICY = CONTENT_SECURITY_POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'");
const policyFor = (url: string): string =>
  /^\/api\/docs(\/|$)/.test(url) ? DOCUMENTATION_POLICY : CONTENT_SECURITY_POLICY;

/** Puts on every answer the headers that tell browsers what our pages never do, and that data is not to be kept. */
export function protectResponses(fastify: FastifyInstance, https: boolean): void {
  fastify.addHook('onRequest', async (request, reply) => {
    reply.headers(https ? { ...ALWAYS, ...HTTPS_ONLY } : ALWAYS);
    reply.header('content-security-policy', policyFor(request.url));
  });
  fastify.addHook('onSend', async (request, reply) => {
    if (/^\/(api|device|lab)\//.test(request.url) && !reply.hasHeader('cache-control'))
      reply.header('cache-control', 'no-store');
  });
}
