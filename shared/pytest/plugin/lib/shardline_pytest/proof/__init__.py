"""Proves that collecting the files of a suite one by one gives the same tests. Reports what it cannot prove, and assumes nothing.

proof = HookProof(config, declared)   hook_proof: hooks and collectors, by the lines that ran
proof.begin(session)                  before pytest_collection, tryfirst; again for each file that is collected alone
proof.finish(session)                 after it
proof.problems()                      [{"hook", "place", "why"}], empty if proven; also shows foreign reads of the list while tests run
collectors_problem(session)           collectors: the tree of nodes; refused_files: module names that plain pytest refuses
options_problem(config, items)        whole_list_options; order_problem(items): the list is not file after file
file_digest(items, deselected)        file_digest: what collecting one file gave
census_key(config)                    census_key: what such a digest is valid for
ImportChanges(root, plugins)          import_changes: what an import changed for other files
"""

from __future__ import annotations
