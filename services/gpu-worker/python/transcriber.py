"""Transcribes audio files, one after the other: JSON lines on stdin and stdout.

Configured by its environment: WHISPER_MODEL, WHISPER_DEVICE, WHISPER_COMPUTE_TYPE, WHISPER_THREADS, HF_HOME.

  in   {"id": 1, "hear": "/path/of/a/file"}
  out  {"ready": {"device": "cpu", "compute_type": "int8", "threads": 2, "load_seconds": 0.4, "note": null}}   once, when it is ready
       {"downloading": {"model": "large-v3", "megabytes": 312}}   now and then, while the model is downloaded
       {"begin": {"id": 1, "seconds": 25.9}}          length of the audio according to the file
       {"segment": {"id": 1, "text": "…", "offset": 0.0, "duration": 2.5}}
       {"heard": {"id": 1, "seconds": 17.0}}          so far
       {"done": {"id": 1, "language": "en", "language_probability": 0.98, "seconds": 25.9}}
       {"error": {"id": 1, "kind": "bad-audio", "message": "…"}}   then goes on; with a null id it could not start, and exits
       {"beat": false}                                every few seconds; true: a step of work was done since the last one

All times are in seconds. Kinds of errors: bad-audio, set-up, memory, failed. It exits when stdin ends, even in the middle of work.
"""
import json
import os
import queue
import re
import sys
import threading
import time

BEAT_SECONDS = 2
DOWNLOAD_SECONDS = 10
"""Interval of progress reports during a download."""
RATE = 16_000
"""Samples per second that Whisper expects."""
PIECE_SECONDS = 10 * 60
"""Audio transcribed at once. Bounds memory: faster-whisper takes 60 to 100 MB for each minute."""
CUT_SECONDS = 60
"""Part at the end of a piece in which it is cut, at the quietest moment, so that no word is split."""
QUIET = RATE // 2
GROUP = 500_000
"""Samples converted at once."""

# Send everything that libraries print to stderr, so that it does not mix with the protocol.
out = os.dup(1)
os.dup2(2, 1)
writing = threading.Lock()
has_worked = False


def tell(**message):
    global has_worked
    line = json.dumps(message).encode() + b'\n'
    with writing:
        if 'beat' not in message:
            has_worked = True
        while line:
            line = line[os.write(out, line):]


class Refused(Exception):
    """Why the process cannot start, or a file cannot be transcribed."""

    def __init__(self, kind, message):
        super().__init__(message)
        self.kind = kind


def beat():
    """Reports that the process is alive, and whether it makes progress."""
    global has_worked
    while True:
        time.sleep(BEAT_SECONDS)
        worked, has_worked = has_worked, False
        try:
            tell(beat=worked)
        except OSError:
            os._exit(0)


def read_commands(commands):
    for line in sys.stdin.buffer:
        commands.put(json.loads(line))
    # The parent has gone, so the result is no longer needed.
    os._exit(0)


# The model -----------------------------------------------------------------

FILES = ('model.bin', 'config.json', 'tokenizer.json')
REPOSITORY = re.compile(r'[\w.-]+/[\w.-]+')


def folder_of(name):
    """Folder of the model, which is downloaded if missing."""
    if os.path.isdir(name):
        missing = [file for file in FILES if not os.path.isfile(os.path.join(name, file))]
        if missing:
            raise Refused('set-up', f'WHISPER_MODEL {name} is no model for faster-whisper: there is no {" and no ".join(missing)}')
        return name
    looks_like_a_path = name.startswith(('.', '/', '~')) or name.count('/') > 1
    if looks_like_a_path:
        raise Refused('set-up', f'WHISPER_MODEL {name} is not there: set it to a folder with a model, or to a name as large-v3')
    # A slow import: not needed to report a wrong folder.
    from faster_whisper.utils import _MODELS

    repository = _MODELS.get(name) or (name if REPOSITORY.fullmatch(name) else None)
    if repository is None:
        raise Refused('set-up', f'WHISPER_MODEL {name} is unknown: set it to a folder with a model, or to one of {", ".join(_MODELS)}')
    return downloaded(name, repository)


