// How many tests are shown, the ways back to all of them, and their order.

import { everything, isNarrowed, type Order, orders, type Query } from '../query.ts';
import { number, plural } from '../words.ts';

interface Props {
  readonly shown: number;
  /** Some rows are files that were not collected. */
  readonly hasFiles: boolean;
  readonly all: number;
  readonly query: Query;
  readonly onQuery: (query: Query) => void;
  readonly hasOpened: boolean;
  readonly onFold: () => void;
}

export function Found({ shown, all, hasFiles, query, onQuery, hasOpened, onFold }: Props) {
  return (
    <div class="found">
      <span role="status">
        {shown === all ? number(all) : `${number(shown)} of ${number(all)}`}
        {hasFiles ? ' tests and files' : ''} shown
      </span>
      {shown < all && !isNarrowed(query) && (
        <button type="button" class="link" onClick={() => onQuery({ ...query, hidesPassed: false })}>
          Show {plural(all - shown, 'passed test')}
        </button>
      )}
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
