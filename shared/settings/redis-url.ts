// Parses the user's Redis URL, explains errors in it, and removes its secrets. No message here quotes the text, because a malformed URL may
// contain a password anywhere.

export const redisProtocols = ['redis:', 'rediss:', 'unix:'] as const;

/** `database` is 0 when the URL names none. `username` and `password` are decoded; null when absent. */
interface Account {
  readonly database: number;
  readonly username: string | null;
  readonly password: string | null;
}

export type RedisAddress = Account &
  (
    | { readonly kind: 'socket'; readonly path: string }
    | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly isTls: boolean }
    /** Some servers of a cluster, which know the others. */
    | { readonly kind: 'cluster'; readonly servers: readonly Host[]; readonly isTls: boolean }
    /** Sentinels that know which server is the primary of the group `name`. */
    | {
        readonly kind: 'sentinel';
        readonly sentinels: readonly Host[];
        readonly name: string;
        readonly isTls: boolean;
        /** The account of the Sentinels themselves, decoded; null when absent. */
        readonly sentinelUsername: string | null;
        readonly sentinelPassword: string | null;
      }
  );

export interface Host {
  readonly host: string;
  readonly port: number;
}

/** Why a text is not a Redis URL, as the end of a sentence, and how to fix it. */
export interface BadRedisUrl {
  readonly kind: 'bad';
  readonly problem: string;
  readonly fix: string;
}

const DEFAULT_PORT = 6379;
const SENTINEL_PORT = 26379;

const FORM = 'Write redis://host:port, rediss://host:port, unix:///path, redis+sentinel://host:port/NAME or redis+cluster://host:port.';
const SENTINEL_FORM =
  'Write redis+sentinel://host1:26379,host2:26379/NAME, with the name that the Sentinels monitor, and /2 after it for database 2.';
const CLUSTER_FORM = 'Write redis+cluster://host1:6379,host2:6379, without a database.';
const ENCODE = 'Percent-encode the user and the password: %25 for %, %2F for /, %3F for ?, %23 for #, %40 for @.';
const bad = (problem: string, fix: string): BadRedisUrl => ({ kind: 'bad', problem, fix });

/**
 * Parses `redis://[user:password@]host[:port][/database]`, `rediss://…` and `unix:///path`, each with an optional `?db=N`, and
 * `redis+sentinel://[user:password@]host[:port][,host[:port]…]/name[/database][?sentinel_username=U&sentinel_password=P]` and
 * `redis+cluster://[user:password@]host[:port]…`, with `rediss+…` for TLS.
 */
export function readRedisUrl(text: string): RedisAddress | BadRedisUrl {
  const several = SEVERAL.exec(text.trim());
  return several === null ? readServerUrl(text) : readSeveral(several);
}