def downloaded(name, repository):
    import huggingface_hub

    files = {'repo_id': repository, 'allow_patterns': [*FILES, 'preprocessor_config.json', 'vocabulary.*']}
    try:
        folder = huggingface_hub.snapshot_download(**files, local_files_only=True)
        # An interrupted download leaves an incomplete folder.
        if all(os.path.isfile(os.path.join(folder, file)) for file in FILES):
            return folder
    except Exception:
        pass  # not downloaded yet
    ended = threading.Event()
    threading.Thread(target=tell_size, args=(name, repository, ended), daemon=True).start()
    try:
        return huggingface_hub.snapshot_download(**files)
    except Exception as error:
        raise Refused('set-up', f'the model {name} could not be downloaded ({first_line(error)}): set WHISPER_MODEL to a folder that has it') from error
    finally:
        ended.set()


def tell_size(name, repository, ended):
    """Reports the downloaded size whenever it changes."""
    from huggingface_hub.constants import HF_HUB_CACHE

    folder = os.path.join(HF_HUB_CACHE, f'models--{repository.replace("/", "--")}', 'blobs')
    before = None
    while not ended.wait(0 if before is None else DOWNLOAD_SECONDS):
        bytes_ = sum(os.path.getsize(os.path.join(at, file)) for at, _, files in os.walk(folder) for file in files if os.path.exists(os.path.join(at, file)))
        if bytes_ != before:
            before = bytes_
            tell(downloading={'model': name, 'megabytes': round(bytes_ / 1e6)})


def load():
    """Loads the model on the available device. Returns the model and the message for `ready`."""
    name = os.environ.get('WHISPER_MODEL') or 'large-v3'
    device = os.environ.get('WHISPER_DEVICE') or 'auto'
    compute_type = os.environ.get('WHISPER_COMPUTE_TYPE')
    threads = int(os.environ.get('WHISPER_THREADS') or 0) or cores()
    folder = folder_of(name)
    import ctranslate2

    note = None
    if device == 'auto':
        device = 'cuda' if ctranslate2.get_cuda_device_count() > 0 else 'cpu'
        if device == 'cuda':
            try:
                return on('cuda', folder, compute_type, threads, None)
            except Exception as error:
                note, device = f'CUDA cannot be used: {first_line(error)}', 'cpu'
    try:
        return on(device, folder, compute_type, threads, note)
    except Exception as error:
        if error_of(error)['kind'] == 'memory':
            raise
        remedy = 'see to its driver, or set WHISPER_DEVICE=cpu' if device == 'cuda' else 'see to WHISPER_MODEL and WHISPER_COMPUTE_TYPE'
        raise Refused('set-up', f'the model {name} cannot be loaded on {device} ({first_line(error)}): {remedy}') from error


def on(device, folder, compute_type, threads, note):
    import ctranslate2
    import numpy
    from faster_whisper import WhisperModel

    if not compute_type:
        # On a CPU float16 silently becomes float32, which takes two or three times as long as int8.
        can = ctranslate2.get_supported_compute_types(device)
        wanted = 'int8' if device == 'cpu' else 'float16'
        compute_type = wanted if wanted in can else 'float32'

    class Model(WhisperModel):
        def encode(self, features):
            tell_work()
            return super().encode(features)

        def generate_with_fallback(self, *args):
            tell_work()
            return super().generate_with_fallback(*args)

    began = time.monotonic()
    model = Model(folder, device=device, compute_type=compute_type, cpu_threads=threads, local_files_only=True)
    if device == 'cuda':
        # Missing CUDA libraries show only at the first use, so use the model once.
        model.encode(numpy.zeros((model.feature_extractor.n_mels, 3000), numpy.float32))
    told = {'device': device, 'compute_type': compute_type, 'threads': threads, 'note': note}
    return model, {**told, 'load_seconds': round(time.monotonic() - began, 3)}


def tell_work():
    global has_worked
    has_worked = True


def cores():
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


# Audio ---------------------------------------------------------------------

def open_sound(path):
    import av

    try:
        container = av.open(path, mode='r', metadata_errors='ignore')
    except FileNotFoundError as error:
        raise Refused('bad-audio', 'there is no such file') from error
    except (av.error.FFmpegError, ValueError, OSError) as error:
        raise Refused('bad-audio', f'the file cannot be read as sound ({reason(error)})') from error
    if not container.streams.audio:
        container.close()
        raise Refused('bad-audio', 'there is no sound in the file')
    return container


