// The address of a Redis server as the user gives it: what may be shown of it, and where it may not be.

export const redisProtocols = ['redis:', 'rediss:', 'unix:'] as const;

/** The URL without its password, for messages and logs. A text that is no URL is not shown at all: it may be a password. */
export function safeUrl(url: string): string {
  const parts = /^([a-z]+:\/\/)(?:([^:@/]*)(?::[^@]*)?@)?([^@]*)$/i.exec(url);
  if (parts === null) return '(not a URL)';
  const [, protocol = '', user = '', rest = ''] = parts;
  return user === '' ? `${protocol}${rest}` : `${protocol}${user}@${rest}`;
}
