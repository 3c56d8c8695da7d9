// The actions of the workflow for GitHub, by the commit of a release: a tag can be moved to other code.

/** Each repository below github.com/actions with a release and its commit. */
const releases = {
  checkout: { tag: 'v4.4.0', commit: '11d5960a326750d5838078e36cf38b85af677262' },
  'setup-python': { tag: 'v5.6.0', commit: 'a26af69be951a213d495a4c3e4e4022e16d87065' },
  'upload-artifact': { tag: 'v4.6.2', commit: 'ea165f8d65b6e75b540449e92b4886f43607fa02' },
  'download-artifact': { tag: 'v4.3.0', commit: 'd3f86a106a0bac45b974a628896c90dbdf5c8093' },
  cache: { tag: 'v4.3.0', commit: '0057852bfaa89a56745cba8c7296529d2fc39830' },
} as const;

type Repository = keyof typeof releases;

/** The value of `uses` for an action of `repository`, such as `cache/save`. */
export function pinned(action: Repository | `${Repository}/${string}`): string {
  const [repository] = action.split('/') as [Repository];
  return `actions/${action}@${releases[repository].commit}`;
}

/** Adds the tag of the release to each line of a workflow that uses a pinned action, for readers and for bots that update it. */
export function withTags(workflow: string): string {
  const tags = new Map<string, string>(Object.values(releases).map(({ tag, commit }) => [commit, tag]));
  return workflow.replaceAll(/^(.*uses: actions\/[\w/-]+@([0-9a-f]{40}))$/gm, (line: string, _use: string, commit: string) => {
    const tag = tags.get(commit);
    return tag === undefined ? line : `${line} # ${tag}`;
  });
}
