import logging


def test_logs():
    logging.getLogger().info("from a")
