/** A runner asks for work or renews leases all the time, and is quiet for minutes only while it builds a golden. */
const SILENT_AFTER_MS = 15 * 60_000;

/** Whoever was last seen before this is silent. */
export const silentSince = (now: Date): Date => new Date(now.getTime() - SILENT_AFTER_MS);

/**
 * True for a golden of a silent runner, of whose profile a runner that answers has one: what waits for it goes there instead.
 * Where nobody else has the profile it is waited for, as when the whole installation was off for a while.
 * @param golden alias of a row of lab_golden
 * @param since the parameter that holds {@link silentSince}, e.g. `$1`
 */
export const isLeftBehind = (golden: string, since: string): string =>
  `(exists (select 1 from lab_runner silent where silent.id = ${golden}.runner_id and silent.last_seen_at < ${since})
    and exists (select 1 from lab_golden other join lab_runner answers on answers.id = other.runner_id
                 where other.profile_digest = ${golden}.profile_digest and other.state = 'ready'
                   and answers.last_seen_at >= ${since} and answers.state <> 'unavailable'))`;
