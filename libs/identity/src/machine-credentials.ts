import { sha256Hex, shared, type Database } from '@vouch/platform';

/** Checks the bearer credentials of lab-runners. */
export class MachineCredentials {
  constructor(private readonly database: Database) {}

  /** @returns the credential's name, or null when it is unknown or revoked */
  async findLabRunner(secret: string): Promise<string | null> {
    const [row] = await this.database.read<{ name: string }>(
      shared,
      `select name from identity_machine_credential where secret_sha256 = $1 and kind = 'lab-runner' and revoked_at is null`,
      [sha256Hex(secret)],
    );
    return row?.name ?? null;
  }
}
