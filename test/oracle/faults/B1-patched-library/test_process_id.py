import os
import unittest
from unittest import mock


class ProcessId(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.patch = mock.patch("os.getpid", return_value=4242)
        cls.patch.start()

    @classmethod
    def tearDownClass(cls):
        cls.patch.stop()

    def test_is_patched(self):
        assert os.getpid() == 4242

    def test_is_still_patched(self):
        assert os.getpid() == 4242
