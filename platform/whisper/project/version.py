"""Says which faster-whisper runs, once all that hearing needs has been found."""
import av  # noqa: F401
import ctranslate2  # noqa: F401
import faster_whisper
import onnxruntime  # noqa: F401
import tokenizers  # noqa: F401

print(faster_whisper.__version__)
