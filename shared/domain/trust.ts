// Whose messages count: the roles of keys, and what to do with a message whose signature is missing or wrong.

/** Take it, take it with a warning, or refuse it. */
export const verifyModes = ['off', 'warn', 'require'] as const;
export type VerifyMode = (typeof verifyModes)[number];

/** Agents report results; coordinators open runs, enqueue shards, send commands, write the run log and conclude. */
export const roles = ['agent', 'coordinator'] as const;
export type Role = (typeof roles)[number];

/** What a trusted key may do: speak in a role, or certify other keys. */
export const keyUses = [...roles, 'certify'] as const;
export type KeyUse = (typeof keyUses)[number];
