"""Prints the version of faster-whisper. Fails if a package that transcription needs is missing."""
import av  # noqa: F401
import ctranslate2  # noqa: F401
import faster_whisper
import onnxruntime  # noqa: F401
import tokenizers  # noqa: F401

print(faster_whisper.__version__)
