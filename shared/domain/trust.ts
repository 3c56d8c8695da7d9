// What to do with a message whose signature is missing or wrong.

/** Take it, take it with a warning, or refuse it. */
export const verifyModes = ['off', 'warn', 'require'] as const;
export type VerifyMode = (typeof verifyModes)[number];
