"""Collection of the whole list by every worker, as under plain xdist: each then runs the tests of the list that its tasks name."""

from .cache import stepwise_count
from .named import Named
from .whole_list import WholeList


class SuiteSource:
    def __init__(self, session, channel, serial_marker, may_miss):
        self.config = config = session.config
        self.channel = channel
        self.serial_marker = serial_marker
        self.list = WholeList(config)
        config.pluginmanager.register(self.list, "shardline-whole-list")
        if may_miss:
            named = Named()
            config.pluginmanager.register(named, "shardline-named")
            named.narrow(session)

    def begin(self):
        """The agent compares the lists of its workers, and asks one of them for all of it."""
        self.channel.send("listed", stepwiseCount=stepwise_count(self.config), **self.list.summary())

    def send_list(self):
        for group in self.list.groups():
            self.channel.send("list-group", **group)
        self.channel.send("list-end", hash=self.list.hash, problems=[], digests=[])

    def portions(self, message):
        """A task is one portion: its tests run in the order of the list, whatever the order of its selectors."""
        return [message]

    def batch(self, portion, task):
        return self.list.batch(portion, self.serial_marker)

    def upcoming(self, task):
        return task.ahead[-1].test[0] if task.fill() else None
