import { Body, Controller, Get, Headers, HttpCode, Inject, Post, Put, Req, Res } from '@nestjs/common';
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
import { NotFound } from '../access/access.errors.js';
import { Access, Device, type CallerRequest } from '../access/access.js';
import { Operation } from '../openapi/operation.js';
import { Services } from '../services.js';

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
    const [manifestKeyPem, aptKeyArmored] = await Promise.all([
      this.services.publicKeys.manifestKeyPem(),
      this.services.publicKeys.aptKeyArmored(),
    ]);
    const device = await this.services.enrolment.enrol(body, request.correlationId);
    return { ...device, manifestKeyPem, aptKeyArmored, pollSeconds: this.services.config.VOUCH_DEVICE_POLL_SECONDS };
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
