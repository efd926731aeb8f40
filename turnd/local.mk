# The TURN relay moves in here; until then nothing is built in this folder.
