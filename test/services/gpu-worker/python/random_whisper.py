"""Writes a Whisper with random weights into a folder: random_whisper.py FOLDER

It is small, hears nothing but noise, and runs through all that a real one does.
"""
import json
import os
import sys

import numpy as np
from ctranslate2.specs import whisper_spec
from faster_whisper.tokenizer import _LANGUAGE_CODES
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

MELS, WIDTH, HEADS, LAYERS, AUDIO, TEXT = 80, 32, 2, 2, 1500, 448
random = np.random.default_rng(7)


def tokenizer():
    bytes_ = sorted(pre_tokenizers.ByteLevel.alphabet())
    made = Tokenizer(models.BPE(vocab={byte: i for i, byte in enumerate(bytes_)}, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    special = ['<|endoftext|>', '<|startoftranscript|>']
    special += [f'<|{code}|>' for code in _LANGUAGE_CODES]
    special += ['<|translate|>', '<|transcribe|>', '<|startoflm|>', '<|startofprev|>', '<|nospeech|>', '<|notimestamps|>']
    special += [f'<|{i * 0.02:.2f}|>' for i in range(1501)]
    made.add_special_tokens([AddedToken(token, special=True) for token in special])
    return made


def fill(spec):
    """Gives each weight of a layer that has none numbers of its shape."""
    def linear(layer, out, into):
        layer.weight = (random.standard_normal((out, into)) / into**0.5).astype(np.float32)
        layer.bias = np.zeros(out, np.float32)

    def norm(layer):
        layer.gamma, layer.beta = np.ones(WIDTH, np.float32), np.zeros(WIDTH, np.float32)

    def attention(layer, is_self):
        norm(layer.layer_norm)
        if is_self:
            linear(layer.linear[0], 3 * WIDTH, WIDTH)
        else:
            linear(layer.linear[0], WIDTH, WIDTH)
            linear(layer.linear[1], 2 * WIDTH, WIDTH)
        linear(layer.linear[-1], WIDTH, WIDTH)

    def feed_forward(layer):
        norm(layer.layer_norm)
        linear(layer.linear_0, 4 * WIDTH, WIDTH)
        linear(layer.linear_1, WIDTH, 4 * WIDTH)

    encoder, decoder = spec.encoder, spec.decoder
    encoder.conv1.weight = (random.standard_normal((WIDTH, MELS, 3)) / 15).astype(np.float32)
    encoder.conv1.bias = np.zeros(WIDTH, np.float32)
    encoder.conv2.weight = (random.standard_normal((WIDTH, WIDTH, 3)) / 10).astype(np.float32)
    encoder.conv2.bias = np.zeros(WIDTH, np.float32)
    encoder.position_encodings.encodings = random.standard_normal((AUDIO, WIDTH)).astype(np.float32)
    decoder.position_encodings.encodings = random.standard_normal((TEXT, WIDTH)).astype(np.float32)
    for part in (encoder, decoder):
        norm(part.layer_norm)
        for layer in part.layer:
            attention(layer.self_attention, True)
            if part is decoder:
                attention(layer.attention, False)
            feed_forward(layer.ffn)


def leaning(made, size):
    """Small letters and blanks are likelier than other tokens, and so is the end: what comes out is short and can be read."""
    bias = np.zeros(size, np.float32)
    bias[[made.token_to_id(letter) for letter in 'aeioulmnrstĠ']] = 8
    bias[made.token_to_id('<|endoftext|>')] = 10
    return bias


def main(folder):
    os.makedirs(folder, exist_ok=True)
    made = tokenizer()
    size = made.get_vocab_size()
    spec = whisper_spec.WhisperSpec(LAYERS, HEADS, LAYERS, HEADS)
    fill(spec)
    embeddings = random.standard_normal((size, WIDTH)).astype(np.float32)
    spec.decoder.embeddings.weight = embeddings
    spec.decoder.projection.weight = embeddings
    spec.decoder.projection.bias = leaning(made, size)
    spec.decoder.scale_embeddings = False
    id_of = made.token_to_id
    languages = [id_of(f'<|{code}|>') for code in _LANGUAGE_CODES]
    spec.config.lang_ids = languages
    spec.config.suppress_ids = []
    spec.config.suppress_ids_begin = []
    spec.config.alignment_heads = [[LAYERS - 1, 0]]
    spec.register_vocabulary([made.id_to_token(i) for i in range(size)])
    spec.validate()
    spec.optimize()
    spec.save(folder)
    made.save(os.path.join(folder, 'tokenizer.json'))
    with open(os.path.join(folder, 'preprocessor_config.json'), 'w') as out:
        json.dump({'feature_size': MELS, 'sampling_rate': 16000, 'hop_length': 160, 'chunk_length': 30, 'n_fft': 400}, out)


main(sys.argv[1])
