import type { PatchView } from '@vouch/contracts';
import { money } from './format.js';

/** What the test cost, and who pays which part of it. */
export function MoneyPanel({ patch }: { patch: PatchView }) {
  if (patch.cost === null) return null;
  const { labSeconds, total, shares } = patch.cost;
  const others = total.amountMinor - shares.reduce((sum, { share }) => sum + share.amountMinor, 0);
  return (
    <section className="card">
      <h3>Cost of the test</h3>
      <p>
        {labSeconds.toFixed(1)} lab seconds, <strong>{money(total)}</strong>
        {shares.length === 0
          ? '. It is split when the billing period closes.'
          : ', split equally among those who needed it:'}
      </p>
      {shares.length > 0 && (
        <table className="money">
          <tbody>
            {shares.map((share) => (
              <tr key={share.tenantId}>
                <th scope="row">{share.tenant}</th>
                <td>{money(share.share)}</td>
              </tr>
            ))}
            {others > 0 && (
              <tr>
                <th scope="row">Others who needed it</th>
                <td>{money({ ...total, amountMinor: others })}</td>
              </tr>
            )}
          </tbody>
        </table>
      )}
    </section>
  );
}
