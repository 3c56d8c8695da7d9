// Answers whether there is a directory.

import { stat } from 'node:fs/promises';

/** Also false if the path cannot be examined. */
export const isDirectory = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
