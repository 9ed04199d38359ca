import { Body, Controller, Get, Headers, HttpCode, Inject, Param, Post, Put, Req, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import {
  DsseEnvelope,
  EnrolRequest,
  EnrolResponse,
  type Fingerprint,
  FingerprintReport,
  OutcomeReport,
} from '@vouch/contracts';
import type { DeviceContext } from '@vouch/fleet';
import { z } from 'zod';
import { NotFound } from '../access/access.errors.js';
import { Access, Device, type CallerRequest } from '../access/access.js';
import { Operation } from '../openapi/operation.js';
import { Services } from '../services.js';

const TrustVersion = z.coerce.number().int().positive().max(1_000_000);

/** Nobody has made the keys yet, so no device can pin a root. */
class TrustMissing extends Error {
  readonly code = 'trust-missing';
  constructor() {
    super('There is no trust document yet: the operator has to make the keys first. Try again later.');
  }
}

@ApiTags('device')
@Controller('device/v1')
export class DeviceController {
  constructor(@Inject(Services) private readonly services: Services) {}

  @Post('enrol')
  @HttpCode(200)
  @Access('public')
  @Operation({
    id: 'enrolDevice',
    summary: 'A device becomes known with its one-time token and a key that it made itself',
    answer: { schema: EnrolResponse },
    problems: [403, 422, 503],
  })
  async enrol(
    @Body({ schema: EnrolRequest }) body: EnrolRequest,
    @Req() request: CallerRequest,
  ): Promise<EnrolResponse> {
    const trust = await this.services.trust.newest();
    if (trust === null) throw new TrustMissing();
    const device = await this.services.enrolment.enrol(body, request.correlationId);
    return { ...device, trust: trust.envelope, pollSeconds: this.services.config.VOUCH_DEVICE_POLL_SECONDS };
  }

  @Get('trust/:version')
  @Access('public')
  @Operation({
    id: 'readTrustDocument',
    summary: 'The trust document of a version: which keys are believed for what, signed by the root',
    answer: { schema: DsseEnvelope },
    problems: [404],
  })
  async trust(@Param('version', { schema: TrustVersion }) version: number): Promise<DsseEnvelope> {
    const envelope = await this.services.trust.envelope(version);
    if (envelope === null) throw new NotFound('trust document yet');
    return envelope;
  }

  @Put('fingerprint')
  @HttpCode(204)
  @Access('device')
  @Operation({ id: 'reportFingerprint', summary: 'What the device is: OS, packages, running services' })
  async fingerprint(
    @Body({ schema: FingerprintReport }) body: Fingerprint,
    @Device() device: DeviceContext,
  ): Promise<void> {
    await this.services.fingerprints.record(device, body);
  }

  @Get('manifest')
  @Access('device')
  @Operation({
    id: 'getManifest',
    summary: "The signed desired state of the device's channel",
    answer: { schema: DsseEnvelope },
    more: { 304: { description: 'Nothing changed since the manifest with the ETag that was sent as If-None-Match.' } },
    problems: [404],
  })
  async manifest(
    @Device() device: DeviceContext,
    @Headers('if-none-match') known: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<DsseEnvelope | undefined> {
    const manifest = await this.services.manifests.of(device);
    if (manifest === null) throw new NotFound('channel for this device yet');
    const etag = `"${manifest.etag}"`;
    reply.header('etag', etag).header('cache-control', 'private, no-cache');
    if (known === etag) {
      reply.status(304);
      return undefined;
    }
    return manifest.envelope;
  }

  @Post('outcomes')
  @HttpCode(204)
  @Access('device')
  @Operation({ id: 'reportOutcome', summary: 'What really happened with an approved revision', problems: [409] })
  async outcome(@Body({ schema: OutcomeReport }) body: OutcomeReport, @Device() device: DeviceContext): Promise<void> {
    await this.services.outcomes.record(device, body);
  }
}
