"""Names for the items of one list: pytest's own node id, and for each further item of the same id a mark that tells it apart."""

from .channel import clean

# Also in shared/domain/ids.ts. What people read is the node id without it.
COPY_MARK = "\x1e"
KEY = "_shardline_key"


def unique_keys(items):
    """One key for each item, in order. The second item of a node id gets `<id><mark>2`, the third `<id><mark>3`."""
    taken, copies, keys = set(), {}, []
    for item in items:
        nodeid = clean(item.nodeid)
        key = nodeid
        while key in taken:
            copies[nodeid] = copies.get(nodeid, 1) + 1
            key = nodeid + COPY_MARK + str(copies[nodeid])
        taken.add(key)
        keys.append(key)
    return keys


def copy_key(nodeid, taken):
    """The node id, or the first of its copies that is not taken."""
    key, number = nodeid, 1
    while key in taken:
        number += 1
        key = nodeid + COPY_MARK + str(number)
    return key


def key_of(item):
    """The key under which this item runs now; a plugin may run an item that was never given one."""
    return getattr(item, KEY, None) or clean(item.nodeid)


def is_among(key, selected):
    """Is one of the selected this test, its class, or it without its parameters?"""
    if key in selected:
        return True
    file, _, rest = key.partition("::")
    names = rest.partition("[")[0].split("::")
    return any("::".join([file, *names[:count]]) in selected for count in range(len(names), 0, -1))


def selects(selected, key):
    """Is `selected` this test, its class, or it without its parameters?"""
    return key == selected or (key.startswith(selected) and key[len(selected) :].startswith(("::", "[")))
