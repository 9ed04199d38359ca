import fs from 'node:fs';
import path from 'node:path';
import { startChild, stopChild, tail } from './child.mjs';

const BACKOFF_MS = [500, 1000, 2000, 5000, 10_000];
/** EX_CONFIG of sysexits.h: a wrong setting does not get right by trying again. */
const WRONG_SETTING = 78;

/** Keeps the product's processes running, and stops them in the opposite order of their start. */
export class Supervisor {
  #running = [];
  #stopping = false;

  constructor(logDir, say) {
    this.logDir = logDir;
    this.say = say;
  }

  start(name, argv, env) {
    const log = path.join(this.logDir, `${name}.log`);
    const entry = { name, child: undefined, failures: 0, startedAt: 0 };
    const launch = () => {
      entry.startedAt = Date.now();
      entry.child = startChild(argv, { log, env });
      // For whoever looks after the processes: which one is which.
      fs.writeFileSync(path.join(this.logDir, `${name}.pid`), String(entry.child.pid));
      void entry.child.exited.then(({ code, signal }) => {
        if (this.#stopping) return;
        if (code === WRONG_SETTING) {
          this.say(`${name} does not run: ${tail(log, 1)}`);
          return;
        }
        if (Date.now() - entry.startedAt > 60_000) entry.failures = 0;
        const delay = BACKOFF_MS[Math.min(entry.failures++, BACKOFF_MS.length - 1)];
        this.say(`${name} ended (${signal ?? code}) and is started again; see ${path.relative(process.cwd(), log)}`);
        entry.timer = setTimeout(launch, delay);
      });
    };
    launch();
    this.#running.push(entry);
    return entry;
  }

  async stop() {
    this.#stopping = true;
    for (const entry of [...this.#running].reverse()) {
      clearTimeout(entry.timer);
      await stopChild(entry.child, { timeoutMs: 30_000 });
      fs.rmSync(path.join(this.logDir, `${entry.name}.pid`), { force: true });
    }
  }
}
