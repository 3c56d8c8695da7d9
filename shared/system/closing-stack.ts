// What a command has opened, closed again in the reverse order. It stands in for AsyncDisposableStack, which Node.js has since version 24.

export interface ClosingStack extends AsyncDisposable {
  use<T extends AsyncDisposable>(opened: T): T;
  defer(close: () => unknown): void;
}

/** Closing continues after an error; in the end it throws the only error, or an AggregateError of several. */
export function createClosingStack(): ClosingStack {
  const closes: (() => unknown)[] = [];
  return {
    use(opened) {
      closes.push(() => opened[Symbol.asyncDispose]());
      return opened;
    },
    defer: (close) => void closes.push(close),
    async [Symbol.asyncDispose]() {
      const errors: unknown[] = [];
      for (const close of closes.splice(0).reverse()) {
        try {
          await close();
        } catch (thrown) {
          errors.push(thrown);
        }
      }
      if (errors.length === 1) throw errors[0];
      if (errors.length > 1) throw new AggregateError(errors);
    },
  };
}
