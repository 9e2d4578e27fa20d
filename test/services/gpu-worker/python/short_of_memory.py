"""The real transcriber, which gets no more memory than it has when it is asked for a file of more than a minute."""
import os
import resource
import runpy

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../../../services/gpu-worker/python/transcriber.py')
transcriber = runpy.run_path(SCRIPT, run_name='transcriber')
open_sound = transcriber['open_sound']


def open_and_limit(path):
    container = open_sound(path)
    if (container.duration or 0) > 60e6:
        with open('/proc/self/statm') as statm:
            used = int(statm.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + 32_000_000, resource.RLIM_INFINITY))
    return container


transcriber['hear'].__globals__['open_sound'] = open_and_limit
transcriber['main']()
