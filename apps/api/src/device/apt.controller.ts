import { createReadStream } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import { Controller, Get, Inject, Param, Res, StreamableFile } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { NotFound } from '../access/access.errors.js';
import { Access } from '../access/access.js';
import { Operation } from '../openapi/operation.js';
import { Services } from '../services.js';

/**
 * The channels' apt repositories, and the agent. Public by design: what they hold is signed, is the vendor's own
 * public software, and names no tenant; a channel's id tells nothing.
 */
@ApiTags('device')
@Controller()
export class AptController {
  constructor(@Inject(Services) private readonly services: Services) {}

  @Get('apt/:channelId/*')
  @Access('public')
  @Operation({
    id: 'getAptFile',
    summary: "A file of a channel's apt repository",
    answer: { type: 'application/octet-stream', example: 'Origin: Vouch' },
  })
  async file(
    @Param('channelId', { schema: z.uuid() }) channelId: string,
    @Param('*') file: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<StreamableFile> {
    return this.send(path.join(this.services.config.VOUCH_DATA_DIR, 'channels', channelId), file, reply);
  }

  @Get('agent/vouch-agent.deb')
  @Access('public')
  @Operation({
    id: 'getAgent',
    summary: 'The agent as a Debian package',
    answer: { type: 'application/octet-stream', example: '!<arch>' },
    problems: [404],
  })
  agent(@Res({ passthrough: true }) reply: FastifyReply): Promise<StreamableFile> {
    return this.send(path.join(this.services.config.VOUCH_DATA_DIR, 'agent'), 'vouch-agent.deb', reply);
  }

  /** Sends a file that really lies below `root`, wherever links and dots may point. */
  private async send(root: string, file: string, reply: FastifyReply): Promise<StreamableFile> {
    const [realRoot, real] = await Promise.all([fs.realpath(root), fs.realpath(path.join(root, file))]).catch(() => {
      throw new NotFound('file');
    });
    if (!real.startsWith(realRoot + path.sep)) throw new NotFound('file');
    const stat = await fs.stat(real);
    if (!stat.isFile()) throw new NotFound('file');
    reply.header('content-type', 'application/octet-stream').header('content-length', stat.size);
    reply.header('last-modified', stat.mtime.toUTCString());
    return new StreamableFile(createReadStream(real));
  }
}
