"""The real transcriber, but with pieces of forty seconds, so that a test need not hear for hours."""
import os
import runpy

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../../../services/gpu-worker/python/transcriber.py')
transcriber = runpy.run_path(SCRIPT, run_name='transcriber')
transcriber['main'].__globals__.update(PIECE_SECONDS=40, CUT_SECONDS=20)
transcriber['main']()
