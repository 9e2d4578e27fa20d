"""Speaks with espeak-ng, into a file: speak.py FILE.wav LANGUAGE WORDS_PER_MINUTE TEXT"""
import ctypes
import sys
import wave

import espeakng_loader

AUDIO_OUTPUT_RETRIEVAL = 1
CHARS_UTF8 = 1
RATE = 1

Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


def main(file, language, words_per_minute, text):
    espeak = espeakng_loader.load_library()
    hertz = espeak.espeak_Initialize(AUDIO_OUTPUT_RETRIEVAL, 0, espeakng_loader.get_data_path().encode(), 0)
    if hertz <= 0:
        sys.exit('espeak-ng does not begin')
    pieces = []

    def take(samples, count, events):
        if samples and count > 0:
            pieces.append(ctypes.string_at(samples, 2 * count))
        return 0

    callback = Callback(take)
    espeak.espeak_SetSynthCallback(callback)
    if espeak.espeak_SetVoiceByName(language.encode()) != 0:
        sys.exit(f'espeak-ng has no voice {language}')
    espeak.espeak_SetParameter(RATE, int(words_per_minute), 0)
    said = text.encode() + b'\0'
    if espeak.espeak_Synth(said, len(said), 0, 0, 0, CHARS_UTF8, None, None) != 0:
        sys.exit('espeak-ng does not speak')
    espeak.espeak_Synchronize()
    with wave.open(file, 'wb') as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(hertz)
        out.writeframes(b''.join(pieces))


main(*sys.argv[1:])
