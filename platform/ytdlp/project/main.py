"""Runs the yt-dlp that lies beside this file. Called with -I, so nothing else is imported by accident."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), 'lib'))

import yt_dlp  # noqa: E402

yt_dlp.main()