def samples_of(container):
    """Decodes the first audio stream into groups of samples between -1 and 1. Broken parts are skipped."""
    import av
    import numpy

    resampler = av.AudioResampler(format='s16', layout='mono', rate=RATE)
    fifo = av.AudioFifo()

    def resampled(frame):
        for piece in resampler.resample(frame):
            yield piece.to_ndarray().reshape(-1).astype(numpy.float32) / 32768

    frames = iter(container.decode(audio=0))
    while True:
        try:
            frame = next(frames)
        except StopIteration:
            break
        except av.error.InvalidDataError:
            continue
        except av.error.FFmpegError as error:
            raise Refused('bad-audio', f'the sound cannot be decoded ({reason(error)})') from error
        frame.pts = None
        fifo.write(frame)
        if fifo.samples >= GROUP:
            yield from resampled(fifo.read())
    if fifo.samples > 0:
        yield from resampled(fifo.read())
    yield from resampled(None)


def pieces_of(groups):
    """Joins groups of samples into pieces of bounded length, cut where it is quiet."""
    import numpy

    held, length = [], 0
    for group in groups:
        held.append(group)
        length += len(group)
        while length >= PIECE_SECONDS * RATE:
            samples = numpy.concatenate(held)
            cut = quietest(samples[: PIECE_SECONDS * RATE])
            yield samples[:cut]
            held, length = [samples[cut:]], length - cut
    if length > 0:
        yield numpy.concatenate(held)


def quietest(samples):
    """Index of the middle of the quietest half second near the end."""
    begins = len(samples) - CUT_SECONDS * RATE
    windows = samples[begins:].reshape(-1, QUIET)
    return begins + int((windows**2).mean(axis=1).argmin()) * QUIET + QUIET // 2


# Transcription -------------------------------------------------------------

def hear(model, id_, path):
    container = open_sound(path)
    with container:
        tell(begin={'id': id_, 'seconds': (container.duration or 0) / 1e6})
        language, probability, offset = None, 0, 0.0
        for samples in pieces_of(samples_of(container)):
            tell_work()
            length = len(samples) / RATE
            segments, info = model.transcribe(
                samples,
                language=language,
                language_detection_segments=4,
                beam_size=5,
                vad_filter=True,
                condition_on_previous_text=False,
            )
            for segment in segments:
                start, end = (min(max(moment, 0), length) for moment in (segment.start, segment.end))
                row = {'text': segment.text, 'offset': round(offset + start, 3), 'duration': round(max(end - start, 0), 3)}
                tell(segment={'id': id_, **row})
            # Without speech the detected language means nothing.
            if language is None and info.duration_after_vad > 0:
                language, probability = info.language, info.language_probability
            offset += length
            tell(heard={'id': id_, 'seconds': round(offset, 3)})
    if offset == 0:
        raise Refused('bad-audio', 'there is no sound in the file')
    tell(done={'id': id_, 'language': language, 'language_probability': round(float(probability), 3), 'seconds': round(offset, 3)})


def first_line(error):
    return (str(error).strip() or type(error).__name__).split('\n')[0][:300]


def reason(error):
    return getattr(error, 'strerror', None) or first_line(error)


def error_of(error):
    """Kind and message for an `error` line."""
    if isinstance(error, Refused):
        return {'kind': error.kind, 'message': str(error)}
    is_memory = isinstance(error, MemoryError) or re.search('out of memory|bad_alloc|unable to allocate', str(error), re.I)
    return {'kind': 'memory' if is_memory else 'failed', 'message': f'{type(error).__name__}: {first_line(error)}'}


def main():
    commands = queue.Queue()
    threading.Thread(target=beat, daemon=True).start()
    threading.Thread(target=read_commands, args=(commands,), daemon=True).start()
    try:
        model, told = load()
    except Exception as error:
        tell(error={'id': None, **error_of(error)})
        os._exit(1)
    tell(ready=told)
    while True:
        command = commands.get()
        try:
            hear(model, command['id'], command['hear'])
        except Exception as error:
            tell(error={'id': command['id'], **error_of(error)})


if __name__ == '__main__':
    main()
