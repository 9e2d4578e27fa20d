"""Runs the yt-dlp in the `lib` folder beside this file. Called with -I, so that no other packages are imported by accident."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), 'lib'))

import yt_dlp  # noqa: E402

yt_dlp.main()
