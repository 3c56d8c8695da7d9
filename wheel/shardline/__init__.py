"""Run one pytest suite on many cores and many machines. The program itself is JavaScript; `launcher` starts it."""
