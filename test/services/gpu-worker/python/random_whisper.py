"""Writes a Whisper with random weights into a folder: random_whisper.py FOLDER

It is small and runs through all that a real one does. Whatever it is given, it hears the same in each half minute: SAID, in its first two
seconds. What comes next depends on the position of a token alone: its decoder adds nothing to the numbers of a position, and the last
layer knows the token that follows on each.
"""
import json
import os
import sys

import numpy as np
from ctranslate2.specs import whisper_spec
from faster_whisper.tokenizer import _LANGUAGE_CODES
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

MELS, WIDTH, HEADS, LAYERS, AUDIO, TEXT = 80, 32, 2, 2, 1500, 448
# A blank alone is never heard: it begins ` -`, which is no speech to Whisper.
WORDS = ['ĠThis', 'Ġis', 'Ġnoise.']
SAID = ['<|0.00|>', *WORDS, '<|2.00|>', '<|endoftext|>']
random = np.random.default_rng(7)


def tokenizer():
    bytes_ = sorted(pre_tokenizers.ByteLevel.alphabet())
    made = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate([*bytes_, *WORDS])}, merges=[]))
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


def silenced(decoder):
    """What its layers would add is nothing."""
    for layer in decoder.layer:
        for linear in (layer.self_attention.linear[-1], layer.attention.linear[-1], layer.ffn.linear_1):
            linear.weight = np.zeros_like(linear.weight)


def script(made, positions, size):
    """The weights of the last layer: a row for each token, which is like the numbers of the positions that it comes after."""
    weight = np.zeros((size, WIDTH), np.float32)
    for position, token in enumerate(SAID):
        weight[made.token_to_id(token)] += positions[position]
    return weight


def main(folder):
    os.makedirs(folder, exist_ok=True)
    made = tokenizer()
    size = made.get_vocab_size()
    spec = whisper_spec.WhisperSpec(LAYERS, HEADS, LAYERS, HEADS)
    fill(spec)
    silenced(spec.decoder)
    spec.decoder.embeddings.weight = np.zeros((size, WIDTH), np.float32)
    spec.decoder.projection.weight = script(made, spec.decoder.position_encodings.encodings, size)
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
