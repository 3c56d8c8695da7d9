"""`python -m shardline`."""

from shardline.launcher import main

main()
