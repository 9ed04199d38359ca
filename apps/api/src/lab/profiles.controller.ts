import { Body, Controller, Get, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import {
  CheckedLabProfile,
  LabProfileDetail,
  LabProfiles,
  LabProfileText,
  NewLabProfile,
  ProfileWithdrawal,
  Sha256,
} from '@vouch/contracts';
import type { CallerContext } from '@vouch/identity';
import { parseProfile, profileDigest } from '@vouch/lab';
import { NotFound } from '../access/access.errors.js';
import { Access, Caller } from '../access/access.js';
import { Operation } from '../openapi/operation.js';
import { Services } from '../services.js';
import { askerOf } from './lab-desk.js';

const WHAT = 'profile';

/** The environments that labs build. Their seeds run as root of a sandbox on lab hosts, so operators alone add them. */
@ApiTags('lab desk')
@Controller('api/v1/lab/profiles')
export class ProfilesController {
  constructor(@Inject(Services) private readonly services: Services) {}

  @Get()
  @Access({ may: 'profile:read' })
  @Operation({
    id: 'listLabProfiles',
    summary: 'Declared lab environments, also those that were replaced or withdrawn',
    answer: { schema: LabProfiles },
  })
  async list(): Promise<LabProfiles> {
    return {
      items: [...(await this.services.rest.lab.profiles.list())].map((known) => ({
        ...known,
        goldens: [...known.goldens],
      })),
    };
  }

  @Get(':digest')
  @Access({ may: 'profile:read' })
  @Operation({
    id: 'getLabProfile',
    summary: 'One lab environment, with what it says',
    answer: { schema: LabProfileDetail },
    problems: [404],
  })
  async read(@Param('digest', { schema: Sha256 }) digest: string): Promise<LabProfileDetail> {
    const found = await this.services.rest.lab.profiles.read(digest);
    if (found === null) throw new NotFound(WHAT);
    return { ...found, goldens: [...found.goldens] };
  }

  @Post('check')
  @HttpCode(200)
  @Access({ may: 'profile:manage' })
  @Operation({
    id: 'checkLabProfile',
    summary: 'Would this be a profile? Stores nothing',
    answer: { schema: CheckedLabProfile },
  })
  check(@Body({ schema: LabProfileText }) body: LabProfileText): CheckedLabProfile {
    const definition = parseProfile(body.source, 'that you sent');
    return { digest: profileDigest(definition), definition };
  }

  @Post()
  @Access({ may: 'profile:manage' })
  @Operation({
    id: 'addLabProfile',
    summary: 'Add a lab environment, or a new version of one that was added before',
    description:
      'A profile is named by the digest of what it says. Its golden is built when machines resemble it, or at once if wanted.',
    answer: { schema: LabProfileDetail },
    problems: [409],
  })
  async add(
    @Body({ schema: NewLabProfile }) body: NewLabProfile,
    @Caller() caller: CallerContext,
  ): Promise<LabProfileDetail> {
    const { profiles } = this.services.rest.lab;
    return this.read(await profiles.add(body.source, body.wanted ?? false, askerOf(caller)));
  }

  @Post(':digest/withdraw')
  @HttpCode(204)
  @Access({ may: 'profile:manage' })
  @Operation({
    id: 'withdrawLabProfile',
    summary: 'Build nothing from a profile any more; what was tested stays tested',
    problems: [404],
  })
  async withdraw(
    @Param('digest', { schema: Sha256 }) digest: string,
    @Body({ schema: ProfileWithdrawal }) body: ProfileWithdrawal,
    @Caller() caller: CallerContext,
  ): Promise<void> {
    if (!(await this.services.rest.lab.profiles.withdraw(digest, body.why, askerOf(caller)))) throw new NotFound(WHAT);
  }
}
