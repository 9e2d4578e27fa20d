"""Plain faster-whisper: transcribes each file named on a line of stdin, and prints a line when done. bare_whisper.py MODEL THREADS"""
import sys

from faster_whisper import WhisperModel

model = WhisperModel(sys.argv[1], device='cpu', compute_type='int8', cpu_threads=int(sys.argv[2]), local_files_only=True)
print('ready', flush=True)
for line in sys.stdin:
    segments, _ = model.transcribe(line.strip(), beam_size=5, vad_filter=True, condition_on_previous_text=False)
    print(sum(1 for _ in segments), flush=True)
