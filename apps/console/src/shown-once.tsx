/** A secret that nobody will see again, with what to do with it. */
export function ShownOnce({ what, secret, onDone }: { what: string; secret: string; onDone: () => void }) {
  return (
    <div className="shown-once" role="status">
      <p>
        {what} <strong>It is shown only now.</strong>
      </p>
      <code className="secret">{secret}</code>
      <div className="buttons">
        <button className="plain" onClick={() => void navigator.clipboard.writeText(secret)}>
          Copy
        </button>
        <button onClick={onDone}>I have kept it</button>
      </div>
    </div>
  );
}
