import { useEffect, useRef, useState } from 'react';
import type { RunOutput } from '@vouch/contracts';
import { steps } from './words.js';

/** More than this many characters are not kept in the page: the whole log comes with the evidence. */
const KEPT = 60_000;

/** What the machine prints while it is tested; asked for only when somebody wants to see it. */
export function RunOutputView({ runId }: { runId: string }) {
  const [open, setOpen] = useState(false);
  return (
    <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>What the machine prints</summary>
      {open && <Output runId={runId} />}
    </details>
  );
}

/** Follows the end of the text, unless somebody has scrolled up. */
function Output({ runId }: { runId: string }) {
  const text = useOutput(runId);
  const box = useRef<HTMLPreElement>(null);
  const follows = useRef(true);
  useEffect(() => {
    const pre = box.current;
    if (pre !== null && follows.current) pre.scrollTop = pre.scrollHeight;
  }, [text]);
  return (
    <pre
      ref={box}
      className="output"
      role="log"
      tabIndex={0}
      aria-label="Output of the machine under test"
      onScroll={({ currentTarget: pre }) => {
        follows.current = pre.scrollHeight - pre.scrollTop - pre.clientHeight < 20;
      }}
    >
      {text === '' ? 'Nothing yet.' : text}
    </pre>
  );
}

/** The browser reconnects by itself, and says after which piece it wants to go on. */
function useOutput(runId: string): string {
  const [text, setText] = useState('');
  useEffect(() => {
    setText('');
    let seen = '';
    const source = new EventSource(`/api/v1/runs/${encodeURIComponent(runId)}/output`);
    source.addEventListener('output', ({ data }: MessageEvent<string>) => {
      const { attempt, step, text: printed } = JSON.parse(data) as RunOutput;
      const place = `${attempt} ${step}`;
      const heading = place === seen ? '' : `${seen === '' ? '' : '\n'}— ${steps[step]} —\n`;
      seen = place;
      setText((before) => (before + heading + printed).slice(-KEPT));
    });
    source.addEventListener('end', () => source.close());
    return () => source.close();
  }, [runId]);
  return text;
}