/** The scheme, `sentinel` or `cluster`, the user and password, the hosts, and the rest. */
const SEVERAL = /^(rediss?)\+(sentinel|cluster):\/\/(?:([^/?#]*)@)?([^/?#@]*)(.*)$/is;

function readSeveral([, scheme = '', kind = '', account, hosts = '', rest = '']: RegExpExecArray): RedisAddress | BadRedisUrl {
  const isCluster = kind.toLowerCase() === 'cluster';
  const form = isCluster ? CLUSTER_FORM : SENTINEL_FORM;
  if (/[@#]/.test(rest)) return bad('its user or password holds a /, ? or # that ends the host', ENCODE);
  const [, name = '', database = '', parameters = ''] = /^\/([A-Za-z0-9._-]+)(?:\/(\d{0,9}))?(?:\?(.*))?$/s.exec(rest) ?? [];
  if (isCluster && rest !== '' && rest !== '/') return bad('nothing may follow the hosts, and a cluster has only database 0', form);
  if (!isCluster && name === '') return bad('it does not end with the name of a group, such as /mymaster', form);
  const protocol = scheme.toLowerCase();
  const all: Host[] = [];
  for (const each of hosts.split(',')) {
    const read = readServerUrl(`${protocol}://${each}`);
    if (read.kind !== 'tcp') return bad('one of its hosts could not be parsed', form);
    const port = !isCluster && URL.parse(`x://${each}`)?.port === '' ? SENTINEL_PORT : read.port;
    all.push({ host: read.host, port });
  }
  const own = readServerUrl(`${protocol}://${account === undefined ? '' : `${account}@`}host/${database}`);
  if (own.kind !== 'tcp') return own.kind === 'bad' ? own : bad('it could not be parsed', form);
  const { username, password, isTls } = own;
  const common = { isTls, database: own.database, username, password };
  if (isCluster) return { kind: 'cluster', servers: all, ...common };
  const sentinelAccount = readSentinelAccount(parameters);
  return 'kind' in sentinelAccount ? sentinelAccount : { kind: 'sentinel', sentinels: all, name, ...common, ...sentinelAccount };
}

interface SentinelAccount {
  readonly sentinelUsername: string | null;
  readonly sentinelPassword: string | null;
}

/** The names are those of go-redis. */
function readSentinelAccount(parameters: string): SentinelAccount | BadRedisUrl {
  const found = new Map<string, string>();
  for (const each of parameters === '' ? [] : parameters.split('&')) {
    const [, key = '', text = ''] = /^(sentinel_(?:username|password))=(.*)$/s.exec(each) ?? [];
    const value = decoded(text);
    if (key === '' || found.has(key)) return bad('it has parameters other than sentinel_username and sentinel_password', 'Leave them out.');
    if (value === undefined) return bad('it holds a % that begins no percent-encoding', ENCODE);
    found.set(key, value);
  }
  const of = (key: string): string | null => found.get(key) || null;
  return { sentinelUsername: of('sentinel_username'), sentinelPassword: of('sentinel_password') };
}

function readServerUrl(text: string): RedisAddress | BadRedisUrl {
  if (text.trim() === '') return bad('it is empty', FORM);
  if (/\s/.test(text.trim())) return bad('it has white space in it', ENCODE);
  const url = URL.parse(text);
  if (url === null) return bad('it could not be parsed', text.includes('@') ? `${ENCODE} ${FORM}` : FORM);
  if (!isRedisProtocol(url))
    return bad(
      `it does not begin with ${redisProtocols.map((each) => `${each}//`).join(', ')}, redis+sentinel:// or redis+cluster://`,
      FORM,
    );
  if (isCutShort(url)) return bad('its user or password holds a /, ? or # that ends the host', ENCODE);
  const [username, password, path] = [url.username, url.password, url.pathname].map(decoded);
  if (username === undefined || password === undefined || path === undefined)
    return bad('it holds a % that begins no percent-encoding', ENCODE);
  const named = databaseOf(url);
  if (named !== '' && !/^\d{1,9}$/.test(named)) return bad('its database is not a number', 'Write for example redis://host:6379/0.');
  if ([...url.searchParams.keys()].some((key) => key !== 'db')) return bad('it has parameters other than db', 'Leave them out.');
  const account = { database: Number(named), username: username || null, password: password || null };
  if (url.protocol === 'unix:') return path === '' ? bad('it names no path', FORM) : { kind: 'socket', path, ...account };
  if (url.hostname === '') return bad('it names no host', FORM);
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return { kind: 'tcp', host, port: url.port === '' ? DEFAULT_PORT : Number(url.port), isTls: url.protocol === 'rediss:', ...account };
}

/**
 * The URL without its password, for messages and logs. It shows a user only if there is a password too, because a lone user may be a
 * password. It hides a text that is not a Redis URL completely.
 */
export function safeUrl(text: string): string {
  const [, scheme = '', kind = '', account = '', hosts = '', rest = ''] = SEVERAL.exec(text.trim()) ?? [];
  if (scheme !== '') {
    const [, path] = /^((?:\/[A-Za-z0-9._-]+)?(?:\/\d*)?)(?:\?[^@#]*)?$/s.exec(rest) ?? [];
    const isWhole = /^[A-Za-z0-9.,:[\]-]*$/.test(hosts) && path !== undefined;
    const [user = ''] = account.includes(':') ? account.split(':', 1) : [];
    return isWhole ? `${scheme}+${kind}://${user === '' ? '' : `${user}@`}${hosts}${path}` : '(not a URL)';
  }
  const url = URL.parse(text);
  if (url === null || !isRedisProtocol(url) || isCutShort(url)) return '(not a URL)';
  const user = url.username === '' || url.password === '' ? '' : `${url.username}@`;
  const database = url.searchParams.get('db') ?? '';
  const path = url.protocol === 'unix:' || /^\/\d*$/.test(url.pathname) ? url.pathname : '';
  return `${url.protocol}//${user}${url.host}${path}${/^\d+$/.test(database) ? `?db=${database}` : ''}`;
}

/** The arguments without users and passwords in the URL of Redis, and in every other URL, for messages and reports. */
export const safeArguments = (argv: readonly string[]): readonly string[] =>
  argv.map((argument, index) => {
    if (argv[index - 1] === '--redis') return safeUrl(argument);
    if (argument.startsWith('--redis=')) return `--redis=${safeUrl(argument.slice('--redis='.length))}`;
    return argument.replace(/([a-z][a-z0-9+.-]*:\/\/)[^\s/?#@]+@/gi, '$1');
  });

const isRedisProtocol = ({ protocol }: URL): boolean => redisProtocols.some((each) => each === protocol);

/** Whether an @ follows the host: a password with one of / ? # has ended the host early. A socket's path may contain an @. */
const isCutShort = ({ protocol, pathname, search, hash }: URL): boolean =>
  hash !== '' || search.includes('@') || (protocol !== 'unix:' && pathname.includes('@'));

/** The database as written; empty when there is none. */
const databaseOf = (url: URL): string => url.searchParams.get('db') ?? (url.protocol === 'unix:' ? '' : url.pathname.replace(/^\//, ''));

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
