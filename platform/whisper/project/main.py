"""Runs a script with the packages in the `lib` folder beside this file: main.py SCRIPT [ARGUMENT]…

Called with -I, so that no other packages are imported by accident.
"""
import os
import runpy
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), 'lib'))
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name='__main__')
