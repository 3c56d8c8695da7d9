// How many tests are shown, the ways back to all of them, and their order.

import { everything, type Order, orders, type Query } from '../query.ts';
import { number } from '../words.ts';

interface Props {
  readonly shown: number;
  readonly all: number;
  readonly query: Query;
  readonly onQuery: (query: Query) => void;
  readonly hasOpened: boolean;
  readonly onFold: () => void;
}

export function Found({ shown, all, query, onQuery, hasOpened, onFold }: Props) {
  return (
    <div class="found">
      <span role="status">{shown === all ? number(all) : `${number(shown)} of ${number(all)}`} shown</span>
      {isNarrowed(query) && (
        <button type="button" class="link" onClick={() => onQuery({ ...everything, order: query.order })}>
          Show all
        </button>
      )}
      {hasOpened && (
        <button type="button" class="link" onClick={onFold}>
          Fold all
        </button>
      )}
      <label>
        Order{' '}
        <select value={query.order} onChange={(event) => onQuery({ ...query, order: event.currentTarget.value as Order })}>
          {orders.map((order) => (
            <option key={order} value={order}>
              {order}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}

/** True if the query narrows the list. */
const isNarrowed = ({ statuses: chosen, onlyFlaky, onlyNew, words, file, agent }: Query): boolean =>
  chosen.length > 0 || onlyFlaky || onlyNew || words !== '' || file !== null || agent !== null;
