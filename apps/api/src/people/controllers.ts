import { AccountController } from './account.controller.js';
import { MembersController } from './members.controller.js';
import { OrganisationController } from './organisation.controller.js';
import { PasskeysController } from './passkeys.controller.js';
import { SingleSignOnController } from './single-sign-on.controller.js';
import { SessionController } from './session.controller.js';

/** Signing in, accounts, members. */
export const peopleControllers = [
  SessionController,
  AccountController,
  PasskeysController,
  MembersController,
  OrganisationController,
  SingleSignOnController,
];
